"""Judge what the paper says on this run, draw the figures, and end with a table."""

from prunelab import config, presets, style
from prunelab.core import artifacts, images
from prunelab.judging import deciding, page
from prunelab.studies.stability import claims, claims_beyond, places, summary, tables
from prunelab.studies.stability.figures import FIGURES
from stages import run


def main() -> None:
    """Write plots/stability, metrics/stability.json and data/stability/report.txt."""
    params = config.read("stability_draw")
    found = tables.read(params, len(images.read(artifacts.RAW).y_test))
    evidence = claims.evidence(found, params)
    settings = {name: config.at(params, name) for name in presets.values(params.setting)}
    verdicts = deciding.as_json(claims_beyond.verdicts(evidence), settings)
    subtitle = summary.subtitle(params)
    with artifacts.writing(places.PLOTS) as folder:
        tables.write(folder, found)
        artifacts.write_json(folder / places.CLAIMS, verdicts)
        artifacts.write_text(folder / places.CLAIMS_PAGE, page.page([(subtitle, verdicts)], claims.TITLE, claims.ABOUT))
        (folder / places.FIGURES).mkdir()
        drawn = {name: figure for name, draw in FIGURES.items() if (figure := draw(found, subtitle))}
        for name, figure in drawn.items():
            style.save(figure, folder / places.FIGURES / name)
    artifacts.write_json(places.METRICS, summary.metrics(evidence))
    pictures = [str(places.PLOTS / places.FIGURES / f"{name}.png") for name in drawn]
    text = summary.text(evidence, subtitle, pictures)
    text += f"\n{page.short(verdicts)}\n(why: {places.PLOTS / places.CLAIMS_PAGE})\n"
    artifacts.write_text(places.REPORT, text)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
