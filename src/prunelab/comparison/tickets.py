"""Tickets (tickets/) of a finished run's rounds, from DVC's cache, held against what the study stored of them.

N training examples without those held out, T test examples, C channels.
"""

import contextlib
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from prunelab import programs
from prunelab.comparison import outputs
from prunelab.comparison.runs import Run
from prunelab.core import artifacts, digests, given, images, inputs
from prunelab.core.images import Images
from prunelab.core.rounds import checkpoint
from prunelab.errors import UserError
from prunelab.studies.sdd import places as sdd
from prunelab.tickets import batches, whole
from prunelab.tickets.description import Description, Labels, Model, Normalisation, Source
from prunelab.tickets.ticket import Ticket

NAMED = sdd.PLOTS / "named_models.csv"
CHECKED = 5000  # examples of each kind
# Of the examples, how many may be predicted otherwise than stored: another processor sums in another order.
MOST_OTHERWISE = 0.01
MOST_OF_BFLOAT16 = 0.05  # a run with engine=[bfloat16] was measured with three digits, a ticket has seven


def seed_of(run: Run, seed: int | None) -> int:
    """The replicate meant; default: the first. Raises UserError where the run has no such one."""
    seeds = [int(one) for one in run.params["seeds"]]
    if seed is not None and seed not in seeds:
        raise UserError(f"--seed {seed}: must be one of {', '.join(map(str, seeds))}")
    return seeds[0] if seed is None else seed


def rounds_of(run: Run) -> list[str]:
    """The run's rounds, from the dense one on. Raises UserError where it has none."""
    found = [*run.params.get("dense_rounds", []), *run.params.get("rounds", {})]
    if not found:
        raise UserError(f"{run.name}: pruned no network, its studies are {', '.join(run.params['studies']) or 'none'}")
    return found


def round_of(run: Run, name: str) -> str:
    """The round meant by r28, or by a model's name (dense, valley, sweet_spot, ...) as the run's own table has it.

    Raises UserError where the run has no such round.
    """
    there, asked = rounds_of(run), name.strip().replace(" ", "_")
    if asked in there:
        return asked
    named = _named(run)
    if named.get(asked) in there:
        return named[asked]
    last = f"{there[0]} to {there[-1]}" if len(there) > 1 else there[0]
    names = f", or {', '.join(named)}" if named else ""
    raise UserError(f"{name}: {run.name} has no such round; must be {last}{names}")


def _named(run: Run) -> dict[str, str]:
    """Name of a model -> its round; nothing where the run did not ask."""
    if "sdd" not in run.params["studies"]:
        return {"dense": "r00"}
    rows = csv.DictReader(io.StringIO(run.text(str(NAMED)) or "", newline=""))
    return {row["model"]: row["round"] for row in rows if row.get("model") and row.get("round")}


