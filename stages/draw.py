"""Draw every figure from plots/*.csv, write the claims out, and end with a short table."""

from prunelab import config
from prunelab.analysis import forms
from prunelab.analysis.tables import COLUMNS
from prunelab.core import artifacts
from prunelab.figures import FIGURES, claims, report, style
from stages import run


def main() -> None:
    """Write plots/figures, plots/claims.md and data/report.txt."""
    params = config.read("draw")
    shape = forms.shape(params)
    found = {name: forms.table(artifacts.PLOTS / f"{name}.csv", COLUMNS[name], shape) for name in COLUMNS}
    forms.alike({artifacts.PLOTS / f"{n}.csv": {r["model"] for r in found[n]} for n in ("named_models", "dynamics")})
    verdicts = forms.claims(artifacts.CLAIMS)
    tables = style.with_a_place_for_nothing(found)
    noise = style.noise(params.noise, params.noise_type, found["memorization"])
    what = f"{params.model.name} on {params.dataset}, {noise}"
    subtitle = f"{what}, {params.prune.criterion} pruning, {params.prune.retrain}"
    drawn = {name: figure for name, draw in FIGURES.items() if (figure := draw(tables, subtitle))}
    with artifacts.writing(artifacts.FIGURES) as folder:
        for name, figure in drawn.items():
            style.save(figure, folder / name)
    artifacts.write_text(artifacts.CLAIMS_PAGE, claims.page([(subtitle, verdicts)], claims.TITLE))
    text = report.table(tables["named_models"], subtitle, [str(artifacts.FIGURES / f"{name}.png") for name in drawn])
    text += f"\n{claims.short(verdicts)}\n(why: {artifacts.CLAIMS_PAGE})\n"
    artifacts.write_text(artifacts.REPORT, text)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
