"""Hold the paper's claims against this run: effects with intervals, and a verdict on each."""

from prunelab import config, presets
from prunelab.analysis import deciding, evidence, forms, verdicts
from prunelab.analysis.tables import COLUMNS
from prunelab.core import artifacts, digests
from stages import run


def main() -> None:
    """Write metrics/claims.json and its digest."""
    params = config.read("claims")
    shape = forms.shape(params)
    tables = {name: forms.table(artifacts.PLOTS / f"{name}.csv", COLUMNS[name], shape) for name in evidence.TABLES}
    examples = forms.test_examples(artifacts.TEST_EXAMPLES, shape)
    judged = verdicts.verdicts(evidence.run(tables, examples, params.noise))
    settings = {name: config.at(params, name) for name in presets.values(params.setting)}
    artifacts.write_json(artifacts.CLAIMS, deciding.as_json(judged, settings))
    digests.seal(artifacts.CLAIMS.parent, [artifacts.CLAIMS.name], f"{artifacts.CLAIMS.name}.sha256")


if __name__ == "__main__":
    run(main)
