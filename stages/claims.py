"""Hold the paper's claims against this run: effects with intervals, and a verdict on each."""

import numpy as np

from prunelab import config
from prunelab.analysis import evidence, regimes, tables, verdicts
from prunelab.core import artifacts
from stages import run


def main() -> None:
    """Write metrics/claims.json."""
    params = config.read("claims")
    seeds, keys = params.seeds, [f"r{number:02d}" for number in range(params.n_rounds + 1)]
    redense_keys, reinit_keys = config.redense_rounds(params), config.reinit_rounds(params)
    landscape_keys = config.landscape_rounds(params)

    def records(folder: artifacts.Path, rounds: list[str]) -> list[artifacts.Row]:
        return [
            artifacts.read_json(artifacts.replicate(folder / k, s) / artifacts.RECORD) for k in rounds for s in seeds
        ]

    def right(number: int) -> np.ndarray:
        places = [artifacts.replicate(artifacts.ROUNDS / keys[number], seed) for seed in seeds]
        return np.stack([artifacts.read_arrays(place / artifacts.EXAMPLES)["test_right"] for place in places])

    sparse, landscape = records(artifacts.ROUNDS, keys), records(artifacts.LANDSCAPE, landscape_keys)
    curve = tables.double_descent(sparse)
    train, last, best, validation, sparsity = (
        tables.mean_by_round(curve, name) for name in ("train", "test_last", "test_best", "validation", "sparsity")
    )
    models = regimes.named_models(last, best, validation)
    paths = {
        (key, seed): artifacts.read_table(artifacts.replicate(artifacts.LANDSCAPE / key, seed) / artifacts.PATH)
        for key in landscape_keys
        for seed in seeds
    }
    found = evidence.Run(
        noise=params.noise,
        rounds=keys,
        sparsity_R=sparsity,
        regime_R=regimes.regimes(train, last, 1 / artifacts.read_json(artifacts.RAW / "facts.json")["num_classes"]),
        models=models,
        sparse=evidence.all_measured(sparse, keys, seeds),
        redense=evidence.all_measured(records(artifacts.REDENSE, redense_keys), keys, seeds),
        reinit=evidence.all_measured(records(artifacts.REINIT, reinit_keys), keys, seeds),
        right={number: right(number) for number in models.values()},
        eigenvalue={
            kind: evidence.measured([r[kind] | r for r in landscape], keys, seeds, lambda r: r["eigenvalues"][0])
            for kind in ("sparse", "redense")
        },
        climb_RS=evidence.measured(landscape, keys, seeds, lambda r: tables.climb(paths[r["round"], r["seed"]])),
    )
    artifacts.write_json(artifacts.CLAIMS, verdicts.as_json(verdicts.verdicts(found)))


if __name__ == "__main__":
    run(main)
