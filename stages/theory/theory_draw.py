"""Judge what the theorem says on this run, draw the figures, and end with a table."""

from prunelab import config, presets, style
from prunelab.core import artifacts
from prunelab.judging import deciding, page
from prunelab.studies.theory import claims, places, summary, tables
from prunelab.studies.theory.figures import FIGURES
from prunelab.studies.theory.figures.found import Found, named
from prunelab.studies.theory.network.measures import COLUMNS
from stages import run


def main() -> None:
    """Write plots/theory, metrics/theory.json and data/theory/report.txt."""
    params = config.read("theory_draw")
    theory, first = params.theory, params.theory.seeds[0]
    rows = tables.read(theory)
    curve = tables.curve(rows)
    three = [theory.kept[at] for _, at in named(curve)]
    found = Found(theory, curve, rows, tables.margins(theory, first), tables.race(first, three))
    settings = {name: config.at(params, name) for name in presets.values(params.setting)}
    verdicts = deciding.as_json(claims.verdicts(claims.Evidence(theory, curve)), settings)
    subtitle = summary.subtitle(theory)
    with artifacts.writing(places.PLOTS) as folder:
        artifacts.write_table(folder / places.CURVE.name, rows, COLUMNS)
        artifacts.write_table(folder / places.RACE, found.race, tables.RACE)
        artifacts.write_json(folder / places.CLAIMS, verdicts)
        artifacts.write_text(folder / places.CLAIMS_PAGE, page.page([(subtitle, verdicts)], claims.TITLE, claims.ABOUT))
        (folder / places.FIGURES).mkdir()
        for name, draw in FIGURES.items():
            style.save(draw(found, subtitle), folder / places.FIGURES / name)
    artifacts.write_json(places.METRICS, summary.metrics(theory, curve))
    pictures = [str(places.PLOTS / places.FIGURES / f"{name}.png") for name in FIGURES]
    text = summary.text(theory, curve, subtitle, pictures)
    text += f"\n{page.short(verdicts)}\n(why: {places.PLOTS / places.CLAIMS_PAGE})\n"
    artifacts.write_text(places.REPORT, text)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
