"""Turn the records of every round into tidy tables and a summary."""

from prunelab import config
from prunelab.analysis import regimes, tables
from prunelab.core import artifacts
from stages import run


def main() -> None:
    """Write plots/*.csv and metrics/summary.json."""
    params = config.read("analyze")
    # The rounds that the parameters name, never whatever lies in a folder.
    keys = [f"r{number:02d}" for number in range(params.n_rounds + 1)]

    def records(folder: artifacts.Path, rounds: list[str]) -> list[artifacts.Row]:
        places = [artifacts.replicate(folder / key, seed) for key in rounds for seed in params.seeds]
        return [artifacts.read_json(place / artifacts.RECORD) for place in places]

    sparse = records(artifacts.ROUNDS, keys)
    redense = records(artifacts.REDENSE, keys[:: params.redense.every])
    every = params.reinit.every
    reinit = records(artifacts.REINIT, keys[every::every] if every else [])
    curve = tables.double_descent(sparse)
    train, last, best = (tables.mean_by_round(curve, name) for name in ("train", "test_last", "test_best"))
    num_classes = artifacts.read_json(artifacts.RAW / "facts.json")["num_classes"]
    regime = dict(zip(keys, regimes.regimes(train, last, 1 / num_classes), strict=True))
    models = regimes.named_models(last, best, tables.mean_by_round(curve, "validation"))
    histories = {
        (key, seed): artifacts.read_table(artifacts.replicate(artifacts.ROUNDS / key, seed) / artifacts.HISTORY)
        for key in sorted({f"r{number:02d}" for number in models.values()})
        for seed in params.seeds
    }
    named = tables.named_models(sparse, models)
    for name, rows in {
        "double_descent": [row | {"regime": regime[row["round"]]} for row in curve],
        "memorization": tables.memorization(sparse),
        "distance": tables.distance(sparse, redense),
        "redense": tables.beside(sparse, redense, "redense"),
        "reinit": tables.beside(sparse, reinit, "reinit"),
        "dynamics": tables.dynamics(models, histories),
        "named_models": named,
    }.items():
        columns = tables.BESIDE if name == "reinit" else ()  # may be empty
        artifacts.write_table(artifacts.PLOTS / f"{name}.csv", rows, columns)
    efficacy = regimes.pruning_efficacy(train, tables.mean_by_round(curve, "sparsity"))
    artifacts.write_json(artifacts.SUMMARY, tables.summary(named, efficacy))


if __name__ == "__main__":
    run(main)
