"""Corrupt the training labels, once per replicate and before any training; hold out validation examples."""

import numpy as np

from prunelab import config, corruption
from prunelab.core import artifacts, images, streams
from prunelab.errors import UserError
from stages import run


def main() -> None:
    """Write data/corrupted/seedN for every seed."""
    params = config.read("corrupt")
    data = images.read(artifacts.RAW)
    look_alike = images.facts(params.dataset).LOOK_ALIKE
    original = data.y_train
    if params.train.validation >= len(original):
        raise UserError(
            f"train.validation={params.train.validation}: must be less than the {len(original)} training images"
        )
    with artifacts.writing(artifacts.CORRUPTED) as folder:
        for seed in params.seeds:
            validation = np.zeros(len(original), dtype=bool)
            held_out = streams.numpy_generator(seed, "validation").permutation(len(original))
            validation[held_out[: params.train.validation]] = True
            given, permuted = corruption.corrupt(
                original,
                ~validation,
                data.num_classes,
                params.noise,
                params.noise_type,
                look_alike,
                streams.numpy_generator(seed, "noise"),
            )
            arrays = {"given": given, "permuted": permuted, "validation": validation}
            wrong, trained = int((given != original).sum()), int((~validation).sum())
            record = {
                "trained": trained,
                "permuted": int(permuted.sum()),
                "wrong": wrong,
                "rate": wrong / trained,
            }
            target = artifacts.replicate(folder, seed)
            artifacts.write_arrays(target / artifacts.LABELS, arrays)
            artifacts.write_json(target / artifacts.RECORD, record)
            print(f"seed {seed}: {record['permuted']} of {trained} labels permuted, {wrong} of them now wrong")


if __name__ == "__main__":
    run(main)
