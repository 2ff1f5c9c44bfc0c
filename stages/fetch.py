"""Read the data set, say how it was taken, and store it in one canonical form (core/images.py)."""

from pathlib import Path

from prunelab import config
from prunelab.core import artifacts, describe, images, sources
from stages import run


def main() -> None:
    """Write data/raw."""
    params = config.read("fetch")
    data = sources.fetch(params.dataset, Path(params.data_root))
    data = sources.sample(data, params.subset.train, params.subset.test)
    with artifacts.writing(artifacts.RAW) as folder:
        images.store(folder, data)
    print("\n".join(describe.lines(params.dataset, data)))


if __name__ == "__main__":
    run(main)
