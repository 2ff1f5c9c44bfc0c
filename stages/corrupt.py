"""Corrupt the training labels, once per replicate and before any training; hold out validation examples."""

import numpy as np

from prunelab import config, corruption
from prunelab.core import artifacts, describe, images, sources, streams
from stages import run


def main() -> None:
    """Write data/corrupted/seedN for every seed."""
    params = config.read("corrupt")
    data = images.read(artifacts.RAW)
    look_alike = corruption.look_alikes(sources.source(params.dataset), params.noise_type)
    original = data.y_train
    corruption.check(
        params.noise, params.train.validation, len(original), data.num_classes, data.given_train is not None
    )
    with artifacts.writing(artifacts.CORRUPTED) as folder:
        for seed in params.seeds:
            validation = corruption.hold_out(
                len(original), params.train.validation, streams.numpy_generator(seed, "validation")
            )
            if data.given_train is not None:
                given, permuted = corruption.brought(original, ~validation, data.given_train)
            else:
                given, permuted = corruption.corrupt(
                    original,
                    ~validation,
                    data.num_classes,
                    params.noise,
                    params.noise_type,
                    look_alike,
                    streams.numpy_generator(seed, "noise"),
                    lambda: np.asarray(data.x_train.reshape(len(original), -1), dtype=np.float32),
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
            most = describe.confusions(original, given, data)
            print(
                f"seed {seed}: {record['permuted']} of {trained} labels permuted, {wrong} of them now wrong"
                + (f"; most often {most}" if most else "")
            )


if __name__ == "__main__":
    run(main)
