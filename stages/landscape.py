"""The loss around one round's solutions: the path from sparse to re-dense, lines, curvature."""

import argparse

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images, networks, split, streams
from prunelab.core.study import checkpoint, replicates
from prunelab.landscape.survey import STEPS, Solution, survey
from stages import run


def main() -> None:
    """Write data/redense/landscape/rNN."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--round", required=True, help="a round that was re-dense trained, e.g. r06")
    key = arguments.parse_args().round
    params = config.read("landscape")
    model = params.model

    def work(seed: int, device: torch.device, on_step: replicates.OnEpoch) -> None:
        labels = artifacts.read_arrays(artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)
        data = split.make(images.read(artifacts.RAW), labels, device)
        generator = streams.generator(seed, "init")
        network = networks.build(
            model.name, data.x_N.sample_shape, data.num_classes, model.width, model.batchnorm_init, generator
        ).to(device)
        solutions = {}
        for name, folder in (("sparse", artifacts.ROUNDS), ("redense", artifacts.REDENSE)):
            place = artifacts.replicate(folder / key, seed)
            masks = checkpoint.load_masks(place)
            state = checkpoint.load_state(place, artifacts.WEIGHTS, masks)
            solutions[name] = Solution(
                {n: v.to(device) for n, v in state.items()}, {n: m.to(device) for n, m in masks.items()}
            )
        found = survey(network, data, solutions, params.landscape, seed, lambda: on_step({}, STEPS))
        sparse = artifacts.read_json(artifacts.replicate(artifacts.ROUNDS / key, seed) / artifacts.RECORD)
        place = artifacts.replicate(unfinished, seed)
        artifacts.write_json(
            place / artifacts.RECORD, {n: sparse[n] for n in ("round", "seed", "sparsity", "remaining")} | found.record
        )
        for name, rows in (
            (artifacts.PATH, found.path),
            (artifacts.LINES, found.lines),
            (artifacts.PLANES, found.planes),
        ):
            if rows:
                artifacts.write_table(place / name, rows)

    with (
        artifacts.writing(artifacts.LANDSCAPE / key) as unfinished,
        progress.Bar(f"landscape {progress.of_all(key)}", params.seeds, "part") as bar,
    ):
        replicates.run(work, params.seeds, params.device, bar.step)


if __name__ == "__main__":
    run(main)
