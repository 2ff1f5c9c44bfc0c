"""Runs of the study sdd side by side: a grid of curves, a table, tests of difference, and verdicts."""

from argparse import Namespace
from collections.abc import Sequence

from prunelab import style
from prunelab.comparison import differences, figure, grid, judging, tabulate
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.judging import page as pages


def compare(runs: Sequence[Run], left_out: Sequence[str], options: Namespace) -> str:
    """Write figures, tables and verdicts to the folder options.out; what is to be printed."""
    laid_out = grid.layout(runs, {role: getattr(options, role) for role in grid.ROLES}, left_out)
    models, tests = tabulate.models(laid_out), differences.table(laid_out)
    judged = judging.judged(runs, laid_out)
    page = pages.page(judged, f"The papers' claims, checked on {', '.join(one.name for one in runs)}")
    drawn = figure.draw(laid_out, grid.common(runs))
    options.out.mkdir(parents=True, exist_ok=True)
    style.save(drawn, options.out / "grid")
    artifacts.write_table(options.out / "models.csv", models)
    artifacts.write_table(options.out / "differences.csv", tests, tabulate.TESTS)
    artifacts.write_text(options.out / "claims.md", page)
    said = [*(f"note: {note}" for note in laid_out.notes), f"figure: {options.out / 'grid.png'}"]
    said.append(f"tables and claims: {options.out}/models.csv, differences.csv, claims.md")
    return "\n".join([tabulate.text(models, tests, judged), *said])
