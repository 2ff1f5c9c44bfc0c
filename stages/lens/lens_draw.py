"""From losses of single examples to tables, verdicts and figures; and end with a table."""

from prunelab import config, presets, style
from prunelab.core import artifacts, images
from prunelab.judging import deciding, page
from prunelab.studies.lens import claims, evidence, places, summary
from prunelab.studies.lens.figures import FIGURES
from prunelab.studies.lens.figures.shown import Shown
from prunelab.studies.lens.gather import gather
from prunelab.studies.lens.tables import COLUMNS, every
from stages import run


def main() -> None:
    """Write plots/lens, metrics/lens.json and data/lens/report.txt."""
    params = config.read("lens_draw")
    pictures = images.read(artifacts.RAW)
    found = gather(params, pictures)
    tables, chosen = every(found, params.subgroups)
    settings = {name: config.at(params, name) for name in presets.values(params.setting)}
    examples = evidence.packed(found, pictures.num_classes)
    judged = evidence.of_tables(tables, examples, settings)
    verdicts = deciding.as_json(claims.verdicts(judged), settings)
    subtitle = summary.subtitle(params)
    shown = Shown(style.with_a_place_for_nothing(tables), found.keys, chosen, found.seeds, pictures)
    drawn = {name: figure for name, draw in FIGURES.items() if (figure := draw(shown, subtitle))}
    with artifacts.writing(places.PLOTS) as folder:
        for name, columns in COLUMNS.items():
            artifacts.write_table(folder / f"{name}.csv", tables[name], columns)
        artifacts.write_arrays(folder / places.TEST_EXAMPLES, examples)
        artifacts.write_json(folder / places.CLAIMS, verdicts)
        artifacts.write_text(folder / places.CLAIMS_PAGE, page.page([(subtitle, verdicts)], claims.TITLE, claims.ABOUT))
        (folder / places.FIGURES).mkdir()
        for name, figure in drawn.items():
            style.save(figure, folder / places.FIGURES / name)
    artifacts.write_json(places.METRICS, summary.metrics(judged))
    text = summary.text(judged, subtitle, [str(places.PLOTS / places.FIGURES / f"{name}.png") for name in drawn])
    text += f"\n{page.short(verdicts)}\n(why: {places.PLOTS / places.CLAIMS_PAGE})\n"
    artifacts.write_text(places.REPORT, text)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
