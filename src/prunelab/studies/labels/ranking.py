"""From scores to a list of suspects. N examples, K classes; the most suspect has rank 1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.studies.labels.gather import Group

Array = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


def ranks(score_N: Array) -> Classes:
    """1 for the largest; ties by position; 0 for what has no score (NaN)."""
    known = np.flatnonzero(~np.isnan(score_N))
    result = np.zeros(len(score_N), dtype=np.int64)
    result[known[np.argsort(-score_N[known], kind="stable")]] = np.arange(1, len(known) + 1)
    return result


def suggested(probability_KN: Array, given_N: Classes) -> Classes:
    """The most probable class other than the given one [N]."""
    others_KN = probability_KN.copy()
    others_KN[given_N, np.arange(len(given_N))] = -1
    return np.asarray(others_KN.argmax(axis=0))


def rows(group: Group, classes: tuple[str, ...], names: tuple[str, ...], *, truth: bool) -> list[dict[str, Any]]:
    """The table of one group, in order of suspicion; `index` is the example's place in the data set.

    Args:
        group: the replicates.
        classes: names by number.
        names: of the examples; empty where they have none.
        truth: whether it is known which labels are wrong.
    """
    rank_N, other_N = ranks(group.error_N), suggested(group.probability_KN, group.given_N)
    chain_N = np.zeros_like(rank_N) if group.chain_N is None else ranks(group.chain_N)
    everybody = np.arange(len(rank_N))
    of_given, of_other = group.probability_KN[group.given_N, everybody], group.probability_KN[other_N, everybody]
    seeds = " ".join(map(str, group.seeds))
    return [
        {"seeds": seeds, "rank": int(rank_N[i]), "index": int(i), "name": names[i] if names else ""}
        | {"given": classes[group.given_N[i]], "suggested": classes[other_N[i]], "score": float(group.error_N[i])}
        | {"early_rank": int(rank_N[i]), "chain_rank": int(chain_N[i]) or None}
        | {"p_given": float(of_given[i]), "p_suggested": float(of_other[i])}
        | {"wrong": int(group.wrong[i]) if truth else None}
        | {"original": classes[group.original_N[i]] if truth else None}
        for i in np.argsort(rank_N)
    ]
