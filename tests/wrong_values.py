"""Wrong values of every parameter, and wrong files; written from the explanations in conf/config.yaml.

wrong_parameters.py tries them by every way in.
"""

import math
from collections.abc import Iterator

NAN, INF, TEXT, LIST, SECTION = math.nan, math.inf, "nope", ["nope"], {"nope": 1}
NOT_A_NUMBER = (TEXT, "", "1e3", True, None, LIST, SECTION, NAN, INF, -INF, [3], "9" * 400)


def whole(least: int, most: int) -> tuple:
    """What is no whole number in these bounds."""
    return (*NOT_A_NUMBER, least - 1, most + 1, least + 0.5, 10**12 + most, 1e23, 10**400, -(10**30))


def real(*wrong: float) -> tuple:
    """What is no number, and these."""
    return (*NOT_A_NUMBER, *wrong, 1e308, -1e308, 10**400)


FRACTION = real(1, 1.0, -0.1, 2, -1e-9, 1 + 1e-9)
INSIDE = real(0, 0.0, 1, 1.0, -0.1, 1.5)
POSITIVE = real(0, 0.0, -1, -1e-9, 1e5)
CHOICE = (TEXT, "", "../x", "x;touch PWNED", 5, 0.5, True, None, LIST, SECTION, NAN, "n" * 5000, "ünï", " ")
LISTS = (*NOT_A_NUMBER[:-2], 0, 5, [], [True], [None], [[0]], [0, NAN])
SWITCH = (0, 1, 0.0, "yes", "on", "", "True ", None, [True], SECTION, NAN)

