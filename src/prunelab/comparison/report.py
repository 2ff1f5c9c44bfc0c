"""One HTML page on one or several runs that needs nothing beside it: no network, no file."""

import io
import shlex
from collections.abc import Sequence
from pathlib import Path

import jinja2
import markupsafe

from prunelab import presets
from prunelab.comparison import differences, figure, interactive, judging, report_labels, tabulate
from prunelab.comparison.grid import Grid, common, differing
from prunelab.comparison.runs import Run
from prunelab.errors import UserError
from prunelab.judging import page as pages
from prunelab.studies.sdd import places
from prunelab.studies.sdd.figures import FIGURES

# The page `dvc plots` fills too: Vega is in it.
PAGE = Path(".dvc/plots/page.html")
MOST = 3  # runs whose figures are all shown
# Plain differences of what a run is, beside those that move its curve.
ALSO = ("seeds", "n_rounds")


def build(runs: Sequence[Run], grid: Grid | None, *, labels: Sequence[Run] = (), all_figures: bool = False) -> str:
    """The page.

    Args:
        runs: of the study sdd.
        grid: the same runs, laid out; None if there are none.
        labels: runs of the study labels; one at least of either study.
        all_figures: of every run, however many there are.

    Raises UserError if this folder lacks the page that is filled.
    """
    if not PAGE.is_file():
        raise UserError(f"{PAGE}: not found; run from the root of the repository")
    every = list({run.name: run for run in [*runs, *labels]}.values())
    parts = report_labels.sections(labels)
    body = _template().render(
        question=question(runs) if runs else "Which labels are probably wrong?",
        everything=every,
        sdd=_sdd(runs, grid, all_figures=all_figures) if grid else "",
        labels=parts,
        pages=[part.page for part in parts],
        chain=any(part.metrics.get("chain") or part.page["rows"][0]["chain_rank"] for part in parts),
        commands={run.name: "\n".join(commands(run)) for run in every},
    )
    page = PAGE.read_text(encoding="utf-8")
    return page.replace("{refresh_tag}", "").replace("{plot_divs}", body)


def _sdd(runs: Sequence[Run], grid: Grid, *, all_figures: bool) -> markupsafe.Markup:
    """What there is to say of sparse double descent."""
    names = list(FIGURES) if all_figures or len(runs) <= MOST else list(FIGURES)[:1]
    replicates = {len(study.curves.seeds) for study in grid.studies.values()}
    body = _template("report_sdd.html").render(
        common=common(runs),
        replicates=" or ".join(map(str, sorted(replicates))),
        runs=runs,
        differing=_differing(runs),
        notes=grid.notes,
        chart=interactive.chart(grid),
        by_sparsity=figure.abscissa(grid) == "remaining",
        models=tabulate.models(grid),
        tests=differences.table(grid),
        judged=judging.judged(runs, grid),
        grid_picture=_grid_picture(grid, common(runs)) if len(runs) > 1 else "",
        pictures={run.name: _pictures(run, names) for run in runs},
        left_out=len(names) == 1,
    )
    return markupsafe.Markup(body)


def question(runs: Sequence[Run]) -> str:
    """What these runs ask, in words."""
    names = _differing(runs)
    if not names:
        s = runs[0].settings
        does = f"What does pruning {s['model.name']} by {s['prune.criterion']} do to its generalisation"
        return f"{does}, with {_noise(runs[0])}?"
    values = {name: dict.fromkeys(str(run.settings.get(name)) for run in runs) for name in names[:3]}
    changed = " and ".join(f"{name} ({', '.join(found)})" for name, found in values.items())
    return f"How does {changed} change what pruning does to generalisation?"


def _noise(run: Run) -> str:
    if run.settings["noise"]:
        return f"{100 * run.settings['noise']:g}% of the labels wrong"
    brought = ",permuted," in (run.text(str(places.PLOTS / "memorization.csv")) or "")
    return "the wrong labels that the data brought" if brought else "clean labels"


def commands(run: Run) -> list[str]:
    """What computes this run again, and what fetches it."""
    if not run.commit:
        return ["# the working tree, not committed", "uv run dvc repro"]
    lines = [f"git checkout {run.baseline or run.commit}"]
    if not run.baseline:
        return [*lines, "uv run dvc repro"]
    pull = shlex.join(["uv", "run", "dvc", "exp", "pull", "origin", run.name])
    sets = "".join(f" -S {shlex.quote(override)}" for override in presets.overrides(run.settings))
    return [*lines, f"uv run dvc exp run{sets}", "", f"# or, without computing:  {pull}"]


def _differing(runs: Sequence[Run]) -> list[str]:
    more = [name for name in ALSO if len({repr(run.settings.get(name)) for run in runs}) > 1]
    return differing(runs) + more


def _pictures(run: Run, names: Sequence[str]) -> list[tuple[str, str]]:
    pictures = ((name, run.bytes(str(places.PLOTS / places.FIGURES / f"{name}.png"))) for name in names)
    return [(name, report_labels.inline(data)) for name, data in pictures if data]


def _grid_picture(grid: Grid, subtitle: str) -> str:
    buffer = io.BytesIO()
    figure.draw(grid, subtitle).savefig(buffer, format="png", metadata={"Software": None})
    return report_labels.inline(buffer.getvalue())


def _template(name: str = "report.html") -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, loader=jinja2.FileSystemLoader(Path(__file__).parent)
    )
    environment.globals["accuracy"] = tabulate.accuracy
    environment.globals["interval"] = _interval
    environment.globals["short"] = lambda found: pages.short(found).replace("claims ", "").replace("\n", "; ")
    return environment.get_template(name)


def _interval(found: Sequence[float] | None, over: str) -> str:
    return "" if found is None else f", {found[0]:+.3g} to {found[1]:+.3g} over {over}"
