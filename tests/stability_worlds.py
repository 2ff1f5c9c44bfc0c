"""Runs of the study stability whose truth is known: what each arm is worth, and how replicates and images differ."""

import numpy as np
from test_config import DEFAULT, changed

from prunelab import config
from prunelab.studies.stability.arms import names
from prunelab.studies.stability.claims import Evidence
from prunelab.studies.stability.gather import ARM_COLUMNS
from prunelab.studies.stability.parameters import arm_names
from prunelab.studies.stability.shown import Run

TEMPORARY = ["zeroing-1", "zeroing-50", "gaussian-1", "gaussian-50", "restore-50"]
STABLE = {"smallest": 0.97, "random": 0.93, "largest": 0.88}
PER_LOG_PERIOD = 0.04  # of stability


def settings(**changes):
    base = {"studies": ["stability"], "model.name": "mlp_bn", "stability.temporary": TEMPORARY}
    return config.validate(changed(DEFAULT, {**base, **changes}))


def stability(about):
    if about.scheme == "prune":
        return STABLE[about.target] - PER_LOG_PERIOD * np.log(about.period)
    return 0.85 if about.temporary else 1.0


def run(
    worth=lambda about, stable: 0.0,
    *,
    replicates=6,
    tests=600,
    seed=0,
    train=lambda about, stable: 1.0,
    flat=None,
    reliance=(0.3, 0.1),
    noise=0.0,
    traditional=False,
    one=0.003,
    images=0.1,
    **changes,
):
    """A run whose arm is worth `worth(about, stable)` of accuracy more than 0.7.

    Args:
        worth: from an arm and its stability, a fraction.
        train: the same for train accuracy.
        flat: the same for log H, log C and epsilon; None: not measured.
        reliance: of temporary arms, and of none at the same places.
        one: standard deviation of one run.
        images: how much runs differ in which images they get right.
    """
    rng, params = np.random.default_rng(seed), settings(**changes)
    names_ = arm_names(params.stability)
    seeds, level = list(range(replicates)), 0.02 * rng.normal(size=replicates)
    hard_T = rng.random(tests)
    arms, right, flatness = [], {}, []
    for name in names_:
        about = names.arm(name)
        rows = []
        for s in seeds:
            stable = min(1.0, stability(about) + (0.004 * rng.normal() if stability(about) < 1 else 0))
            accuracy = 0.7 + level[s] + worth(about, stable) + one * rng.normal()
            right_T = (hard_T + images * rng.normal(size=tests) < np.clip(accuracy, 0, 1)).astype(float)
            right_T += (accuracy - right_T.mean()) / 1  # exactly so accurate on average
            row = dict.fromkeys(ARM_COLUMNS, 0.0) | {
                name: getattr(about, name) for name in ("target", "scheme", "period", "batches")
            }
            row |= {"arm": name, "seed": s, "rate": about.period / 100, "stability": stable, "test": right_T.mean()}
            row |= {f"stability_{half}": stable for half in ("first", "second")}
            row |= {f"test_{half}": right_T.mean() for half in ("first", "second")}
            row |= {"train": train(about, stable), "gap": train(about, stable) - right_T.mean()}
            row |= {"permuted": 0.9 - 2 * (1 - stable) if noise else None}
            row |= dict(
                zip(("reliance", "reliance_of_none"), reliance if about.temporary else (None, None), strict=True)
            )
            if about.temporary:
                row["reliance"] += 0.002 * rng.normal()
            arms.append(row)
            rows.append(right_T)
            if flat:
                log_h, log_c, epsilon = (value + 0.02 * rng.normal() for value in flat(about, stable))
                flatness.append(
                    {"arm": name, "seed": s, "eigenvalue_sum": np.exp(log_h), "gradient_norm2": np.exp(log_c)}
                    | {"tic_sum": np.exp(log_c - log_h), "tic_trace": np.exp(log_c - log_h - 1), "epsilon": epsilon}
                    | {"trace": np.exp(log_h + 1)}
                )
        right[name] = np.array(rows)
    found = Run(params.stability, seeds, arms, right, {"flatness": flatness})
    return Evidence(found, traditional)
