"""npz files: twelve ordinary training examples and six test ones, in which something is odd."""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
from odd_files import Case, Read

N, M, H, W = 12, 6, 6, 5
RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (N, H, W)).astype(np.uint8)
GREY[0, 0, 0], GREY[0, 0, 1] = 255, 0
TEST = RNG.integers(0, 256, (M, H, W)).astype(np.uint8)
COLOUR, TEST_COLOUR = (RNG.integers(0, 256, (n, H, W, 3)).astype(np.uint8) for n in (N, M))
Y, Y_TEST = np.arange(N) % 3, np.arange(M) % 3
X = GREY[:, None]


def write(root, **changes):
    arrays = {"x_train": GREY, "y_train": Y, "x_test": TEST, "y_test": Y_TEST} | changes
    np.savez(root / "mine.npz", **{name: value for name, value in arrays.items() if value is not None})
    return root / "mine.npz"


def npz(name, right, **changes):
    if isinstance(right, str):
        right = f"^(DIR/mine.npz: |dataset=npz: ).*{right}"
    return Case(name, "npz", lambda root: write(root, **changes), right)


def both(f):
    return {"x_train": f(GREY), "x_test": f(TEST)}


def layouts(f):
    return {"x_train": f(COLOUR), "x_test": f(TEST_COLOUR)}


