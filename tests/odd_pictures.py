"""Picture folders: an ordinary set of 4x5 pictures in which something is odd, mostly its first picture."""

import os
import struct
import zlib

import numpy as np
from odd_files import Case, Read
from PIL import Image

H, W = 4, 5
RAMP = (np.arange(H * W).reshape(H, W) * 12).astype(np.uint8)  # 0, 12, ..., 228
RGB = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=2)
GREY3 = np.stack([RAMP] * 3, axis=2)
FIRST = "train/cat/0"


def save(path, pixels, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
    (picture.convert(mode) if mode else picture).save(path, **options)


def ordinary(root, pixels=RAMP, classes=("cat", "dog"), leave=(FIRST,), ext="png"):
    """train/CLASS/{0,1,2}.png and test/CLASS/{0,1}.png, but for those in `leave`."""
    for part, n in (("train", 3), ("test", 2)):
        for name in classes:
            for i in range(n):
                if f"{part}/{name}/{i}" not in leave:
                    save(root / part / name / f"{i}.{ext}", pixels)


def chw(pixels):
    pixels = np.asarray(pixels, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def first(name, right, make, ext="png", rest=RAMP):
    """A case whose first picture is what `make(path)` writes; `right` is its pixels, or the line."""

    def write(root):
        ordinary(root, rest)
        path = root / f"{FIRST}.{ext}"
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)

    if isinstance(right, str):
        right = rf"^DIR/{FIRST}\.{ext}: .*{right}"
    return Case(name, "folder", write, right)


def read(pixels, says="", **more):
    return Read(chw(pixels), says=says, num_train=6, **more)


def saved(pixels, mode=None, **options):
    return lambda path: save(path, pixels, mode, **options)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(colour_type, depth, rows, width=W, height=H, extra=b""):
    """A PNG byte by byte, for what Pillow cannot write."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    content = b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return lambda path: path.write_bytes(content)


def wide(values):
    return [np.asarray(row, dtype=">u2").tobytes() for row in values]


def turned(orientation):
    def write(path):
        exif = Image.Exif()
        exif[0x0112] = orientation
        undone = {1: RAMP, 2: RAMP[:, ::-1], 3: RAMP[::-1, ::-1], 4: RAMP[::-1], 5: RAMP.T}
        undone |= {6: np.rot90(RAMP), 7: RAMP[::-1, ::-1].T, 8: np.rot90(RAMP, -1)}
        save(path, np.ascontiguousarray(undone[orientation]), exif=exif)

    return write


def turned_jpeg(path):
    """Eight by sixteen, stored as sixteen by eight; black above, white below."""
    exif, upright = Image.Exif(), np.repeat(np.array([0, 255], np.uint8), 8)[:, None].repeat(8, 1)
    exif[0x0112] = 6
    save(path, np.ascontiguousarray(np.rot90(upright)), exif=exif, quality=100)


def palette(colours, indices, transparent=None):
    picture = Image.new("P", (W, H))
    picture.putdata(np.asarray(indices).ravel().tolist())
    picture.putpalette([value for colour in colours for value in colour])
    return saved(picture, **({} if transparent is None else {"transparency": transparent}))


STRIPES = np.tile(np.arange(W) % 2, (H, 1))
RED_BLUE = np.array([[200, 0, 0], [0, 0, 100]], np.uint8)[STRIPES]
WHITE_BLUE = np.array([[255, 255, 255], [0, 0, 100]], np.uint8)[STRIPES]
OPAQUE = np.full((H, W), 255, np.uint8)
HALF = np.full((H, W), 51, np.uint8)  # a fifth
SEEN = np.round(RGB * 0.2 + 255 * 0.8).astype(np.uint8)  # exact: no value lies halfway
FRAMES = [Image.fromarray(np.full((H, W), 40 * i, np.uint8)) for i in range(3)]
COUNT = RAMP.astype(np.uint16)

KINDS = [
    first("16-bit grey", read(RAMP, "16 bits of grey.*: 1 of 10"), saved(COUNT * 257), rest=RAMP),
    first("16-bit grey, rounded", read(np.full((H, W), 200)), saved(np.full((H, W), 200 * 257 + 128, np.uint16))),
    first("16-bit grey, rounded up", read(np.full((H, W), 201)), saved(np.full((H, W), 200 * 257 + 129, np.uint16))),
    first("12 bits in 16", r"16-bit values, 3648, .*white is not 65535", saved(COUNT * 16)),
    first("8 bits in 16", "16-bit values, 228, ", saved(COUNT)),
    first("16-bit TIFF", read(RAMP), saved(COUNT * 257), "tif"),
    first("16-bit PGM", read(RAMP), lambda p: p.write_bytes(b"P5 5 4 65535\n" + b"".join(wide(COUNT * 257))), "pgm"),
    first("16-bit colour", read(RGB, "upper 8"), png(2, 16, wide((RGB.astype(int) * 257).reshape(H, -1))), rest=RGB),
    first("16-bit with transparency", "16 bits and transp", png(0, 16, wide(COUNT * 257), extra=chunk(b"tRNS",
        b"\0\0"))),
    first("32-bit", r"spans 0\.\.22800000, more than 16 bits", saved(RAMP.astype(np.int32) * 100000), "tif"),
    first("floats", "kind F, whose colours.*save it as 8-bit", saved(RAMP.astype(np.float32)), "tiff"),
    first("Lab", "kind LAB", saved(Image.new("LAB", (W, H))), "tif"),
    first("CMYK", "kind CMYK", saved(Image.new("CMYK", (W, H))), "jpg"),
    first("black and white", read((RAMP > 100) * 255), saved(Image.fromarray(RAMP > 100))),
    first("opaque alpha", read(RGB, "opaque and dropped: 1 of"), saved(np.dstack([RGB, OPAQUE])), rest=RGB),
    first("transparent", read(np.full((H, W, 3), 255)), saved(np.zeros((H, W, 4), np.uint8)), rest=RGB),
    first("a fifth of alpha", read(SEEN, "laid on white: 1 of"), saved(np.dstack([RGB, HALF])), rest=RGB),
    first("grey with alpha", read(RAMP, "1x4x5, grey"), saved(np.dstack([RAMP, OPAQUE]))),
    first("grey, a fifth of alpha", read(SEEN[..., 0]), saved(np.dstack([RAMP, HALF]))),
    first("one grey transparent", read(np.where(RAMP == 12, 255, RAMP)), saved(RAMP, transparency=12)),
    first("one colour transparent", read(np.where(STRIPES[..., None] == 0, 255, RED_BLUE)),
          saved(RED_BLUE, transparency=(200, 0, 0)), rest=RGB),
    first("palette", read(RED_BLUE, "palette, resolved: 1"), palette(RED_BLUE[0, :2].tolist(), STRIPES), rest=RGB),
    first("palette of greys", read(STRIPES * 90, "1x4x5, grey"), palette([(0, 0, 0), (90, 90, 90), (9, 0, 0)],
        STRIPES)),
    first("palette, transparent", read(WHITE_BLUE), palette(RED_BLUE[0, :2].tolist(), STRIPES, 0), rest=RGB),
    first("GIF", read(RAMP, "gif, png"), saved(RAMP), "gif"),
    first("BMP", read(RGB), saved(RGB), "bmp", RGB),
    first("PPM", read(RGB), saved(RGB), "ppm", RGB),
    first("WebP", read(RGB), saved(RGB, lossless=True), "webp", RGB),
    first("TIFF", read(RGB), saved(RGB), "tiff", RGB),
    first("upper case", read(RAMP), saved(RAMP), "PNG"),
    first("one picture in colour", read(GREY3, "3x4x5, colour"), saved(GREY3)),
    first("a PNG called jpg", read(RAMP), saved(RAMP, format="PNG"), "jpg"),
    first("animated GIF", "has 3 frames", saved(FRAMES[0], save_all=True, append_images=FRAMES[1:]), "gif"),
    first("animated PNG", "has 3 frames", saved(FRAMES[0], save_all=True, append_images=FRAMES[1:])),
    first("TIFF of pages", "has 3 frames", saved(FRAMES[0], save_all=True, append_images=FRAMES[1:]), "tif"),
    first("empty file", "damaged", lambda p: p.write_bytes(b"")),
    first("text", "damaged", lambda p: p.write_text("not a picture")),
    first("PostScript", "damaged", lambda p: p.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 4\n")),
    first("truncated", "damaged", lambda p: (save(p, RAMP), p.write_bytes(p.read_bytes()[:-30]))),
    first("claims 2.5 Gpixels", "damaged.*exceeds limit", png(0, 8, [b""], 50000, 50000)),
    *(first(f"EXIF orientation {n}", read(RAMP, "turned" if n > 1 else ""), turned(n)) for n in range(1, 9)),
]  # fmt: skip


def folder(name, right, make, **options):
    def write(root):
        ordinary(root, leave=(), **options)
        return make(root)

    return Case(name, "folder", write, right)


def remove(folder):
    for path in folder.iterdir():
        path.unlink()


def loop(root):
    (root / "train" / "cat" / "again").symlink_to(root / "train")


def jpegs(root):
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            turned_jpeg(root / part / name / "b.jpg")
            save(root / part / name / "a.png", np.zeros((16, 8), np.uint8))


SAME = {"num_train": 6, "classes": ("cat", "dog")}
FOLDERS = [
    folder("checkpoints", Read(**SAME), lambda r: save(r / "train/.ipynb_checkpoints/0-checkpoint.png", RAMP)),
    folder("hidden files", Read(**SAME), lambda r: [
        (r / name).write_bytes(b"x") for name in (".DS_Store", "train/.DS_Store", "train/cat/._0.png")]),
    folder("__MACOSX", Read(**SAME), lambda r: save(r / "train/__MACOSX/0.png", RAMP)),
    folder("other files", Read(says=r"left out: 1 \(train/cat/notes.txt\)", **SAME),
           lambda r: (r / "train/cat/notes.txt").write_text("x")),
    folder("HEIC", Read(says=r"left out: 1 \(test/dog/a.heic\)", **SAME),
           lambda r: (r / "test/dog/a.heic").write_text("x")),
    folder("a picture of no class", Read(says=r"left out: 1 \(train/x.png\)", **SAME),
        lambda r: save(r / "train/x.png", RAMP)),
    folder("val/ beside", Read(says=r"left out: 1 \(val/\)", **SAME), lambda r: save(r / "val/cat/0.png", RAMP)),
    folder("many left out", Read(says="left out: 9 .* and 4 more", **SAME),
           lambda r: [(r / f"train/{i}.txt").write_text("x") for i in range(9)]),
    folder("a link to nothing", Read(says=r"left out: 1 \(train/cat/z.png\)", **SAME),
           lambda r: (r / "train/cat/z.png").symlink_to("nowhere")),
    folder("a linked picture", Read(num_train=7), lambda r: (r / "train/cat/z.png").symlink_to(r / "train/cat/0.png")),
    folder("folders in a class", Read(num_train=7), lambda r: save(r / "train/cat/more/0.png", RAMP)),
    folder("another size", "^DIR/test/dog/1.png: is 4x5, must be 5x4 like DIR/train/cat/0.png",
           lambda r: save(r / "test/dog/1.png", np.ascontiguousarray(RAMP.T))),
    folder("a link in a circle", "again/cat: is a link to a folder that it lies in", loop),
    folder("an empty class", r"^DIR/train/fox: holds nothing at all, must hold pictures",
        lambda r: (r / "train/fox").mkdir()),
    folder("a class of other files", r"^DIR/test/cat: holds only a.txt, must hold pictures",
           lambda r: (remove(r / "test/cat"), (r / "test/cat/a.txt").write_text("x"))),
    folder("a class of one part", "fox is in one of them only", lambda r: save(r / "train/fox/0.png", RAMP)),
    folder("natural order", Read(classes=("a2", "a10", "b"), num_train=9), lambda r: None, classes=("a10", "a2", "b")),
    folder("numbers as names", Read(classes=("0", "2", "10")), lambda r: None, classes=("10", "2", "0")),
    folder("names of any script", Read(classes=("Katze", "käse 1", "猫")), lambda r: None, classes=("猫", "käse 1",
        "Katze")),
    folder("a name with a line break", r"DIR/train/a\\nb: a class must have a name that prints", lambda r: None,
           classes=("a\nb", "c")),
    folder("a name of no encoding", "must have a name that prints", lambda r: None, classes=(os.fsdecode(b"\xff"),
        "c")),
    folder("one class", r"y_train has one class only \(cat\)", lambda r: None, classes=("cat",)),
    folder("a named pipe", "holds DIR/train/cat/p.png, which is a named pipe",
        lambda r: os.mkfifo(r / "train/cat/p.png")),
    folder("a file", "must be a folder with train/ and test/", lambda r: r / "train/cat/0.png"),
    Case("nothing in it", "folder", lambda r: None, "there is no train/"),
    Case("no classes", "folder", lambda r: [save(r / part / "0.png", RAMP) for part in ("train", "test")],
         "^DIR/train: has no folders, must have one for each class"),
    Case("turned JPEGs beside upright PNGs", "folder", jpegs, Read(says="turned.*: 4 of 8", num_train=4)),
]  # fmt: skip
CASES = KINDS + FOLDERS
