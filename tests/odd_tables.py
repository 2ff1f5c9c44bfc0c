"""Tables: csv and parquet of features, and the labels.csv of a picture folder."""

import builtins
from decimal import Decimal

import numpy as np
import pyarrow
from odd_files import Case, Read
from odd_pictures import RAMP, ordinary, save
from pyarrow import parquet

# Ten training rows and four test rows of two features; the second never varies in training.
A, B = [0, 2] * 5, [3] * 10
ROWS = [(a, b, "xy"[i % 2], "train") for i, (a, b) in enumerate(zip(A, B, strict=True))]
ROWS += [(1, 3, "x", "test"), (3, 4, "y", "test"), (0, 3, "x", "test"), (2, 3, "y", "test")]
# By hand: a has mean 1 and deviation 1; b is 3 always, which becomes 0.
STANDARD = np.array([[-1, 0], [1, 0]] * 5, np.float32)[:, :, None, None]
Y, Y_TEST = [0, 1] * 5, [0, 1, 0, 1]
HEAD = "a,b,label,split"


def text(head=HEAD, rows=ROWS, change=None):
    lines = [head, *(",".join(map(str, row)) for row in rows)]
    for line, content in (change or {}).items():
        lines[line - 1] = content
    return "\n".join(lines) + "\n"


def csv(name, right, content, file="mine.csv", encoding="utf-8"):
    def make(root):
        (root / file).write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return root / file

    return Case(name, "table", make, rf"^DIR/{file}: {right}" if isinstance(right, str) else right)


FULL = Read(STANDARD, Y, Y_TEST, "xy", says="2 features, each standardised: a, b")
CSV = [
    csv("a table", FULL, text()),
    csv("with BOM and CRLF", FULL, "\ufeff" + text().replace("\n", "\r\n")),
    csv("spaces and blank lines", FULL, text().replace(",", " , ").replace("\n", "\n\n")),
    csv("quoted", FULL, text().replace("x,", '"x",')),
    csv("upper case", FULL, text(), "MINE.CSV"),
    csv("no split", Read(says="a fixed 20% of each class is the test set", num_train=12, y_test=[0, 1]),
        text("a,b,label", [row[:3] for row in ROWS[:13]] + [(9, 9, "y")])),
    csv("known noise", Read(STANDARD, Y, Y_TEST, given=[1, 1, *Y[2:]], says="1 of 10 training labels are not"),
        text("a,b,clean_label,split,label", [(*row, "y" if i in (0, 12) else row[2]) for i, row in enumerate(ROWS)])),
    csv("numbers as labels", Read(classes=("2", "10")), text().replace("x", "10").replace("y", "2")),
    csv("numbers through floats", Read(classes=("2", "10")), text().replace("x", "10.0").replace("y", "2.0")),
    csv("a text column", "line 4: b is 'high', must be a number", text(change={4: "0,high,x,train"})),
    csv("an empty cell", "line 5: a is empty; fill it in", text(change={5: ",3,y,train"})),
    csv("NaN", "line 2: a is 'nan', must be a number", text(change={2: "nan,3,x,train"})),
    csv("infinity", "line 2: a is '-inf', must be a number", text(change={2: "-inf,3,x,train"})),
    csv("underscores", "line 3: a is '1_0', must be", text(change={3: "1_0,3,y,train"})),
    csv("decimal commas", "line 2: a is '0,5', must be", text(change={2: '"0,5",3,x,train'})),
    csv("no label", "has no column 'label'; it has a, b, class, split", text("a,b,class,split")),
    csv("an empty label", "line 3: label is empty", text(change={3: "2,3,,train"})),
    csv("one name twice", "columns 1 and 2 are both called a", text("a,a,label,split")),
    csv("pandas' index", r"column 1 has no name of its own \(an index that pandas wrote", text(",b,label,split")),
    csv("a short row", "line 6: has 3 cells, must have 4 as line 1", text(change={6: "0,3,x"})),
    csv("semicolons", "has no column 'label'; it has a;b;label;split", text().replace(",", ";")),
    csv("another split", "line 7: split is 'val', must be train or test", text(change={7: "0,3,x,val"})),
    csv("no test rows", "no row has split test", text(rows=ROWS[:10])),
    csv("a new class in test", "a test row has the label 'z', which label of the training rows lacks",
        text(change={13: "1,1,z,test"})),
    csv("labels only", "has no columns beside label, split", text("label,split", [row[2:] for row in ROWS])),
    csv("a header only", "has no rows", HEAD + "\n"),
    csv("empty", "has no rows", ""),
    csv("one label for each", "label of the training rows has 10 different labels for 10 examples.*identifiers",
        text(rows=[(*row[:2], i, row[3]) for i, row in enumerate(ROWS)])),
    csv("Latin-1", "line 3: is not UTF-8", text(change={3: "2,3,ä,train"}), encoding="latin-1"),
    csv("an open quote", "line 1[45]: is not csv", text(change={3: '2,3,"y,train'})),
    csv("binary", "line 2: is not UTF-8", bytes(range(256))),
    Case("a table of another kind", "table", lambda r: (r / "a.xlsx").write_bytes(b"PK") and r / "a.xlsx",
         r"^data_root='DIR/a.xlsx': must be a file that ends in .csv or .parquet"),
    Case("a folder", "table", lambda r: None, "must be a file that ends in"),
]  # fmt: skip


