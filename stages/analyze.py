"""Turn the records of every round into tidy tables and a summary."""

from prunelab import config
from prunelab.analysis import regimes, tables
from prunelab.core import artifacts
from stages import run


def main() -> None:
    """Write plots/*.csv and metrics/summary.json."""
    params = config.read("analyze")
    seeds = params.seeds
    # The rounds that the parameters name, never whatever lies in a folder.
    keys = [f"r{number:02d}" for number in range(params.n_rounds + 1)]
    redense_keys, reinit_keys = config.redense_rounds(params), config.reinit_rounds(params)
    landscape_keys = config.landscape_rounds(params)

    def records(folder: artifacts.Path, rounds: list[str]) -> list[artifacts.Row]:
        places = [artifacts.replicate(folder / key, seed) for key in rounds for seed in seeds]
        return [artifacts.read_json(place / artifacts.RECORD) for place in places]

    def every(folder: artifacts.Path, rounds: list[str], name: str) -> dict[tuple[str, int], list[artifacts.Row]]:
        return {(k, s): artifacts.read_table(artifacts.replicate(folder / k, s) / name) for k in rounds for s in seeds}

    def right(folder: artifacts.Path, rounds: list[str], **kinds: str) -> dict[tuple[str, str, int], artifacts.Array]:
        places = {(k, s): artifacts.replicate(folder / k, s) / artifacts.EXAMPLES for k in rounds for s in seeds}
        arrays = {place: artifacts.read_arrays(path) for place, path in places.items()}
        return {(kind, *place): found[name] for place, found in arrays.items() for kind, name in kinds.items()}

    sparse, redense = records(artifacts.ROUNDS, keys), records(artifacts.REDENSE, redense_keys)
    reinit, landscape = records(artifacts.REINIT, reinit_keys), records(artifacts.LANDSCAPE, landscape_keys)
    curve = tables.double_descent(sparse)
    train, last, best = (tables.mean_by_round(curve, name) for name in ("train", "test_last", "test_best"))
    num_classes = artifacts.read_json(artifacts.RAW / "facts.json")["num_classes"]
    regime = regimes.regimes(train, last, 1 / num_classes)
    models = regimes.named_models(last, best, tables.mean_by_round(curve, "validation"))
    named = tables.named_models(sparse, models)
    sparsity = tables.mean_by_round(curve, "sparsity")
    model_keys = sorted({keys[number] for number in models.values()})
    shown = [models[name] for name in ("dense", "valley", "sweet_spot", "end")]
    beside_keys = [keys[number] for number in regimes.nearest(shown, [keys.index(key) for key in redense_keys])]
    both = {("sparse", *k): rows for k, rows in every(artifacts.ROUNDS, beside_keys, artifacts.HISTORY).items()}
    both |= {("redense", *k): rows for k, rows in every(artifacts.REDENSE, beside_keys, artifacts.HISTORY).items()}
    paths = every(artifacts.LANDSCAPE, landscape_keys, artifacts.PATH)
    along = every(artifacts.LANDSCAPE, landscape_keys, artifacts.LINES)
    planes = every(artifacts.LANDSCAPE, landscape_keys, artifacts.PLANES) if params.landscape.plane else {}
    regime_of = dict(zip(keys, regime, strict=True))
    for name, rows in {
        "double_descent": [row | {"regime": regime_of[row["round"]]} for row in curve],
        "memorization": tables.memorization(sparse),
        "distance": tables.distance(sparse, redense),
        "distance_by_layer": tables.distance_by_layer(sparse, redense),
        "redense": tables.beside(sparse, redense, "redense"),
        "redense_dynamics": tables.redense_dynamics(beside_keys, both),
        "reinit": tables.beside(sparse, reinit, "reinit"),
        "dynamics": tables.dynamics(models, every(artifacts.ROUNDS, model_keys, artifacts.HISTORY)),
        "interpolation": tables.interpolation(landscape, paths),
        "curvature": tables.curvature(landscape),
        "lines": tables.lines(landscape, along),
        "planes": tables.planes(landscape, planes),
        "named_models": named,
    }.items():
        artifacts.write_table(artifacts.PLOTS / f"{name}.csv", rows, tables.COLUMNS.get(name, ()))
    answers = right(artifacts.ROUNDS, keys, last="test_right", best="test_best_right")
    answers |= right(artifacts.REINIT, reinit_keys, reinit="test_right")
    artifacts.write_arrays(artifacts.TEST_EXAMPLES, tables.test_examples(answers, keys, seeds, num_classes))
    artifacts.write_json(artifacts.SUMMARY, tables.summary(named, regimes.pruning_efficacy(train, sparsity)))


if __name__ == "__main__":
    run(main)
