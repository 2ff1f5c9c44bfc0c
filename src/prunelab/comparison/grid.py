"""Runs laid out as a grid: rows of panels, columns of panels, and colours inside a panel.

Runs that differ in their seeds alone are replicates of one study. A run may differ from the others in what is an axis
of the grid and in what does not move a curve (NEUTRAL), nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

from prunelab import studies
from prunelab.comparison.curves import Curves, curves
from prunelab.comparison.pooled import pooled
from prunelab.comparison.runs import Row, Run
from prunelab.errors import UserError
from prunelab.studies.sdd.evidence import Evidence

# Parameters and sections that do not move the points a curve has. The name of a preset says nothing by itself.
NEUTRAL = ("seeds", "setting", "studies", "n_rounds", "device", "data_root", "early")
NEUTRAL += tuple(section for study in studies.names() for section in studies.parameters(study).PARAMETERS)
# Within one of these, everything may differ from the next: they are compared side by side only.
WHOLE = ("setting", "dataset")
ROLES = ("rows", "columns", "colours")
# What a role is taken by, if it differs.
FIRST_CHOICE = {"columns": ("noise",), "colours": ("prune.criterion", "prune.retrain"), "rows": ("noise_type",)}
Key = tuple[Any, Any, Any]


@dataclass
class Study:
    """The replicates of one setting."""

    key: Key  # its place: row, column, colour
    names: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    num_rounds: dict[str, int] = field(default_factory=dict)  # of each name

    def take(self, run: Run) -> str | None:
        """Add a run's replicates, but for those whose seeds are there; a note if there are such."""
        seen = {row["seed"] for row in self.rows}
        new = [row for row in run.rows if row["seed"] not in seen]
        note = None
        if len(new) < len(run.rows):
            same = ", ".join(str(seed) for seed in sorted({int(r["seed"]) for r in run.rows} & set(map(int, seen))))
            shorter = _last_round(run) < max(self.num_rounds.values())
            what = "is a shorter run of the same as" if shorter else "repeats"
            note = f"{run.name} {what} {self.names[0]} (seeds {same}): counted once"
        if new:
            self.names.append(run.name)
            self.runs.append(run)
            self.rows += new
            self.num_rounds[run.name] = max(int(row["round"][1:]) for row in new)
        return note

    @cached_property
    def curves(self) -> Curves:
        """As it is drawn."""
        return curves(self.rows)

    @cached_property
    def evidence(self) -> Evidence:
        """As verdicts are reached on it."""
        return pooled(self.runs)


@dataclass(frozen=True)
class Grid:
    """Studies by place; the values along each axis in order. An axis without a parameter has the one value None."""

    axes: dict[str, str | None]  # role -> parameter
    values: dict[str, list[Any]]
    studies: dict[Key, Study]  # row by row
    notes: list[str]  # what was left out, for a reader

    def label(self, role: str, value: Any) -> str:
        """For a panel's title or a legend."""
        name = self.axes[role]
        if name is None:
            return ""
        return f"{100 * value:g}% noise" if name == "noise" else f"{name.removeprefix('prune.')}: {value}"

    def title(self, study: Study) -> str:
        """All of a study's place in words."""
        return ", ".join(self._parts(study)) or " + ".join(study.names)

    def contrast(self, a: Study, b: Study) -> tuple[str, str, str]:
        """Where two studies agree, and what each is where they do not."""
        pairs = list(zip(self._parts(a), self._parts(b), strict=True))
        where = ", ".join(part for part, other in pairs if part == other)
        ours, theirs = (", ".join(pair[i] for pair in pairs if pair[0] != pair[1]) for i in (0, 1))
        return where, ours, theirs

    def _parts(self, study: Study) -> list[str]:
        return [self.label(role, value) for role, value in zip(ROLES, study.key, strict=True) if self.axes[role]]


