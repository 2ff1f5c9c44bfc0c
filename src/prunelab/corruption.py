"""Label noise: which training labels are corrupted, and into what (SDD 3.1, Lens 4).

To add a noise type: write one function here and name it in NOISE_TYPES. It is given the original labels of the
selected examples and returns their new ones; selection is at random and the same for all types but `instance`, which
looks at the pictures.

Shapes: N examples, S selected examples, K classes; labels are int64 in [0, K).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.errors import UserError

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class NoiseType:
    """How a selected label changes, and from what is selected."""

    relabel: Callable[[Labels, int, Mapping[int, int], np.random.Generator], Labels] | None  # None: by the pictures
    of_map: str | None = None  # only from the classes of this map of the data set's file


def symmetric(original_S: Labels, num_classes: int, _map: Mapping[int, int], rng: np.random.Generator) -> Labels:
    """Uniform over all K classes, the example's own included (SDD 3.1)."""
    return rng.integers(0, num_classes, size=len(original_S))


def uniform_other(original_S: Labels, num_classes: int, _map: Mapping[int, int], rng: np.random.Generator) -> Labels:
    """Uniform over the K - 1 other classes: every selected label is wrong (Lens 4)."""
    return (original_S + rng.integers(1, num_classes, size=len(original_S))) % num_classes


def pairflip(original_S: Labels, num_classes: int, _map: Mapping[int, int], _rng: np.random.Generator) -> Labels:
    """Class c becomes (c + 1) mod K."""
    return (original_S + 1) % num_classes


def asymmetric(
    original_S: Labels, num_classes: int, look_alike: Mapping[int, int], _rng: np.random.Generator
) -> Labels:
    """Each source class becomes its look-alike, by the data set's own map."""
    table = np.arange(num_classes)
    table[list(look_alike)] = list(look_alike.values())
    return table[original_S]


NOISE_TYPES = {
    "symmetric": NoiseType(symmetric),
    "uniform_other": NoiseType(uniform_other),
    "pairflip": NoiseType(pairflip),
    "asymmetric": NoiseType(asymmetric, of_map="LOOK_ALIKE"),
    "look_alike": NoiseType(asymmetric, of_map="LOOK_ALIKES"),
    "instance": NoiseType(None),
}
SHOWN_PER_CLASS = 15  # to the weak classifier of `instance`


def mistakes(
    x_NF: NDArray[np.floating[Any]], original_N: Labels, candidates: Labels, count: int, rng: np.random.Generator
) -> tuple[Labels, Labels]:
    """Noise that depends on the example: a weak classifier's most confident mistakes.

    The classifier is a logistic regression that has been shown 15 candidates for each class, with their true labels. A
    mistake is as confident as its most probable wrong class exceeds the true one; where there are not enough mistakes,
    near ones follow.

    Args:
        x_NF: features of all examples, F each.
        original_N: true labels.
        candidates: positions to select from.
        count: S, how many.
        rng: draws what the classifier is shown.

    Returns:
        Positions [S], in order, and the wrong classes [S] that these examples get.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    shown = rng.permutation(candidates)[: SHOWN_PER_CLASS * len(np.unique(original_N))]
    scale = StandardScaler().fit(x_NF[shown])
    weak = LogisticRegression(max_iter=1000).fit(scale.transform(x_NF[shown]), original_N[shown])
    p_NK = np.zeros((len(candidates), int(original_N.max()) + 1))
    p_NK[:, weak.classes_] = weak.predict_proba(scale.transform(x_NF[candidates]))
    rows, true = np.arange(len(candidates)), original_N[candidates]
    of_true = p_NK[rows, true].copy()
    p_NK[rows, true] = -1
    wrong = p_NK.argmax(axis=1)
    first = np.sort(np.argsort(of_true - p_NK[rows, wrong], kind="stable")[:count])
    return candidates[first], wrong[first]


def look_alikes(source: object, noise_type: str) -> Mapping[int, int]:
    """The map that a noise type asks of a data set's file; {} where it asks for none, or there is none."""
    name = NOISE_TYPES[noise_type].of_map
    return getattr(source, name, {}) if name else {}