@dataclass(frozen=True)
class Stored:
    """One replicate of a run, as `opened` gives it."""

    run: Run
    commit: str  # of the workspace, the one it is on
    seed: int
    data: Images
    labels: Mapping[str, NDArray[Any]]  # given.py's

    def ticket(self, key: str) -> Ticket:
        """The ticket of a round. Raises UserError where its files are damaged."""
        place = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), self.seed)
        record = artifacts.read_record(
            artifacts.ROUNDS, key, self.seed, ("last", "best", "sparsity", "survivors", "prunable", "made_with")
        )
        description = self._description(key, record)
        layout = {name: value.shape for name, value in whole.layout(description).items()}
        masks = checkpoint.load_masks(place, layout)
        checkpoint.load_record(artifacts.ROUNDS, key, self.seed, masks)
        state = checkpoint.load_state(place, artifacts.WEIGHTS, masks, layout)
        return Ticket(
            description, {name: state[name] for name in layout}, {name: masks[name] for name in layout if name in masks}
        )

    def outcome(self, key: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What the study stored: the class predicted for each training example [N]; which test examples are right [T].

        Raises UserError where the file is damaged.
        """
        place = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), self.seed)
        found = artifacts.read_arrays(place / artifacts.EXAMPLES, ("predicted", "test_right"))
        return found["predicted"].astype(np.int64), found["test_right"].astype(bool)

    def raw(self, x: NDArray[Any]) -> NDArray[Any]:
        """Stored images [N, C, H, W] as a ticket's network takes them: pixels as they are, features in their units.

        Of features that is not to the last bit what the user has: float32 has lost it.
        """
        known = self.data.standardisation
        return x if known is None else known.undone(x)

    @property
    def trained(self) -> NDArray[np.int64]:
        """Positions of the examples that were trained on, among all training images [N]."""
        return np.flatnonzero(~self.labels["validation"])

    def _description(self, key: str, record: Mapping[str, Any]) -> Description:
        data, params = self.data, self.run.params
        mean_C, std_C = inputs.moments(data.x_train, self.trained, data.max_value)
        return Description(
            model=Model(name=params["model"]["name"], width=float(params["model"]["width"])),
            sample_shape=list(data.x_train.shape[1:]),
            classes=list(data.classes),
            normalisation=Normalisation(mean=mean_C.tolist(), std=std_C.tolist(), max_value=data.max_value),
            sparsity=record["sparsity"],
            survivors=record["survivors"],
            prunable=record["prunable"],
            labels=self._labels(),
            source=Source(
                commit=self.commit,
                workspace=not self.run.commit,
                round=key,
                seed=self.seed,
                dataset=params["dataset"],
            ),
            metrics={name: record[name] for name in ("last", "best")},
            features=data.standardisation,
            made_with=record["made_with"],
            written_by=_version(),
        )

    def _labels(self) -> Labels:
        params, given_N = self.run.params, self.labels["given"]
        origin: Literal["as they are", "simulated", "came with the data"]
        origin = "simulated" if params["noise"] else "as they are"
        if self.data.given_train is not None:
            origin = "came with the data"
        return Labels(
            origin=origin,
            noise=float(params["noise"]),
            noise_type=params["noise_type"],
            permuted=int(self.labels["permuted"][self.trained].sum()),
            validation=int(self.labels["validation"].sum()),
            sha256=hashlib.sha256(np.ascontiguousarray(given_N, dtype="<i8").tobytes()).hexdigest(),
        )


def check_target(target: Path, option: str) -> None:
    """Raises UserError for a place among DVC's outputs, which are not the user's to write to."""
    place, root = target.resolve(), Path.cwd()
    if place.is_relative_to(root) and place.relative_to(root).parts[:1] in {(name,) for name in digests.OUTPUTS}:
        raise UserError(f"{option} {target}: must not lie in {', '.join(digests.OUTPUTS)}, where DVC's outputs are")


@contextlib.contextmanager
def opened(run: Run, seed: int, keys: Sequence[str]) -> Iterator[Stored]:
    """Stand in a folder with a copy of what a replicate's rounds need.

    Raises:
        UserError: as outputs.copied; or the examples are features, and an older revision stored them, without how it
            standardised them (core/features.py).
    """
    commit = run.commit or programs.output("git", "rev-parse", "HEAD").strip()
    rounds = [artifacts.of_round(artifacts.ROUNDS, key) for key in dict.fromkeys(keys)]
    places = [artifacts.RAW, artifacts.CORRUPTED / digests.SUMS, artifacts.replicate(artifacts.CORRUPTED, seed)]
    for of_all in rounds:
        places += [of_all / digests.SUMS, artifacts.replicate(of_all, seed)]
    with outputs.copied(run, places, [artifacts.RAW, artifacts.CORRUPTED, *rounds]):
        data = images.read(artifacts.RAW)
        if data.x_train.dtype != np.uint8 and data.standardisation is None:
            raise UserError(
                f"{run.name}: its features were stored by an older revision, without how it standardised them; run it "
                "again (`dvc repro`)"
            )
        yield Stored(run, commit, seed, data, given.labels(seed, len(data.y_train), data.num_classes))


def check(stored: Stored, key: str, ticket: Ticket) -> tuple[int, int, int, int]:
    """Hold a ticket against what the study stored of the round.

    Returns:
        Training examples predicted as stored, of how many (CHECKED at most); the same of being right on test examples.

    Raises:
        UserError: more differ than MOST_OTHERWISE allows, which no other order of sums explains.
    """
    predicted_N, right_T = stored.outcome(key)
    network, data = ticket.network(), stored.data
    found_N = predict(network, stored.raw(data.x_train[stored.trained[:CHECKED]]))
    found_T = predict(network, stored.raw(data.x_test[:CHECKED])) == data.y_test[:CHECKED]
    as_stored = (found_N == predicted_N[:CHECKED], found_T == right_T[:CHECKED])
    counts = [int(same.sum()) for same in as_stored]
    sizes = [len(same) for same in as_stored]
    most = MOST_OF_BFLOAT16 if "bfloat16" in stored.run.params["engine"] else MOST_OTHERWISE
    if any(count < (1 - most) * size for count, size in zip(counts, sizes, strict=True)):
        raise UserError(
            f"{stored.run.name}: {key} of seed {stored.seed} says what the study stored for {counts[0]} of {sizes[0]} "
            f"training and {counts[1]} of {sizes[1]} test examples only; its weights or data are another's"
        )
    return counts[0], sizes[0], counts[1], sizes[1]


def predict(network: nn.Module, x: NDArray[Any]) -> NDArray[np.int64]:
    """The class predicted for each of raw samples [N, C, H, W]."""
    found: NDArray[np.int64] = batches.outputs(network, torch.from_numpy(x)).argmax(dim=1).numpy()
    return found


def _version() -> str:
    try:
        return f"prunelab {metadata.version('prunelab')}"
    except metadata.PackageNotFoundError:  # run from a clone that is not installed
        return "prunelab"
