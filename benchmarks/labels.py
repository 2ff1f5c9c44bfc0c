"""Which score finds wrong labels best, at how much compute? `uv run --extra cleanlab python -m benchmarks.labels DATA`.

DATA is a folder with MNIST (MNIST/raw, torchvision's layout) and, where there is one, cifar10.npz (x_train, y_train).
Two data sets, five kinds of noise, three draws of data, labels and networks each; half an hour on two cores. Rows are
scores, with the compute each takes in trainings of one dense network; columns are settings: average precision, mean
over draws. Then differences from the best of the others, paired, with a bootstrap over examples. What was found is in
docs/labels.md.

Settings that are done are kept in a file, so that a run that was ended goes on.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from tqdm import tqdm

from benchmarks import labels_data, labels_scores
from benchmarks.flips import aligned
from benchmarks.labels_data import NOISE, Setting
from prunelab.core import artifacts

Array = NDArray[np.float64]
RESAMPLES = 200
COMBINED = "early and chain, ranks"
OURS = ("early", "chain")  # how the names of our scores begin
EQUAL = {  # each of ours, and the scores of others that take as much compute at most
    "early ensemble": 1.0,
    "early ensemble, 4 times as much": 4.0,
    "chain": 7.0,
}


def measured(setting: Setting, root: Path) -> dict[str, Any]:
    """All scores of one setting: their figures, and the scores themselves for paired comparisons."""
    torch.set_num_threads(1)
    data = labels_data.draw(setting, root)
    scores = labels_scores.scores(data)
    wrong_N = data.given_N != data.original_N
    found: dict[str, Any] = {"setting": setting.name, "draw": setting.draw, "wrong": int(wrong_N.sum()), "scores": {}}
    for name, (compute, score_N) in scores.items():
        first = np.argsort(-score_N, kind="stable")[: int(wrong_N.sum())]
        found["scores"][name] = {
            "compute": compute,
            "auroc": float(roc_auc_score(wrong_N, score_N)),
            "ap": float(average_precision_score(wrong_N, score_N)),
            "precision": float(wrong_N[first].mean()),
        }
    rng, size = np.random.default_rng(setting.draw), len(wrong_N)
    draws = [rng.integers(0, size, size) for _ in range(RESAMPLES)]
    for name, (_, score_N) in scores.items():
        resampled = [average_precision_score(wrong_N[rows], score_N[rows]) for rows in draws]
        found["scores"][name]["resampled"] = [float(f"{value:.6g}") for value in resampled]
    return found


def table(found: list[dict[str, Any]], what: str) -> str:
    """Rows: scores; columns: settings; the mean over draws."""
    settings = list(dict.fromkeys(one["setting"] for one in found))
    rows = [["score", "compute", *settings]]
    for name in found[0]["scores"]:
        of = [[one["scores"][name] for one in found if one["setting"] == setting] for setting in settings]
        compute = np.mean([one["compute"] for some in of for one in some])
        rows.append([name, f"{compute:.1f}", *(f"{np.mean([one[what] for one in some]):.3f}" for some in of)])
    return aligned(rows)


def differences(found: list[dict[str, Any]]) -> str:
    """What each of ours gains over the best other of as much compute at most, and over cleanlab's best."""
    settings = list(dict.fromkeys(one["setting"] for one in found))
    rows = [["setting", "ours", "best other", "average precision", "interval", "cleanlab's best", "", "interval"]]
    for setting in settings:
        draws = [one["scores"] for one in found if one["setting"] == setting]
        for name, most in EQUAL.items():
            allowed = [
                other
                for other, one in draws[0].items()
                if not other.startswith(OURS) and np.mean([draw[other]["compute"] for draw in draws]) <= most + 0.5
            ]
            cells = []
            for some in (allowed, [other for other in draws[0] if other.startswith("cleanlab")]):
                if not some:
                    cells += ["-", "", ""]
                    continue
                best = max(some, key=lambda other: np.mean([draw[other]["ap"] for draw in draws]))
                cells += [best, *_gain(draws, name, best)]
            rows.append([setting, name, *cells])
        better = max(("early ensemble", "chain"), key=lambda one: np.mean([draw[one]["ap"] for draw in draws]))
        rows.append([setting, COMBINED, better, *_gain(draws, COMBINED, better), "", "", ""])
    return aligned(rows)


def _gain(draws: list[dict[str, Any]], name: str, other: str) -> tuple[str, str]:
    """Mean over draws of the difference, and its interval: examples of each draw are drawn again."""
    gain = np.mean([draw[name]["ap"] - draw[other]["ap"] for draw in draws])
    again = np.mean([np.subtract(draw[name]["resampled"], draw[other]["resampled"]) for draw in draws], axis=0)
    low, high = np.percentile(again, [2.5, 97.5])
    return f"{gain:+.3f}", f"{low:+.3f} to {high:+.3f}"


def main() -> None:
    """Measure what is not yet in the file, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kept", type=Path, default=Path("labels.jsonl"), help="default: %(default)s")
    parser.add_argument("--draws", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="*", default=list(labels_data.SETS))
    parser.add_argument("--noise", nargs="*", default=list(NOISE))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--csv", type=Path, help="write every score of every draw")
    options = parser.parse_args()
    settings = [Setting(of, noise, draw) for of in options.sets for noise in options.noise for draw in options.draws]
    lines = options.kept.read_text().splitlines() if options.kept.exists() else []
    done = {(one["setting"], one["draw"]): one for one in map(json.loads, lines)}
    left = [one for one in settings if (one.name, one.draw) not in done]
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool, options.kept.open("a") as file:
        for one in tqdm(pool.map(partial(measured, root=options.data), left), total=len(left), unit="setting"):
            file.write(json.dumps(one) + "\n")
            file.flush()
            done[one["setting"], one["draw"]] = one
    found = [done[one.name, one.draw] for one in settings]
    for what in ("ap", "auroc", "precision"):
        print(f"\n{what}, mean of {len(options.draws)} draws\n\n{table(found, what)}")
    print(f"\n{differences(found)}")
    if options.csv:
        measures = ("compute", "auroc", "ap", "precision")
        rows = [
            {"setting": one["setting"], "draw": one["draw"], "wrong": one["wrong"], "score": name}
            | {measure: score[measure] for measure in measures}
            for one in found
            for name, score in one["scores"].items()
        ]
        artifacts.write_table(options.csv, rows)


if __name__ == "__main__":
    main()
