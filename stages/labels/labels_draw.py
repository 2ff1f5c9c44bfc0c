"""Rank all labels by how suspect they are, count the wrong ones, draw; and end with a table."""

from prunelab import config, style
from prunelab.core import artifacts, images
from prunelab.studies.labels import places, sheet, summary
from prunelab.studies.labels.figures import FIGURES
from prunelab.studies.labels.figures.shown import Shown
from prunelab.studies.labels.gather import gather
from prunelab.studies.labels.tables import COLUMNS, every
from stages import run


def main() -> None:
    """Write plots/labels, metrics/labels.json, data/labels/pictures and data/labels/report.txt."""
    params = config.read("labels_draw")
    pictures = images.read(artifacts.RAW)
    found = gather(params, pictures, [*config.dense_rounds(params), *config.round_chain(params)])
    tables = every(found)
    subtitle = summary.subtitle(params, truth=found.truth)
    shown = Shown(tables, pictures, found.truth, params.suspects.shown)
    drawn = {name: figure for name, draw in FIGURES.items() if (figure := draw(shown, subtitle))}
    with artifacts.writing(places.PICTURES) as folder:
        sheet.keep(folder, tables["suspects"], pictures)
    with artifacts.writing(places.PLOTS) as folder:
        for name, columns in COLUMNS.items():
            artifacts.write_table(folder / f"{name}.csv", tables[name], columns)
        (folder / places.FIGURES).mkdir()
        for name, figure in drawn.items():
            style.save(figure, folder / places.FIGURES / name)
    artifacts.write_json(places.METRICS, summary.metrics(tables))
    text = summary.text(tables, subtitle, [str(places.PLOTS / places.FIGURES / f"{name}.png") for name in drawn])
    artifacts.write_text(places.REPORT, text)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