def column(values, **changes):
    names = dict(zip(HEAD.split(","), zip(*ROWS, strict=True), strict=True)) | {"a": values}
    return pyarrow.table(
        {name: list(cells) if isinstance(cells, tuple) else cells for name, cells in names.items()} | changes
    )


def arrow(name, right, table, **patches):
    def make(root):
        parquet.write_table(table, root / "mine.parquet")
        return root / "mine.parquet"

    return Case(name, "table", make, rf"^DIR/mine.parquet: {right}" if isinstance(right, str) else right, patches)


VALUES = [row[0] for row in ROWS]
WORDS = pyarrow.array([row[2] for row in ROWS]).dictionary_encode()


def without_pyarrow(name, *args, found=builtins.__import__, **kwargs):
    if name.startswith("pyarrow"):
        raise ImportError(name)
    return found(name, *args, **kwargs)


PARQUET = [
    arrow("integers", FULL, column(VALUES)),
    arrow("float32 and categories", FULL, column(pyarrow.array(VALUES, pyarrow.float32()), label=WORDS)),
    arrow("decimals", FULL, column([Decimal(value) for value in VALUES])),
    arrow("labels of integers", Read(STANDARD, classes=("3", "7")), column(VALUES, label=[3, 7] * 7)),
    arrow("labels of booleans", Read(classes=("False", "True")), column(VALUES, label=[True, False] * 7)),
    arrow("a null", "row 3: a is empty", column([*VALUES[:2], None, *VALUES[3:]])),
    arrow("a NaN", "row 1: a is 'nan', must be a number", column([float("nan"), *VALUES[1:]])),
    arrow("dates", "row 1: a is '1970-01-01.*must be a number", column(pyarrow.array(VALUES, pyarrow.date32()))),
    arrow("lists", r"row 1: a is '\[0\]', must be a number", column([[value] for value in VALUES])),
    arrow("a null label", "row 14: label is empty", column(VALUES, label=["x"] * 13 + [None])),
    arrow("pandas' other index", "column 5 has no name of its own", column(VALUES, __index_level_0__=VALUES)),
    arrow("no rows", "has no rows", column(VALUES).slice(0, 0)),
    arrow("no pyarrow", r"parquet files need pyarrow, .*uv sync --extra parquet", column(VALUES),
        **{"builtins.__import__": without_pyarrow}),
    csv("csv called parquet", "damaged", text(), "mine.parquet"),
]  # fmt: skip


