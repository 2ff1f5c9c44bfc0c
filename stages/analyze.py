"""Turn the records of every round into tidy tables and a summary."""

from collections.abc import Sequence
from pathlib import Path

from prunelab import config
from prunelab.analysis import forms, regimes, tables
from prunelab.core import artifacts, digests
from stages import run


def main() -> None:
    """Write plots/*.csv, their digests, and metrics/summary.json."""
    params = config.read("analyze")
    seeds = params.seeds
    # The rounds that the parameters name, never whatever lies in a folder.
    shape = forms.shape(params)
    keys, redense_keys, reinit_keys, landscape_keys = shape.rounds, shape.redense, shape.reinit, shape.landscape

    def records(folder: Path, rounds: Sequence[str], needs: tuple[str, ...]) -> list[artifacts.Row]:
        return forms.records(folder, [(key, seed) for key in rounds for seed in seeds], needs)

    def every(
        folder: Path, rounds: Sequence[str], name: str, columns: tuple[str, ...]
    ) -> dict[tuple[str, int], list[artifacts.Row]]:
        places = {(k, s): artifacts.replicate(artifacts.of_round(folder, k), s) / name for k in rounds for s in seeds}
        found = {place: forms.table(path, columns) for place, path in places.items()}
        # Replicates have the same epochs; around solutions, so have rounds.
        for some in [rounds] if folder == artifacts.LANDSCAPE else [[key] for key in rounds]:
            forms.alike({places[k, s]: forms.rows_of(found[k, s]) for k in some for s in seeds})
        return found

    def right(folder: Path, rounds: Sequence[str], **kinds: str) -> dict[tuple[str, str, int], artifacts.Array]:
        places = {(k, s): artifacts.replicate(artifacts.of_round(folder, k), s) for k in rounds for s in seeds}
        places = {place: path / artifacts.EXAMPLES for place, path in places.items()}
        arrays = {place: forms.answers(path, [*kinds.values()]) for place, path in places.items()}
        forms.alike({places[place]: [len(a) for a in found.values()] for place, found in arrays.items()})
        return {(kind, *place): found[name] for place, found in arrays.items() for kind, name in kinds.items()}

    sparse, redense, reinit = (
        records(folder, rounds, tables.RECORD)
        for folder, rounds in (
            (artifacts.ROUNDS, keys),
            (artifacts.REDENSE, redense_keys),
            (artifacts.REINIT, reinit_keys),
        )
    )
    landscape = records(artifacts.LANDSCAPE, landscape_keys, tables.LANDSCAPE_RECORD)
    answers = right(artifacts.ROUNDS, keys, last="test_right", best="test_best_right")
    answers |= right(artifacts.REINIT, reinit_keys, reinit="test_right")
    curve = tables.double_descent(sparse)
    train, last, best = (tables.mean_by_round(curve, name) for name in ("train", "test_last", "test_best"))
    num_classes = forms.num_classes(artifacts.RAW / "facts.json")
    regime = regimes.regimes(train, last, 1 / num_classes)
    models = regimes.named_models(last, best, tables.mean_by_round(curve, "validation"))
    named = tables.named_models(sparse, models)
    sparsity = tables.mean_by_round(curve, "sparsity")
    model_keys = sorted({keys[number] for number in models.values()})
    shown = [models[name] for name in ("dense", "valley", "sweet_spot", "end")]
    beside_keys = [keys[number] for number in regimes.nearest(shown, [keys.index(key) for key in redense_keys])]
    both = {
        (training, *place): rows
        for training, folder in (("sparse", artifacts.ROUNDS), ("redense", artifacts.REDENSE))
        for place, rows in every(folder, beside_keys, artifacts.HISTORY, tables.HISTORY).items()
    }
    paths = every(artifacts.LANDSCAPE, landscape_keys, artifacts.PATH, tables.PATH)
    along = every(artifacts.LANDSCAPE, landscape_keys, artifacts.LINES, tables.LINES)
    plane_keys = landscape_keys if params.landscape.plane else []
    planes = every(artifacts.LANDSCAPE, plane_keys, artifacts.PLANES, tables.PLANES)
    histories = every(artifacts.ROUNDS, model_keys, artifacts.HISTORY, tables.HISTORY)
    regime_of = dict(zip(keys, regime, strict=True))
    for name, rows in {
        "double_descent": [row | {"regime": regime_of[row["round"]]} for row in curve],
        "memorization": tables.memorization(sparse),
        "distance": tables.distance(sparse, redense),
        "distance_by_layer": tables.distance_by_layer(sparse, redense),
        "redense": tables.beside(sparse, redense, "redense"),
        "redense_dynamics": tables.redense_dynamics(beside_keys, both),
        "reinit": tables.beside(sparse, reinit, "reinit"),
        "dynamics": tables.dynamics(models, histories),
        "interpolation": tables.interpolation(landscape, paths),
        "curvature": tables.curvature(landscape),
        "lines": tables.lines(landscape, along),
        "planes": tables.planes(landscape, planes),
        "named_models": named,
    }.items():
        artifacts.write_table(artifacts.PLOTS / f"{name}.csv", rows, tables.COLUMNS[name])
    artifacts.write_arrays(artifacts.TEST_EXAMPLES, tables.test_examples(answers, keys, seeds, num_classes))
    digests.seal(artifacts.PLOTS, [*(f"{name}.csv" for name in tables.COLUMNS), artifacts.TEST_EXAMPLES.name])
    artifacts.write_json(artifacts.SUMMARY, tables.summary(named, regimes.pruning_efficacy(train, sparsity)))


if __name__ == "__main__":
    run(main)
