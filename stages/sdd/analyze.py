"""Turn the records of every round into tidy tables and a summary, and hold the paper's claims against them."""

from prunelab import config, presets
from prunelab.core import artifacts
from prunelab.judging import deciding
from prunelab.studies.sdd import claims, evidence, forms, places
from prunelab.studies.sdd.gather import gather
from prunelab.studies.sdd.tables import COLUMNS
from stages import run


def main() -> None:
    """Write data/sdd/analysis."""
    params = config.read("analyze")
    found = gather(params, forms.shape(params))
    settings = {name: config.at(params, name) for name in presets.values(params.setting)}
    with artifacts.writing(places.ANALYSIS) as folder:
        for name, rows in found.tables.items():
            artifacts.write_table(folder / f"{name}.csv", rows, COLUMNS[name])
        artifacts.write_arrays(folder / places.TEST_EXAMPLES, found.examples)
        artifacts.write_json(folder / places.SUMMARY, found.summary)
        # From the tables as they are written: another reader reaches the same verdicts from them.
        written = {name: artifacts.table_of((folder / f"{name}.csv").read_text()) for name in evidence.TABLES}
        judged = claims.verdicts(evidence.of_tables(written, found.examples, params.noise))
        artifacts.write_json(folder / places.CLAIMS, deciding.as_json(judged, settings))


if __name__ == "__main__":
    run(main)