def pictures(name, right, content, **changes):
    """A folder of the pictures train/{0..3}.png and test/{0,1}.png, each of one grey, with a labels.csv."""

    def make(root):
        for number, path in enumerate(["train/0", "train/1", "train/2", "train/3", "test/0", "test/1"]):
            save(root / f"{path}.png", np.full((4, 5), 10 * number, np.uint8))
        (root / "labels.csv").write_text(content)

    return Case(name, "folder", make, rf"^DIR/labels.csv: {right}" if isinstance(right, str) else right, **changes)


LABELLED = "file,label\n" + "".join(f"train/{i}.png,{'ab'[i % 2]}\n" for i in range(4)) + "test/0.png,a\ntest/1.png,b\n"
CLEAN = "file,clean_label,label\n" + LABELLED.split("\n", 1)[1].replace(",", ",b,").replace("3.png,b,b", "3.png,a,b")
HEADER, *NAMED = LABELLED.splitlines()
BACKWARDS = "\n".join([HEADER, *NAMED[::-1]])
GREYS = np.arange(4, dtype=np.uint8)[:, None, None, None] * 10 * np.ones((1, 1, 4, 5), np.uint8)
LABELS_CSV = [
    pictures("labels.csv", Read(GREYS, [0, 1, 0, 1], [0, 1], "ab", says=r"labels.csv, columns file, label"), LABELLED),
    pictures("its own order", Read(GREYS[::-1], [1, 0, 1, 0]), BACKWARDS),
    pictures("clean labels", Read(GREYS, [1, 1, 1, 0], [1, 1], given=[0, 1, 0, 1]), CLEAN),
    pictures("fewer rows than pictures", Read(num_train=4, y_test=[0], says=r"left out: 1 \(test/1.png\)"),
        LABELLED.replace("test/1.png,b\n", "")),
    pictures("a missing file", "line 8: 'train/9.png' is not there", LABELLED + "train/9.png,a\n"),
    pictures("a file twice", r"line 9: 'train/./0.png' is named twice, in line 2 before",
        LABELLED + "\ntrain/./0.png,b\n"),
    pictures("a file elsewhere", r"line 8: '/etc/x.png' must be a path from DIR on that begins",
        LABELLED + "/etc/x.png,a\n"),
    pictures("a way out", "line 8: 'train/../../x.png' must be", LABELLED + "train/../../x.png,a\n"),
    pictures("backslashes", r"line 8: 'train\\\\0.png' must be a path", LABELLED + "train\\0.png,a\n"),
    pictures("no picture", "line 8: 'train/a.txt' is no picture", LABELLED + "train/a.txt,a\n"),
    pictures("an unknown column", "line 1: has the column 'weight', must be file,label or",
        LABELLED.replace("file,label", "file,weight")),
    pictures("no label column", "line 1: has no column 'label'", LABELLED.replace("file,label", "file,clean_label")),
    pictures("an empty label in it", "line 3: has no label", LABELLED.replace("1.png,b", "1.png,", 1)),
    pictures("a class of test only", "a test/ picture has the label 'c', which label of the train/ pictures lacks",
        LABELLED.replace("test/0.png,a", "test/0.png,c")),
    pictures("no test rows", "names no file in test/", LABELLED.split("test/")[0]),
    Case("class folders beside labels.csv", "folder", lambda r: (ordinary(r, leave=()), (r / "labels.csv").write_text(
        "file,label\ntrain/cat/0.png,u\ntrain/cat/1.png,u\ntrain/dog/0.png,v\ntrain/dog/1.png,v\ntest/cat/0.png,u\n")),
        Read(np.broadcast_to(RAMP, (4, 1, 4, 5)), [0, 0, 1, 1], [0], "uv", says="left out: 5")),
]  # fmt: skip
CASES = CSV + PARQUET + LABELS_CSV
