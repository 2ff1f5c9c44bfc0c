"""Runs that differ in their seeds alone, as one run with the replicates of all: what verdicts are reached on."""

from collections.abc import Sequence

from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.studies.sdd import evidence, places


def pooled(runs: Sequence[Run]) -> evidence.Evidence:
    """The evidence of one or several such runs.

    Raises UserError, with the run's name, where a table is missing.
    """
    found, examples = evidence.joined([(_tables(run), _examples(run)) for run in runs])
    return evidence.of_tables(found, examples, runs[0].settings["noise"])


def _tables(run: Run) -> evidence.Tables:
    return {n: artifacts.table_of(_file(run, places.PLOTS / f"{n}.csv").decode()) for n in evidence.TABLES}


def _examples(run: Run) -> evidence.Examples:
    return artifacts.arrays_of(_file(run, places.PLOTS / places.TEST_EXAMPLES))


def _file(run: Run, path: artifacts.Path) -> bytes:
    content = run.bytes(str(path))
    if content is None:
        raise UserError(f"{run.name}: has no {path}: this project did not write it yet when it ran; run it again")
    return content
