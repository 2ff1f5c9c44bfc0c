"""Tidy tables of the study: a row for each thing measured, replicates apart where their labels differ."""

from typing import Any

import numpy as np

from prunelab.core import streams
from prunelab.studies.labels import estimate, evaluation, ranking
from prunelab.studies.labels.gather import Found, Group

Row = dict[str, Any]
COLUMNS = {
    "suspects": (
        *("seeds", "rank", "index", "name", "given", "suggested", "score", "early_rank", "chain_rank"),
        *("p_given", "p_suggested", "wrong", "original"),
    ),
    "counts": (
        *("seeds", "examples", "estimated", "low", "high", "disagreeing", "out_of_sample_accuracy", "wrong"),
        *("suggestion_accuracy",),
    ),
    "scores": ("seeds", "score", *evaluation.MEASURES),
    "confusions": ("seeds", "given", "suggested", "count", "of_given"),
    "ranking": ("seeds", "seed", "looked_at", "score", "precision", "found", "chain_precision", "chain_found"),
}
POINTS = 200  # of a curve


def every(found: Found) -> dict[str, list[Row]]:
    """All of them."""
    classes, names = found.pictures.classes, found.pictures.names
    tables: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for group in found.groups:
        tables["suspects"] += ranking.rows(group, classes, names, truth=found.truth)
        tables["counts"].append(_counts(group, found))
        tables["confusions"] += _confusions(group, classes)
        tables["ranking"] += _curve(group, truth=found.truth)
        if found.truth:
            tables["scores"] += _scores(group)
    return tables


def _seeds(group: Group) -> str:
    return " ".join(map(str, group.seeds))


def _counts(group: Group, found: Found) -> Row:
    classes = found.pictures.num_classes
    of_train = estimate.counts(group.given_N, group.predicted_N, classes)
    of_test = estimate.counts(found.pictures.y_test, group.test_predicted_T, classes)
    told = estimate.estimate(of_train, of_test, streams.numpy_generator(group.seeds[0], "wrong labels"))
    size = len(group.given_N)
    many = {"estimated": told.share, "low": told.low, "high": told.high}
    suggested = ranking.suggested(group.probability_KN, group.given_N)
    return (
        {"seeds": _seeds(group), "examples": size}
        | {name: None if share is None else round(share * size, 1) for name, share in many.items()}
        | {"disagreeing": int(_disagreeing(group).sum()), "out_of_sample_accuracy": told.accuracy}
        | {"wrong": int(group.wrong.sum()) if found.truth else None}
        | {"suggestion_accuracy": _right(group, suggested) if found.truth else None}
    )


def _right(group: Group, suggested_N: ranking.Classes) -> float | None:
    """Of the wrong labels, for how many the suggested one is the original."""
    wrong = group.wrong
    return float((suggested_N == group.original_N)[wrong].mean()) if wrong.any() else None


def _disagreeing(group: Group) -> Any:
    """Whether the early ensemble finds another class more probable than the given one [N]."""
    return group.probability_KN.argmax(axis=0) != group.given_N


def _scores(group: Group) -> list[Row]:
    scores = {"early": group.error_N, "early_margin": -group.margin_N}
    if group.chain_N is not None:
        both = -(ranking.ranks(group.error_N) + ranking.ranks(group.chain_N)).astype(float)
        scores |= {"chain": group.chain_N, "both": np.where(np.isnan(group.chain_N), np.nan, both)}
    told = {name: evaluation.of_score(score, group.wrong) for name, score in scores.items()}
    return [{"seeds": _seeds(group), "score": name, **one} for name, one in told.items() if one is not None]


def _confusions(group: Group, classes: tuple[str, ...]) -> list[Row]:
    """Of the labels that the early ensemble disagrees with, which class it finds instead; pairs that there are."""
    suggested, of = ranking.suggested(group.probability_KN, group.given_N), _disagreeing(group)
    table = estimate.counts(group.given_N[of], suggested[of], len(classes))
    total = np.bincount(group.given_N, minlength=len(classes))
    return [
        {"seeds": _seeds(group), "given": classes[g], "suggested": classes[s], "count": int(table[g, s])}
        | {"of_given": float(table[g, s] / total[g])}
        for g, s in np.argwhere(table).tolist()
    ]


def _curve(group: Group, *, truth: bool) -> list[Row]:
    """Some points along the ranking: the score there, and what was found up to there."""
    size = len(group.given_N)
    at = np.unique(np.round(np.linspace(1, size, min(size, POINTS))).astype(int))
    rank_N = ranking.ranks(group.error_N)
    score = np.sort(group.error_N)[::-1]
    precision, share = evaluation.curve(rank_N, group.wrong)
    rows = [
        {"seeds": _seeds(group), "seed": group.seeds[0], "looked_at": k / size, "score": float(score[k - 1])}
        | {"precision": float(precision[k - 1]) if truth else None, "found": float(share[k - 1]) if truth else None}
        | {"chain_precision": None, "chain_found": None}
        for k in at.tolist()
    ]
    if truth and group.chain_N is not None:
        known = ~np.isnan(group.chain_N)
        precision, share = evaluation.curve(ranking.ranks(group.chain_N[known]), group.wrong[known])
        for row, k in zip(rows, at.tolist(), strict=True):
            k = max(1, round(k * known.sum() / size))
            row |= {"chain_precision": float(precision[k - 1]), "chain_found": float(share[k - 1])}
    return rows