def differing(runs: Sequence[Run]) -> list[str]:
    """Parameters that are not NEUTRAL and have more than one value, in params.yaml's order."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    return [n for n in names if not neutral(n) and len({repr(run.settings.get(n)) for run in runs}) > 1]


def common(runs: Sequence[Run]) -> str:
    """What all of them are, in words."""
    words = {"model.name": "{}", "dataset": "{}", "noise": "noise {}", "noise_type": "{} noise"}
    words |= {"prune.criterion": "{} pruning", "prune.retrain": "{}"}
    if not any(run.settings.get("noise") for run in runs):  # then of no type either
        del words["noise_type"]
        words["noise"] = "no noise added"
    found = {name: {str(run.settings.get(name)) for run in runs} for name in words}
    return ", ".join(words[name].format(*values) for name, values in found.items() if len(values) == 1)


def layout(runs: Sequence[Run], wanted: dict[str, str | None] | None = None, left_out: Sequence[str] = ()) -> Grid:
    """Find what differs, give each difference an axis, and put every run in its place.

    Args:
        runs: at least one.
        wanted: role -> parameter; roles that are None or missing are filled by what differs.
        left_out: notes on runs that are not among these.

    Raises:
        UserError: one line: an unknown parameter, or runs that differ in more than the grid has axes.
    """
    axes = {role: (wanted or {}).get(role) for role in ROLES}
    for name in filter(None, axes.values()):
        if not any(name in run.settings for run in runs):
            raise UserError(f"{name}: no run has such a parameter")
    _fill(axes, runs)
    _refuse_mixed(axes, runs)
    studies: dict[Key, Study] = {}
    notes = list(left_out)
    for run in runs:
        place = _place(axes, run)
        studies.setdefault(place, Study(place))
    # Of runs with the same seed the longest counts, and of equally long ones the first.
    for run in sorted(runs, key=_last_round, reverse=True):
        note = studies[_place(axes, run)].take(run)
        notes += [note] if note else []
    notes += [cut for study in studies.values() if (cut := _cut(study))]
    values = {role: _ordered([key[i] for key in studies]) for i, role in enumerate(ROLES)}
    places = product(*(values[role] for role in ROLES))
    return Grid(axes, values, {place: studies[place] for place in places if place in studies}, notes)


def _place(axes: Mapping[str, str | None], run: Run) -> Key:
    row, column, colour = (_value(run, axes[role]) for role in ROLES)
    return row, column, colour


def _last_round(run: Run) -> int:
    return max(int(row["round"][1:]) for row in run.rows)


def _cut(study: Study) -> str | None:
    """What curves.py leaves out of runs of different length, in words."""
    if len(set(study.num_rounds.values())) < 2:
        return None
    (name, number), *others = study.num_rounds.items()
    rest = ", ".join(f"{other} {more}" for other, more in others)
    return f"{name} has {number} rounds, {rest}: compared up to r{min(study.num_rounds.values()):02d}"


def _fill(axes: dict[str, str | None], runs: Sequence[Run]) -> None:
    """Give each difference a role, in place."""
    if axes["rows"] is None:
        used = set(axes.values())
        whole = [n for n in WHOLE if n not in used and len({run.settings.get(n) for run in runs}) > 1]
        # A preset that differs from another in an axis or in nothing that counts is not a row of its own.
        if whole and set(differing(runs)) - used - {"noise", "prune.criterion", "prune.retrain"}:
            axes["rows"] = whole[0]
    left = [name for name in _within(axes, runs) if name not in axes.values()]
    for role, choices in FIRST_CHOICE.items():
        if axes[role] is None:
            axes[role] = next((name for name in choices if name in left), None)
            left = [name for name in left if name != axes[role]]
    for role in ("colours", "columns", "rows"):
        if axes[role] is None and left:
            axes[role] = left.pop(0)


def _within(axes: dict[str, str | None], runs: Sequence[Run]) -> list[str]:
    """What differs between runs that share the value of the axis that stands for a whole setting, if there is one."""
    whole = next((name for name in axes.values() if name in WHOLE), None)
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.settings.get(whole) if whole else None, []).append(run)
    return list(dict.fromkeys(name for group in groups.values() for name in differing(group)))


def _refuse_mixed(axes: dict[str, str | None], runs: Sequence[Run]) -> None:
    mixed = [name for name in _within(axes, runs) if name not in axes.values()]
    if not mixed:
        return
    name = mixed[0]
    whole = [axis for axis in axes.values() if axis in WHOLE]
    pairs = ((a, b) for i, a in enumerate(runs) for b in runs[i + 1 :])
    alike = (p for p in pairs if all(p[0].settings.get(w) == p[1].settings.get(w) for w in whole))
    first, other = next(p for p in alike if p[0].settings.get(name) != p[1].settings.get(name))
    taken = ", ".join(axis for axis in axes.values() if axis)
    raise UserError(
        f"mixed settings: {first.name} and {other.name} differ in {name} ({first.settings.get(name)} and "
        f"{other.settings.get(name)}), beside what the grid shows ({taken}): leave one out, or make it an axis, "
        f"as in --colours {name}"
    )


def _value(run: Run, name: str | None) -> Any:
    value = run.settings.get(name) if name else None
    return str(value) if isinstance(value, list) else value  # a place must be hashable


def neutral(name: str) -> bool:
    """Whether a parameter does not move the points a curve has."""
    return name in NEUTRAL or name.split(".")[0] in NEUTRAL


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Each once; numbers by size, others as they came."""
    unique = list({repr(value): value for value in values}.values())
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in unique)
    return sorted(unique) if numbers else unique