def check(noise: float, validation: int, num_examples: int, num_classes: int, brought_noise: bool) -> None:
    """Hold the settings against the data, once that is known.

    Args:
        noise: the fraction of labels to select.
        validation: how many training examples to hold out.
        num_examples: training examples, those to be held out included.
        num_classes: K.
        brought_noise: whether the data came with noisy labels of its own.

    Raises:
        UserError: too few examples would be left to train on, noise would select none of them, or would come on top
            of the data's own.
    """
    check_counts(noise, validation, num_examples)
    if num_examples - validation < num_classes:
        raise UserError(
            f"train.validation={validation}: must be at most {num_examples - num_classes}, so that of {num_examples} "
            f"training images one is left for each of {num_classes} classes"
        )
    if noise and brought_noise:
        raise UserError(f"noise={noise}: must be 0, the data brings noisy labels of its own")


def check_counts(noise: float, validation: int, num_examples: int) -> None:
    """What of `check` needs no more than the number of training examples. Raises UserError."""
    if validation >= num_examples:
        raise UserError(f"train.validation={validation}: must be less than the {num_examples} training images")
    trained = num_examples - validation
    if noise and not _count(noise, trained):
        raise UserError(
            f"noise={noise}: selects none of the {trained} training images; must be 0, or at least {0.5 / trained:.4g}"
        )


def hold_out(num_examples: int, validation: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which training examples are held out for validation [N]."""
    held_out_N = np.zeros(num_examples, dtype=bool)
    held_out_N[rng.permutation(num_examples)[:validation]] = True
    return held_out_N


def brought(original_N: Labels, available_N: NDArray[np.bool_], noisy_N: Labels) -> tuple[Labels, NDArray[np.bool_]]:
    """Labels that came with the data as the noise: given labels [N], and the mask [N] of the permuted examples.

    Permuted are the available examples whose noisy label is not the true one. Held out examples keep the true ones.
    """
    given_N = np.where(available_N, noisy_N, original_N)
    return given_N, given_N != original_N


def _count(noise: float, available: int) -> int:
    return int(noise * available + 0.5)


def corrupt(
    original_N: Labels,
    available_N: NDArray[np.bool_],
    num_classes: int,
    noise: float,
    noise_type: str,
    look_alike: Mapping[int, int],
    rng: np.random.Generator,
    features: Callable[[], NDArray[np.floating[Any]]] = lambda: np.empty((0, 0)),
) -> tuple[Labels, NDArray[np.bool_]]:
    """Corrupt exactly round(noise * n) labels, n being the number of available examples.

    Args:
        original_N: true labels.
        available_N: the examples that are trained on (not held out for validation); only these are selected.
        num_classes: K.
        noise: the fraction of available labels to select, in [0, 1).
        noise_type: a name in NOISE_TYPES.
        look_alike: source class -> look-alike class, for `asymmetric` and `look_alike`.
        rng: draws the selection, without replacement, then the new labels.
        features: the examples as [N, F], asked for by `instance` alone.

    Returns:
        The given labels [N], and a mask [N] of the *permuted* (selected) examples. Under `symmetric` a selected
        example may have drawn its own class again; it still counts as permuted.

    Raises:
        UserError: the classes of the map hold fewer examples than must be selected.
    """
    kind = NOISE_TYPES[noise_type]
    eligible = available_N & np.isin(original_N, list(look_alike)) if kind.of_map else available_N
    candidates = np.flatnonzero(eligible)
    num_selected = _count(noise, int(available_N.sum()))
    if num_selected > len(candidates):
        raise UserError(
            f"noise={noise}: must be at most {len(candidates) / available_N.sum():.4g} with noise_type={noise_type}, "
            f"whose source classes hold {len(candidates)} of the {available_N.sum()} training images"
        )
    given_N, permuted_N = original_N.copy(), np.zeros(len(original_N), dtype=bool)
    if kind.relabel is None:
        selected_S, labels_S = (
            mistakes(features(), original_N, candidates, num_selected, rng) if num_selected else (candidates[:0],) * 2
        )
    else:
        selected_S = np.sort(rng.choice(candidates, num_selected, replace=False))
        labels_S = kind.relabel(original_N[selected_S], num_classes, look_alike, rng)
    given_N[selected_S] = labels_S
    permuted_N[selected_S] = True
    return given_N, permuted_N