def nchw(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def with_alpha(x, alpha):
    return np.concatenate([x, np.full((*x.shape[:-1], 1), alpha, np.uint8)], axis=-1)


def content(name, right, data):
    """A file of these bytes instead."""

    def make(root):
        path = write(root)
        path.write_bytes(data(path) if callable(data) else data)
        return path

    return Case(name, "npz", make, rf"^DIR/mine.npz: .*{right}")


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def with_member(data):
    """An npz whose x_train.npy is these bytes."""

    def make(path):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("x_train.npy", data)
            for name, value in (("y_train", Y), ("x_test", TEST), ("y_test", Y_TEST)):
                archive.writestr(f"{name}.npy", npy(value))
        return stream.getvalue()

    return make


def header(text):
    text = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(120)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


FEATURES = RNG.normal(size=(N + M, 4)) * [1, 1e-3, 1e6, 1] + [0, 5, 1.6e9, 7]
FEATURES[:, 3] = 7.1  # constant
TRAIN_F, TEST_F = FEATURES[:N], FEATURES[N:]
STD = np.where(np.arange(4) < 3, TRAIN_F.std(axis=0), 1)
MEAN = np.where(np.arange(4) < 3, TRAIN_F.mean(axis=0), 7.1)
STANDARD = (((TRAIN_F - MEAN) / STD).astype(np.float32))[:, :, None, None]
TABLE = {"x_train": TRAIN_F, "x_test": TEST_F}
ON_WHITE = np.round(COLOUR * 0.2 + 255 * 0.8).astype(np.uint8)
WORDS = np.array(["b10", "b2", "a"])
MED = {"x_train": None, "y_train": None, "x_test": None, "y_test": None, "train_images": GREY, "test_images": TEST,
       "train_labels": Y[:, None], "test_labels": Y_TEST[:, None], "val_images": TEST,
       "val_labels": Y_TEST}  # fmt: skip
OBJECTS = np.empty(N, object)
OBJECTS[:] = [GREY[0]] * N
MIXED = Y.copy()
MIXED[:2] = [1, 0]

PIXELS = [
    npz("bytes", Read(X, Y.tolist(), Y_TEST.tolist(), "012", says="grey")),
    npz("whole floats", Read(X, says="0..255 as they are"), **both(lambda x: x.astype(np.float32))),
    npz("fractions", Read(X, says="times 255, rounding error 0"), **both(lambda x: x / 255)),
    npz("fractions of float32", Read(X, says="rounding error 0"), **both(lambda x: (x / 255).astype(np.float32))),
    npz("fractions of float16", Read(X, says="error 0.06"), **both(lambda x: (x / 255).astype(np.float16))),
    npz("fractions between", Read(X, says="largest rounding error 0.4 of"),
        **both(lambda x: np.clip((x + 0.4 * (x < 255)) / 255, 0, 1))),
    npz("zeros and ones", Read((X > 99) * np.uint8(255)), **both(lambda x: (x > 99) * 1.0)),
    npz("false and true", Read((X > 99) * np.uint8(255)), **both(lambda x: x > 99)),
    npz("uint16", Read(X, says="divided by 257"), **both(lambda x: x.astype(np.uint16) * 257)),
    npz("uint16 up to 255", Read(X, says="as they are"), **both(lambda x: x.astype(np.uint16))),
    npz("big-endian int32", Read(X), **both(lambda x: x.astype(">i4"))),
    npz("Fortran order", Read(X), **both(np.asfortranarray)),
    npz("12 bits", r"x_train: holds the largest of all 16-bit values, 4080, .*white is not 65535",
        **both(lambda x: x.astype(np.uint16) * 16)),
    npz("int32 up to 65535", r"x_train is int32 0..65535 .*as uint16", **both(lambda x: x.astype(np.int32) * 257)),
    npz("-1..1", r"x_train is float64 -1..1 and x_test .*must both be .*fractions 0..1; save 255 \* \(x - low\)",
        **both(lambda x: x / 127.5 - 1)),
    npz("fractions beyond 1", "with fractions.*round them", **both(lambda x: np.where(x < 9, x + 0.5 * (x > 0),
        x))),
    npz("fractions beyond 255", "with fractions.*divide them", **both(lambda x: x * 3.7)),
    npz("a test set of another range",
        "x_train is uint8 0..255 and x_test float64 0..0.99.*, with fractions.*bring both to one", x_train=GREY,
        x_test=TEST / 255),
    npz("NaN", "x_train holds NaN", x_train=np.where(GREY == 255, np.nan, GREY)),
    npz("infinity", "x_test holds NaN or infinity", x_test=np.full((M, H, W), np.inf)),
    npz("complex", "x_train is complex64, must be numbers", x_train=GREY.astype(np.complex64)),
    npz("text for pictures", "x_train is <U3, must be numbers", x_train=GREY.astype(str)),
    npz("dates", r"x_train is datetime64\[D\], must be numbers", x_train=GREY.astype("M8[D]")),
]  # fmt: skip

LAYOUTS = [
    npz("NHWC", Read(nchw(COLOUR), says="colour, NHWC"), **layouts(lambda x: x)),
    npz("NCHW", Read(nchw(COLOUR), says="colour, NCHW"), **layouts(nchw)),
    npz("one channel", Read(X, says="grey, NHWC"), **both(lambda x: x[..., None])),
    npz("both layouts fit", r"\(12, 3, 5, 3\), which can be NHWC or NCHW; say which", **layouts(lambda x: x[:, :3])),
    npz("both fit, one is said", Read(nchw(COLOUR[:, :3])), layout="NHWC", **layouts(lambda x: x[:, :3])),
    npz("both fit, the other is said", Read(COLOUR[:, :3]), layout="NCHW", **layouts(lambda x: x[:, :3])),
    npz("a layout of no name", "layout is 'CHWN', must be NHWC or NCHW", layout="CHWN", **layouts(lambda x: x)),
    npz("neither fits", r"\(12, 6, 5, 5\), must be", **layouts(lambda x: np.zeros((len(x), 6, 5, 5), np.uint8))),
    npz("opaque RGBA", Read(nchw(COLOUR), says="opaque"), **layouts(lambda x: with_alpha(x, 255))),
    npz("RGBA", Read(nchw(ON_WHITE), says="laid on white"), **layouts(lambda x: with_alpha(x, 51))),
    npz("grey and alpha", Read(nchw(ON_WHITE[..., :1])), **layouts(lambda x: with_alpha(x[..., :1], 51))),
    npz("RGBA of fractions, NCHW", Read(nchw(ON_WHITE)), **layouts(lambda x: nchw(with_alpha(x, 51) / 255))),
    npz("another size", r"x_test has images of \(6, 6\), must be \(6, 5\)", x_test=np.zeros((M, 6, 6), np.uint8)),
    npz("another kind", "x_test is .*as many dimensions", x_test=np.zeros((M, 30), np.uint8)),
    npz("five dimensions", "must be .N, H, W.", **both(lambda x: x[:, None, None])),
    npz("one dimension", "must be .N, H, W.", **both(lambda x: x[:, 0, 0])),
    npz("no test images", "x_test is .*not empty", x_test=TEST[:0], y_test=Y_TEST[:0]),
    npz("bytes of features", Read(GREY.reshape(N, 1, 1, 30), says="30 features, whole"), **both(lambda x: x.reshape(-1,
        30))),
    npz("features", Read(STANDARD, says="4 features, each standardised"), **TABLE),
    npz("features of whole numbers", Read(((Y * 500.0 - 500) / np.std(Y * 500.0)).astype(np.float32)[:, None, None,
        None]),
        x_train=Y[:, None] * 500, x_test=Y_TEST[:, None] * 500),
    npz("features with NaN", "feature 2 of test example 0 is nan, must be a number",
        x_train=TRAIN_F, x_test=np.where(np.arange(4) == 2, np.nan, TEST_F)),
    npz("features of other number", "x_test has 3 features, must have 4", x_train=TRAIN_F, x_test=TEST_F[:, :3]),
    npz("features far off", "must be a number of the size", x_train=TRAIN_F, x_test=TEST_F * 1e290),
]  # fmt: skip

LABELS = [
    npz("labels (N, 1)", Read(X, Y.tolist()), y_train=Y[:, None], y_test=Y_TEST[:, None]),
    npz("one-hot", Read(X, Y.tolist(), classes="012"), y_train=np.eye(3)[Y], y_test=np.eye(3, dtype=bool)[Y_TEST]),
    npz("several at once", r"one-hot .N, K.; row 0 is not a single one", y_train=np.ones((N, 3))),
    npz("whole float labels", Read(X, Y.tolist()), y_train=Y * 1.0),
    npz("labels of fractions", r"y_train\[1\] is 0.5, must be a whole", y_train=Y / 2),
    npz("labels of NaN", r"y_train\[0\] is nan", y_train=Y * np.nan),
    npz("labels false and true", Read(y_train=(Y > 0).tolist(), classes=("False", "True")), y_train=Y > 0,
        y_test=Y_TEST > 0),
    npz("words", Read(y_train=[2, 1, 0] * 4, classes=("a", "b2", "b10")), y_train=WORDS[Y], y_test=WORDS[Y_TEST]),
    npz("words of bytes", Read(classes=("a", "b2", "b10")), y_train=WORDS[Y].astype("S"),
        y_test=WORDS[Y_TEST].astype("S")),
    npz("labels from 1", Read(y_train=Y.tolist(), classes="123"), y_train=Y + 1, y_test=Y_TEST + 1),
    npz("labels with gaps", Read(classes=("-5", "2", "10")), y_train=np.array([2, 10, -5])[Y], y_test=np.array([2, 10,
        -5])[Y_TEST]),
    npz("an empty word", "y_train has the label '', must be text", y_train=np.array(["", "a", "b"])[Y]),
    npz("identifiers", "12 different labels for 12 examples.*identifiers", y_train=np.arange(N) * 10**12,
        y_test=np.zeros(M, int)),
    npz("ids.npz", "y_test has the label '1', which y_train lacks", y_train=np.array([0, 10**12] * 6)),
    npz("one class", r"y_train has one class only \(0\)", y_train=Y * 0, y_test=Y_TEST * 0),
    npz("a new class in test", "y_test has the label '5', which y_train lacks", y_test=Y_TEST + 5),
    npz("too few labels", "hold 12 images and 10 labels", y_train=Y[:10]),
    npz("known noise", Read(X, Y.tolist(), given=MIXED.tolist(), says="2 of 12 training labels are not"),
        y_train=MIXED, y_train_clean=Y),
    npz("known noise of another length", "y_train_clean holds 11 labels, must be 12 as y_train", y_train_clean=Y[:11],
        x_train=GREY[:11]),
    npz("truth of a class nobody gave", "y_train_clean has the label '9', which y_train lacks", y_train_clean=Y * 9),
    npz("MedMNIST", Read(X, Y.tolist(), says="left out: val_images, val_labels"), **MED),
    npz("more arrays", Read(X, says="left out: extra"), extra=Y),
    npz("an array is missing", "has no array y_test, must have .*it has x_train, y_train, x_test", y_test=None),
]  # fmt: skip

FILES = [
    npz("objects", "x_train holds Python objects", x_train=OBJECTS),
    npz("a trap in a pickle", "y_train holds Python objects", y_train=np.array([Trap()] * N, object)),
    content("an npy", r"holds a single array \(npy\), must be an npz", npy(GREY)),
    content("a pickle", "is a pickle, which is never opened", pickle.dumps({"x_train": 1})),
    content("text", "is no npz file", b"x,y\n1,2\n"),
    content("empty", "is empty, must be", b""),
    content("HDF5", "is an HDF5 file", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    content("half a zip", "damaged", lambda path: path.read_bytes()[:400]),
    content("a flipped bit", "damaged", lambda path: bytes(b ^ (8 * (i == 300)) for i,
        b in enumerate(path.read_bytes()))),
    content("a zip of no arrays", "x_train: damaged", with_member(b"hello")),
    content("terabytes by its header", "x_train: damaged, its header speaks of 8000000000000 bytes and there are",
            with_member(header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"))),
    content("a deep header", "x_train: damaged", with_member(header("(" * 5000))),
    content("a negative shape", "x_train: damaged",
        with_member(header("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }"))),
    content("records", "x_train is .*must be", with_member(npy(np.zeros((N, H, W), "i4,i4")))),
    Case("a folder", "npz", lambda root: root, "must be an npz file with x_train"),
    Case("a device", "npz", lambda root: Path("/dev/zero"), "'/dev/zero': is a device, must be"),
    Case("nothing", "npz", lambda root: root / "no.npz", r"^data_root='DIR/no.npz': must be a folder .* that exists"),
]  # fmt: skip
CASES = PIXELS + LAYOUTS + LABELS + FILES
