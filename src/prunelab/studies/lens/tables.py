"""From what was gathered to tidy tables, one row per round and replicate (and group, subset, or part).

Q numbers are those of the definitions in docs/lens.md. R rounds, S replicates, G groups.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prunelab import byround
from prunelab.judging import effects
from prunelab.studies.lens import gallery, groups, optimum
from prunelab.studies.lens.gather import Found
from prunelab.studies.lens.optimum import Chosen

Row = dict[str, Any]
POINT = ("round", "sparsity", "remaining", "seed")
SUBSETS = ("train", "permuted", "unpermuted", "restored", "validation", "test")
UNCHANGED = 0.01  # nats: an example whose loss moves by less is neither better nor worse
BINS = 40
COLUMNS: dict[str, tuple[str, ...]] = {
    "curve": (*POINT, "train", "test_last", "validation", "train_loss", "permuted_loss", "unpermuted_loss"),
    "losses": (*POINT, "subset", "loss"),
    "subgroups": (
        *(*POINT, "model", "group", "el2n_low", "el2n_high", "n", "permuted_share", "dense_loss", "loss", "difference"),
    ),
    "groups": ("model", "round", "seed", "group", "difference"),
    "affected": (
        *(*POINT, "changed_wrong", "worsened_wrong", "improved_wrong", "concentration", "mean_difference"),
        *("mean_change", "hard_difference", "easy_difference", "correlation", "better", "worse", "jaccard_next"),
        *("worsened_percentile", "least_percentile"),
    ),
    "leave_out": (
        *(*POINT, "part", "which", "draw", "trained_on", "left_out_permuted_share", "test_last", "test_best"),
        "validation",
    ),
    "again": ("draw", "seed", "concentration", "mean_change"),
    "hard": ("seed", "low", "high", "permuted", "unpermuted"),
    "scores": ("seed", "auc", "agreement", "epochs", "networks", "wrong", "examples"),
    "gallery": ("seed", "kind", "rank", "index", "given", "original", "predicted", "el2n", "score"),
}


def every(found: Found, count: int) -> tuple[dict[str, list[Row]], Chosen]:
    """All tables of COLUMNS by name, with examples in so many groups; and the rounds that are looked at."""
    points = curve(found)
    chosen = optimum.choose(byround.mean(points, "test_last"), byround.mean(points, "validation"))
    by_group = subgroups(found, count, chosen)
    return {
        "curve": points,
        "losses": losses(found),
        "subgroups": by_group,
        "groups": named_groups(by_group),
        "affected": affected(found),
        "leave_out": leave_out(found),
        "again": again(found),
        "hard": hard(found),
        "scores": scores(found),
        "gallery": gallery.rows(found, chosen),
    }, chosen


def curve(found: Found) -> list[Row]:
    """Accuracies and losses of each round at its last epoch (Q1, Q2, Q8)."""
    return [
        _point(found, r, s)
        | {
            "train": last["train_accuracy"],
            "test_last": last["test_accuracy"],
            "validation": last.get("validation_accuracy"),
            "train_loss": last["train_loss"],
            "permuted_loss": last["permuted_loss"],
            "unpermuted_loss": last["unpermuted_loss"],
        }
        for r, s in found.each()
        for last in [found.record(r, s)["last"]]
    ]


def losses(found: Found) -> list[Row]:
    """Mean loss of each subset, in long form (Q8; Lens 4)."""
    return [
        _point(found, r, s) | {"subset": subset, "loss": loss}
        for subset in SUBSETS
        for r, s in found.each()
        if (loss := found.record(r, s)["last"].get(f"{subset}_loss")) is not None
    ]


def subgroups(found: Found, count: int, chosen: Chosen) -> list[Row]:
    """Loss difference by EL2N group, of every round (Q6; Lens 3)."""
    rows = []
    for s in range(len(found.seeds)):
        score, of = found.score_SN[s], groups.groups(found.score_SN[s], count)
        low, high = (np.array([edge(score[of == g]) for g in range(count)]) for edge in (np.min, np.max))
        sizes = np.bincount(of, minlength=count)
        permuted = groups.by_group(found.labels[s].permuted_N, of, count)
        dense = groups.by_group(found.loss_RSN[0, s], of, count)
        for r in range(len(found.keys)):
            now = groups.by_group(found.loss_RSN[r, s], of, count)
            rows += [
                _point(found, r, s)
                | {
                    "model": optimum.name(chosen, r),
                    "group": g + 1,
                    "el2n_low": float(low[g]),
                    "el2n_high": float(high[g]),
                }
                | {"n": int(sizes[g]), "permuted_share": float(permuted[g]), "dense_loss": float(dense[g])}
                | {"loss": float(now[g]), "difference": float(now[g] - dense[g])}
                for g in range(count)
            ]
    order = {key: place for place, key in enumerate(found.keys)}
    return sorted(rows, key=lambda row: order[row["round"]])


def named_groups(rows: Sequence[Row]) -> list[Row]:
    """Of these the rounds that have a name, a row for each name: what `dvc plots` draws."""
    return [
        {"model": model} | {column: row[column] for column in COLUMNS["groups"][1:]}
        for row in rows
        for model in str(row["model"]).split(" + ")
        if model
    ]


def affected(found: Found) -> list[Row]:
    """Which examples a round changes most, and how hard and how often wrong they are (Q7, Q9 to Q11)."""
    hard = [groups.hard(score) for score in found.score_SN]
    percentile = [groups.ranks(score) / max(1, len(score) - 1) for score in found.score_SN]
    rows = []
    for r, s in found.each():
        change, wrong = found.difference(r, s), found.labels[s].wrong
        most = {how: groups.affected(change, groups.TENTH, how) for how in ("changed", "worsened", "improved")}
        least = groups.affected(-np.abs(change), groups.TENTH, "worsened")
        later = found.difference(r + 1, s) if r + 1 < len(found.keys) else None
        row: Row = {f"{how}_wrong": float(wrong[some].mean()) for how, some in most.items()}
        row |= {
            "concentration": groups.concentration(change, hard[s]),
            "mean_difference": float(change.mean()),
            "mean_change": float(np.abs(change).mean()),
            "hard_difference": float(change[hard[s]].mean()),
            "easy_difference": float(change[~hard[s]].mean()),
            "correlation": effects.ranked(found.score_SN[s], np.abs(change)),
            "better": int((change < -UNCHANGED).sum()),
            "worse": int((change > UNCHANGED).sum()),
            "jaccard_next": None
            if later is None
            else groups.jaccard(most["changed"], groups.affected(later, groups.TENTH, "changed")),
            "worsened_percentile": float(percentile[s][most["worsened"]].mean()),
            "least_percentile": float(percentile[s][least].mean()),
        }
        rows.append(_point(found, r, s) | row)
    return rows


def again(found: Found) -> list[Row]:
    """What two dense networks of one replicate differ by: the null beside `concentration` and `mean_change`."""
    rows = []
    for part in found.again():
        for s, seed in enumerate(found.seeds):
            change = part.answers[s].loss_N - found.loss_RSN[0, s]
            rows.append(
                {
                    "draw": int(part.key.rpartition("-")[2]),
                    "seed": seed,
                    "concentration": groups.concentration(change, groups.hard(found.score_SN[s])),
                    "mean_change": float(np.abs(change).mean()),
                }
            )
    return rows


def leave_out(found: Found) -> list[Row]:
    """How good the dense network becomes on each part (Q11 to Q13; Lens D, E, K.2)."""
    rows = []
    for part in found.parts.values():
        which, number = part.which, part.key.rpartition("-")[2]
        r = found.keys.index(part.chosen_by)
        for s, record in enumerate(part.records):
            rows.append(
                _point(found, r, s)
                | {"part": part.key, "which": which, "draw": None if number.startswith("r") else int(number)}
                | {name: record[name] for name in ("trained_on", "left_out_permuted_share")}
                | {"test_last": record["last"]["test_accuracy"], "test_best": record["best"]["test_accuracy"]}
                | {"validation": record["last"]["validation_accuracy"]}
            )
    return rows


def hard(found: Found) -> list[Row]:
    """How many examples have which EL2N score, by whether their label was selected for corruption (Q4)."""
    edges = np.linspace(0, np.sqrt(2), BINS + 1)
    rows = []
    for s, seed in enumerate(found.seeds):
        permuted = found.labels[s].permuted_N
        score = np.minimum(found.score_SN[s], edges[-1])
        counts = [np.histogram(score[some], edges)[0] for some in (permuted, ~permuted)]
        rows += [
            {"seed": seed, "low": float(edges[i]), "high": float(edges[i + 1])}
            | {"permuted": int(counts[0][i]), "unpermuted": int(counts[1][i])}
            for i in range(BINS)
        ]
    return rows


def scores(found: Found) -> list[Row]:
    """How well EL2N tells wrong labels, and how reproducible it is, for each replicate."""
    return [
        {"seed": record["seed"]}
        | {name: record[name] for name in ("auc", "agreement", "epochs", "networks")}
        | {"wrong": int(found.labels[s].wrong.sum()), "examples": len(found.labels[s].wrong)}
        for s, record in enumerate(found.score_records)
    ]


def _point(found: Found, r: int, s: int) -> Row:
    record = found.record(r, s)
    return {column: record[column] for column in POINT}
