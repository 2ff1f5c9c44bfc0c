"""Draw every figure from the analysis' tables, write the claims out, and end with a short table."""

from prunelab import config, style
from prunelab.core import artifacts
from prunelab.judging import page
from prunelab.studies.sdd import closing, forms, places
from prunelab.studies.sdd.figures import FIGURES, marks
from prunelab.studies.sdd.tables import COLUMNS
from stages import run


def main() -> None:
    """Write plots/sdd, metrics/sdd.json and data/sdd/report.txt."""
    params = config.read("draw")
    shape = forms.shape(params)
    found = {name: forms.table(places.ANALYSIS / f"{name}.csv", COLUMNS[name], shape) for name in COLUMNS}
    forms.alike({places.ANALYSIS / f"{n}.csv": {r["model"] for r in found[n]} for n in ("named_models", "dynamics")})
    examples = forms.test_examples(places.ANALYSIS / places.TEST_EXAMPLES, shape)
    summary = forms.summary(places.ANALYSIS / places.SUMMARY, found["named_models"])
    verdicts = forms.claims(places.ANALYSIS / places.CLAIMS)
    tables = style.with_a_place_for_nothing(found)
    noise = marks.noise(params.noise, params.noise_type, found["memorization"])
    what = f"{params.model.name} on {params.dataset}, {noise}"
    subtitle = f"{what}, {params.prune.criterion} pruning, {params.prune.retrain}"
    drawn = {name: figure for name, draw in FIGURES.items() if (figure := draw(tables, subtitle))}
    with artifacts.writing(places.PLOTS) as folder:
        for name, columns in COLUMNS.items():
            artifacts.write_table(folder / f"{name}.csv", found[name], columns)
        artifacts.write_arrays(folder / places.TEST_EXAMPLES, examples)
        artifacts.write_json(folder / places.CLAIMS, verdicts)
        artifacts.write_text(folder / places.CLAIMS_PAGE, page.page([(subtitle, verdicts)], page.TITLE))
        (folder / places.FIGURES).mkdir()
        for name, figure in drawn.items():
            style.save(figure, folder / places.FIGURES / name)
    artifacts.write_json(places.METRICS, summary)
    pictures = [str(places.PLOTS / places.FIGURES / f"{name}.png") for name in drawn]
    text = closing.table(tables["named_models"], subtitle, pictures)
    text += f"\n{page.short(verdicts)}\n(why: {places.PLOTS / places.CLAIMS_PAGE})\n"
    artifacts.write_text(places.REPORT, text)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
