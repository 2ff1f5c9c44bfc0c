"""The loss around one round's solutions: the path from sparse to re-dense, lines, the Hessian."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images, networks, streams
from prunelab.core.rounds import checkpoint, replicates
from prunelab.core.rounds.run import split_of
from prunelab.studies.sdd import places
from prunelab.studies.sdd.landscape import LAYERS, LINES, PATH, PLANES, SPECTRUM
from prunelab.studies.sdd.landscape.survey import STEPS, Solution, survey
from stages import round_name, run


def main() -> None:
    """Write data/sdd/rounds/landscape/rNN/replicates."""
    params = config.read("landscape")
    key = round_name(__doc__, config.rounds_of("landscape"))
    model, pictures = params.model, images.read(artifacts.RAW)

    def work(seed: int, device: torch.device, on_step: replicates.OnEpoch) -> None:
        data = split_of(pictures, seed, device)
        generator = streams.generator(seed, "init")
        network = networks.build(
            model.name, data.x_N.sample_shape, data.num_classes, model.width, model.batchnorm_init, generator
        ).to(device)
        layout = {name: value.shape for name, value in network.state_dict().items()}
        solutions = {}
        for name, folder in (("sparse", artifacts.ROUNDS), ("redense", places.REDENSE)):
            place = artifacts.replicate(artifacts.of_round(folder, key), seed)
            masks = checkpoint.load_masks(place, layout)
            state = checkpoint.load_state(place, artifacts.WEIGHTS, masks, layout)
            solutions[name] = Solution(
                {n: v.to(device) for n, v in state.items()}, {n: m.to(device) for n, m in masks.items()}
            )
        artifacts.read_record(places.REDENSE, key, seed, ())
        masks = solutions["sparse"].masks
        sparse = checkpoint.load_record(artifacts.ROUNDS, key, seed, masks, ["sparsity", "remaining"])
        found = survey(network, data, solutions, params.landscape, seed, lambda: on_step({}, STEPS))
        place = artifacts.replicate(unfinished, seed)
        artifacts.write_json(
            place / artifacts.RECORD, {n: sparse[n] for n in ("round", "seed", "sparsity", "remaining")} | found.record
        )
        for name, rows in (
            (PATH, found.path),
            (LINES, found.lines),
            (PLANES, found.planes),
            (SPECTRUM, found.spectrum),
            (LAYERS, found.layers),
        ):
            if rows:
                artifacts.write_table(place / name, rows)

    with (
        artifacts.writing(artifacts.of_round(places.LANDSCAPE, key)) as unfinished,
        progress.Bar(f"landscape {progress.of_all(key)}", params.seeds, "part") as bar,
    ):
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