# What no study may have, for each parameter of conf/config.yaml, written from its explanations there.
WRONG: dict[str, tuple] = {
    "setting": CHOICE,
    "dataset": CHOICE,
    "data_root": (
        "",
        None,
        True,
        5,
        LIST,
        SECTION,
        NAN,
        "/not/there",
        "not there",
        "n" * 5000,
        "a\nb",
        "a\0b",
        "${noise}",
    ),
    "subset.train": whole(0, 10**8),
    "subset.test": whole(0, 10**8),
    "noise": (*FRACTION, 0.0004, 1e-12),
    "noise_type": CHOICE,
    "seeds": (*LISTS, [-1], [0, 0], [0.5], [2**32], [0, "1"], [*range(20_000)]),
    "studies": (TEXT, "", "sdd", 5, True, None, LIST, SECTION, ["../sdd"], ["sdd", "sdd"], [None], [["sdd"]], NAN),
    "device": (*CHOICE, "gpu", "cuda:0"),
    "threads": whole(1, 1024),
    "n_rounds": whole(1, 99),
    "model.name": CHOICE,
    "model.width": POSITIVE,
    "model.batchnorm_init": CHOICE,
    "train.epochs": whole(1, 100_000),
    "train.batch_size": whole(1, 10**8),
    "train.optimizer": (*CHOICE, "SGD"),
    "train.lr": POSITIVE,
    "train.momentum": FRACTION,
    "train.weight_decay": real(-1, -1e-9, 1e5),
    "train.milestones": (*NOT_A_NUMBER[:-2], 5, [0], [-5], [2, 1], [1, 1], [0.5], [True], [[1]], [10**12], [1, "2"]),
    "train.gamma": real(0, -1, 1.5),
    "train.warmup_epochs": (*whole(0, 100_000), 99_999),
    "train.augment": CHOICE,
    "train.validation": (*whole(0, 10**8), 1000, 10**6),
    "train.rewind_iteration": (*whole(0, 10**13), 10**9),
    "prune.criterion": CHOICE,
    "prune.fraction": FRACTION,
    "prune.scope": CHOICE,
    "prune.schedule": CHOICE,
    "prune.retrain": CHOICE,
    "finetune.epochs": whole(1, 100_000),
    "finetune.lr": POSITIVE,
    "redense.epochs": whole(1, 100_000),
    "redense.lr": POSITIVE,
    "redense.every": whole(1, 99),
    "reinit.every": whole(0, 99),
    "landscape.every": whole(0, 99),
    "landscape.examples": whole(0, 10**8),
    "landscape.directions": whole(1, 1000),
    "landscape.eigenvalues": whole(1, 100),
    "landscape.probes": whole(2, 100_000),
    "landscape.density": whole(0, 1000),
    "landscape.density_probes": (*whole(1, 100_000), 1001),
    "landscape.alphas": (*LISTS, [0], [1, 0.5], [1, 1], [-1], [1e7], ["1"], [0.5, INF], [*range(1, 23)]),
    "landscape.plane": SWITCH,
    "early.networks": whole(1, 1000),
    "early.share": real(0, 0.0, -0.1, 1.1),
    "suspects.folds": whole(2, 1000),
    "suspects.shown": whole(1, 1000),
    "subgroups": whole(2, 1000),
    "leave_out.every": whole(0, 99),
    "leave_out.which": (*LISTS[:-4], ["nope"], ["again", "again"], ["beside_worsened"], "again"),
    "leave_out.share": INSIDE,
    "leave_out.draws": whole(2, 1000),
    "leave_out.keep": (*INSIDE, 0.01, 0.005),
    "leave_out.worst": (*INSIDE, 0.4, 0.5),
    "theory.kept": (*LISTS, [1], [0.5, 0.1], [1, 0], [1, -0.5], [1, 0.1, 0.1], [1, 0.1, 0.5], [1, 1.5], [1, "0.5"]),
    "theory.seeds": (*LISTS, [-1], [0, 0], [0.5], [2**32], [0, "1"], [*range(20_000)]),
    "theory.classes": (*whole(2, 1000), 101),
    "theory.filters": (*whole(1, 100_000), 20_000),
    "theory.dimension": (*whole(2, 1_000_000), 9, 200_000),
    "theory.examples": (*whole(2, 100_000), 9),
    "theory.test_examples": (*whole(2, 10**8), 9),
    "theory.signal": real(-0.1, -1, 1000.1),
    "theory.noise": real(-0.1, -1, 1000.1),
    "theory.power": (*whole(2, 10), 1, 0),
    "theory.init": POSITIVE,
    "theory.loss": POSITIVE,
    "theory.step": real(0, -0.1, 1.1),
    "theory.max_steps": whole(1, 1_000_000),
    "theory.descent": CHOICE,
    "theory.rate": real(0, 0.0, -1, -1e-9, 1e7),
    "theory.label_noise": FRACTION,
    "theory.mask": CHOICE,
    "stability.targets": (TEXT, "", 5, True, None, LIST, SECTION, [5], ["largest", "largest"], "largest", NAN),
    "stability.periods": (*LISTS, [0], [-1], [0.5], [2, 2], [6, 1], [10**6], [*range(1, 30)]),
    "stability.temporary": (
        *(TEXT, "", 5, True, None, LIST, SECTION, [5], ["zeroing"], ["zeroing-0"], ["zeroing--1"], ["zeroing-1.5"]),
        *(["zeroing-01"], ["zeroing-5", "zeroing-5"], ["noise-5"], ["zeroing-5;x"], ["restore-1000000"], ["zeroing-٣"]),
    ),
    "stability.controls": (
        *(TEXT, "", 5, True, None, LIST, SECTION, [5], ["none"], ["dropout"], ["dropout-0"], ["dropout-1.0"]),
        *(["dropout-1"], ["dropout-0.30"], ["dropout-0.0"], ["dropout-.3"], ["scratch", "scratch"], ["dropout-0.3;x"]),
    ),
    "stability.score": CHOICE,
    "stability.structure": CHOICE,
    "stability.layers": (*whole(0, 1000), 3),
    "stability.fraction": (
        *(
            TEXT,
            "",
            True,
            None,
            LIST,
            SECTION,
            NAN,
            INF,
            1,
            1.0,
            -0.1,
            [0.5],
            [0.5, 1],
            [0.5, "x"],
            [0.1, 0.1, 0.1],
            [],
        ),
    ),
    "stability.start": (TEXT, "", True, None, LIST, SECTION, NAN, -1, 0.5, [1], [1, -1], [1, 0.5], [1, 2, 3], 40, []),
    "stability.end": (TEXT, "", True, None, LIST, SECTION, NAN, -1, 0.5, [50], [50, -1], [1, 2], 11, 10**6, []),
    "stability.gaussian_burst": real(-1, -1e-9, 1e7),
    "flatness.arms": (TEXT, "", 5, True, None, SECTION, [5], [None]),
    "flatness.examples": whole(0, 10**8),
    "flatness.data": CHOICE,
    "flatness.eigenvalues": whole(1, 1000),
    "flatness.probes": whole(2, 10_000),
    "flatness.density": whole(0, 1000),
    "flatness.alphas": (*LISTS[:-4], LIST, [-1], [0], [0, 1], [1, 1], [2, 1], [1, NAN], 5),
    "sparse": SWITCH,
    "engine": (TEXT, "", "compile", 5, True, None, LIST, SECTION, [5], [None], ["compile", TEXT], [["compile"]]),
}
for section in (
    "subset",
    "model",
    "train",
    "prune",
    "finetune",
    "redense",
    "reinit",
    "landscape",
    "theory",
    "stability",
    "flatness",
):
    WRONG[section] = (TEXT, 5, True, None, LIST, SECTION, [], NAN)
