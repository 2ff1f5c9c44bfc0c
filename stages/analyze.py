"""Turn the records of every round into tidy tables and a summary."""

from prunelab import config
from prunelab.analysis import regimes, tables
from prunelab.core import artifacts
from stages import run


def main() -> None:
    """Write plots/*.csv and metrics/summary.json."""
    params = config.read("analyze")
    keys = ["r00", *config.round_chain(params.n_rounds)]
    redensed = config.redense_rounds(params.n_rounds, params.redense.every)

    def records(folder: artifacts.Path, rounds: list[str]) -> list[artifacts.Row]:
        places = [artifacts.replicate(folder / key, seed) for key in rounds for seed in params.seeds]
        return [artifacts.read_json(place / artifacts.RECORD) for place in places]

    sparse, redense = records(artifacts.ROUNDS, keys), records(artifacts.REDENSE, redensed)
    curve = tables.double_descent(sparse)
    train, last, best = (tables.mean_by_round(curve, name) for name in ("train", "test_last", "test_best"))
    num_classes = artifacts.read_json(artifacts.RAW / "facts.json")["num_classes"]
    regime = dict(zip(keys, regimes.regimes(train, last, 1 / num_classes), strict=True))
    models = regimes.named_models(last, best)
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
        "redense": tables.redense(sparse, redense),
        "dynamics": tables.dynamics(models, histories),
        "named_models": named,
    }.items():
        artifacts.write_table(artifacts.PLOTS / f"{name}.csv", rows)
    efficacy = regimes.pruning_efficacy(train, tables.mean_by_round(curve, "sparsity"))
    artifacts.write_json(artifacts.SUMMARY, tables.summary(named, efficacy))


if __name__ == "__main__":
    run(main)
