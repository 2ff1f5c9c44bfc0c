"""From what the rounds left behind, each file checked as it is read, to the study's tables, examples and summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prunelab import byround, regimes
from prunelab.core import artifacts
from prunelab.studies.sdd import answers, forms, landscape, places, spectra_tables, tables
from prunelab.studies.sdd.tables import Row

if TYPE_CHECKING:
    from prunelab.config import Config


@dataclass(frozen=True)
class Gathered:
    """All that is written of a study but its figures and verdicts."""

    tables: dict[str, list[Row]]  # by name
    examples: dict[str, artifacts.Array]  # answers.packed
    summary: Row


@dataclass(frozen=True)
class Replicates:
    """Reads what all replicates of some rounds left."""

    seeds: Sequence[int]

    def records(self, folder: Path, rounds: Sequence[str], needs: tuple[str, ...] = tables.RECORD) -> list[Row]:
        """Their records, in order."""
        return forms.records(folder, [(key, seed) for key in rounds for seed in self.seeds], needs)

    def rows(
        self, folder: Path, rounds: Sequence[str], name: str, columns: tuple[str, ...]
    ) -> dict[tuple[str, int], list[Row]]:
        """A table that each has, by round and seed."""
        paths = self._places(folder, rounds, name)
        found = {place: forms.table(path, columns) for place, path in paths.items()}
        # Replicates have the same epochs; around solutions, so have rounds.
        for some in [rounds] if folder == places.LANDSCAPE else [[key] for key in rounds]:
            forms.alike({paths[k, s]: forms.rows_of(found[k, s]) for k in some for s in self.seeds})
        return found

    def right(self, folder: Path, rounds: Sequence[str], **kinds: str) -> dict[tuple[str, str, int], artifacts.Array]:
        """Whether each test image is classified right, by kind, round and seed; `kinds` name arrays."""
        paths = self._places(folder, rounds, artifacts.EXAMPLES)
        arrays = {place: forms.right(path, [*kinds.values()]) for place, path in paths.items()}
        forms.alike({paths[place]: [len(a) for a in found.values()] for place, found in arrays.items()})
        return {(kind, *place): found[name] for place, found in arrays.items() for kind, name in kinds.items()}

    def spectra(self, around: Sequence[Row]) -> dict[tuple[str, int], list[Row]]:
        """The nodes of the Hessians' spectra, by round and seed.

        Args:
            around: the records of their rounds. How many nodes there are is each replicate's own.
        """
        paths = self._places(places.LANDSCAPE, sorted({r["round"] for r in around}), landscape.SPECTRUM)
        return {(r["round"], r["seed"]): forms.spectrum(paths[r["round"], r["seed"]], r) for r in around}

    def _places(self, folder: Path, rounds: Sequence[str], name: str) -> dict[tuple[str, int], Path]:
        keys = ((key, seed) for key in rounds for seed in self.seeds)
        return {(k, s): artifacts.replicate(artifacts.of_round(folder, k), s) / name for k, s in keys}


def gather(params: "Config", shape: forms.Shape) -> Gathered:
    """Read all of it: of the rounds that the parameters name, never whatever lies in a folder.

    Raises UserError that names the file if one is missing, damaged, or another round's.
    """
    read, keys = Replicates(shape.seeds), shape.rounds
    sparse = read.records(artifacts.ROUNDS, keys)
    redense = read.records(places.REDENSE, shape.redense)
    reinit = read.records(places.REINIT, shape.reinit)
    around = read.records(places.LANDSCAPE, shape.landscape, tables.LANDSCAPE_RECORD)
    right = read.right(artifacts.ROUNDS, keys, last="test_right", best="test_best_right")
    right |= read.right(places.REINIT, shape.reinit, reinit="test_right")
    curve = tables.double_descent(sparse)
    train, last, best = (byround.mean(curve, name) for name in ("train", "test_last", "test_best"))
    num_classes = forms.num_classes(artifacts.RAW / "facts.json")
    regime_of = dict(zip(keys, regimes.regimes(train, last, 1 / num_classes), strict=True))
    models = regimes.named_models(last, best, byround.mean(curve, "validation"))
    named = tables.named_models(sparse, models)
    shown = [models[name] for name in ("dense", "valley", "sweet_spot", "end")]
    beside = [keys[number] for number in regimes.nearest(shown, [keys.index(key) for key in shape.redense])]
    both = {
        (training, *place): rows
        for training, folder in (("sparse", artifacts.ROUNDS), ("redense", places.REDENSE))
        for place, rows in read.rows(folder, beside, artifacts.HISTORY, tables.HISTORY).items()
    }
    along, planes = (
        read.rows(places.LANDSCAPE, rounds, name, columns)
        for rounds, name, columns in (
            (shape.landscape, landscape.LINES, tables.LINES),
            (shape.planes, landscape.PLANES, tables.PLANES),
        )
    )
    paths = read.rows(places.LANDSCAPE, shape.landscape, landscape.PATH, tables.PATH)
    layers = read.rows(places.LANDSCAPE, shape.spectra, landscape.LAYERS, tables.LAYERS)
    spectra = read.spectra(around) if shape.spectra else {}
    of_models = sorted({keys[number] for number in models.values()})
    histories = read.rows(artifacts.ROUNDS, of_models, artifacts.HISTORY, tables.HISTORY)
    found = {
        "double_descent": [row | {"regime": regime_of[row["round"]]} for row in curve],
        "memorization": tables.memorization(sparse),
        "distance": tables.distance(sparse, redense),
        "distance_by_layer": tables.distance_by_layer(sparse, redense),
        "redense": tables.beside(sparse, redense, "redense"),
        "redense_dynamics": tables.redense_dynamics(beside, both),
        "reinit": tables.beside(sparse, reinit, "reinit"),
        "dynamics": tables.dynamics(models, histories),
        "interpolation": tables.interpolation(around, paths),
        "curvature": tables.curvature(around),
        "lines": tables.lines(around, along),
        "planes": tables.planes(around, planes),
        "spectrum": spectra_tables.density(around, spectra),
        "effective_dimension": spectra_tables.effective_dimension(around, spectra, params.landscape.alphas),
        "curvature_by_layer": spectra_tables.curvature_by_layer(around, layers),
        "named_models": named,
    }
    efficacy = regimes.pruning_efficacy(train, byround.mean(curve, "sparsity"))
    packed = answers.packed(right, keys, shape.seeds, num_classes)
    return Gathered(found, packed, tables.summary(named, efficacy))
