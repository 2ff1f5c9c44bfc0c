"""Hold the paper's claims against this run: effects with intervals, and a verdict on each."""

from prunelab import config, presets
from prunelab.analysis import deciding, evidence, verdicts
from prunelab.core import artifacts
from stages import run


def main() -> None:
    """Write metrics/claims.json."""
    params = config.read("claims")
    tables = {name: artifacts.read_table(artifacts.PLOTS / f"{name}.csv") for name in evidence.TABLES}
    examples = artifacts.read_arrays(artifacts.TEST_EXAMPLES)
    judged = verdicts.verdicts(evidence.run(tables, examples, params.noise))
    settings = {name: config.at(params, name) for name in presets.values(params.setting)}
    artifacts.write_json(artifacts.CLAIMS, deciding.as_json(judged, settings))


if __name__ == "__main__":
    run(main)