MISSPELT = (
    "nosie",
    "Noise",
    "train.epoch",
    "train.lrr",
    "prune.criterium",
    "model.depth",
    "seeds.0",
    "noise.x",
    "tarin.lr",
)
# Right each for itself.
TOGETHER = (
    {"train.optimizer": "nesterov", "train.momentum": 0},
    {"train.optimizer": "adam", "train.momentum": 0.9},
    {"train.warmup_epochs": 9, "train.epochs": 8},
    {"subset.train": 100, "train.validation": 100},
    {"subset.train": 100, "noise": 0.004},
    {"train.validation": 990, "noise": 0.04},
    {"train.epochs": 1, "train.rewind_iteration": 8},
    {"train.batch_size": 1000, "train.epochs": 3, "train.rewind_iteration": 3},
    {"dataset": "fashion_mnist", "noise_type": "asymmetric"},
    {"dataset": "digits", "subset.train": 1001},
    {"subset.train": 1},
    {"subset.test": 9},
    {"noise": 1e-300},
    {"landscape.probes": 2, "landscape.density_probes": 3},
    {"studies": ["stability"], "train.epochs": 49},
    {"studies": ["stability"], "stability.layers": 0},
    {"studies": ["stability"], "flatness.arms": ["largest-007"]},
    {"studies": ["stability"], "flatness.arms": ["all", "none"]},
    {"studies": ["stability"], "flatness.arms": ["none", "none"]},
    {"dataset": "npz", "data_root": "."},
    {"dataset": "folder", "data_root": "README.md"},
    {"dataset": "table", "data_root": "pyproject.toml"},
    {"data_root": "/dev/zero"},
    {"data_root": "FIFO"},
    {"data_root": "WITH_FIFO"},
    {"dataset": "folder", "data_root": "EMPTY = & # ~ ünï (2)!"},
)
# What only the first stage can know, when it has seen the data.
LATER = ({"subset.test": 9},)
# Numbers written otherwise, and what is none, in YAML and for `-S`.
IN_YAML = (
    *["010", "1:30", "no", "0x10", "0o17", "1_000", "+1", ".5", "1e-3", "~", "'1'", "&a", "*a", "|", "@"],
    "[0, 010]",
    "!!str 1",
    "!x 1",
    "1 2",
)
FOR_HYDRA = (
    *["010", "1:30", "0x10", "+1", "0b1", "1.", ".5.", "1e", "--1", "٣", "1,5", "`x`", "{", "]"],
    "$(touch PWNED)",
)
OPTIONS = (
    *["rounds=5", "rounds.r01=../../src", "redense_rounds=[x]", "+nosie=1", "~noise", "hydra.run.dir=x", "noise", "=5"],
    "noise =0.2",
)
GRIDS = (
    ("noise=0.2,0.20",),
    ("seeds=0,1",),
    ("n_rounds=2,3", "nosie=1,2"),
    ("rounds=1,2",),
    ("train=1,2",),
    ("noise=0.2,",),
)
ROUNDS = (
    *["5", "[]", "{}", "~", "[r00]"],
    "{'r03; touch PWNED #': r02}",
    "{'../../src': r00}",
    "{r01: '../../src'}",
    "{r01: [1]}",
    "{1: 2}",
    "{r01: r00, r01: r00}",
    "{r1: r00}",
)


def all_changes() -> Iterator[dict]:
    """Every wrong value, and values that are wrong together, by the parameters' names."""
    for name, values in WRONG.items():
        yield from ({name: value} for value in values)
    yield from TOGETHER
    yield from ({name: 1} for name in MISSPELT)


def lines(name: str, line: str) -> Iterator[tuple[str, str]]:
    """What may stand in the place of the line of a parameter in params.yaml."""
    start = line[: line.index(":") + 1]
    yield f"{name} twice", f"{line}\n{line}\n"
    yield f"{name} left out", ""
    yield f"{name}, a tab", f"{start}\t{{\n"
    yield f"{name} of a class", f"{start} !!python/object/apply:os.system [touch PWNED]\n"


def files(text: str) -> Iterator[tuple[str, str]]:
    """What may be in the place of a whole params.yaml."""
    letters = zip("abcdefgh", "bcdefghi", strict=True)
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in letters)
    yield "empty", ""
    yield "a list", "- noise\n"
    yield "text", "noise\n"
    yield "null", "~\n"
    yield "two documents", f"{text}---\n{text}"
    yield "zeros", "\0" * 100
    yield "not UTF-8", "\udcff\udcfe: 1"
    yield "half", text[: len(text) // 2]
    yield "deep", "[" * 5000
    yield "a bomb", bomb + text
    yield "a number as a name", f"5: 1\n{text}"
    yield "a list as a name", f"[a]: 1\n{text}"
    yield "null as a name", f"~: 1\n{text}"
    yield "a huge number", text.replace("noise: 0.4", "noise: " + "9" * 6000)
    yield "a merged section", f"<<: {{noise: 2}}\n{text.replace('noise: 0.4', '')}"
    yield "a tab", f"\tnoise: 1\n{text}"
    yield "a percent sign", f"%x\n{text}"
    yield "no line ends", text.replace("\n", "\r") + "x"
    yield "a long name", f"{'n' * 3000}: 1\n{text}"
    yield "a name of two lines", f'"a\\nb": 1\n{text}'
