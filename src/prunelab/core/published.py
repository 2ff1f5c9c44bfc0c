"""Published data sets: torchvision's readers and checksums, a download where there is a network, and one clear line
where there is neither the data nor a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core.images import Images, reading
from prunelab.errors import UserError


def present(make: Callable[[bool], Any], folder: Path, files: str) -> Any:
    """A torchvision data set whose files are there, downloaded if they were not.

    Args:
        make: builds it, given whether it may download. Without, it must raise RuntimeError where files are missing
            or their checksum is wrong.
        folder: where the files belong.
        files: their names, for the message.

    Raises:
        UserError: the files are not there, or not the published ones, and cannot be downloaded.
    """
    try:
        return make(False)
    except RuntimeError:
        pass
    try:
        return make(True)
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(
            f"data_root: {folder} does not hold the published files, and downloading them failed ({reason}); "
            f"put {files} into {folder}"
        ) from None


def idx(kind: str, data_root: Path) -> Images:
    """MNIST or one of its twins in the IDX format: `data_root`/`kind`/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte.

    Args:
        kind: the name of torchvision's class, which is also the folder's.
        data_root: the folder above.
    """
    from torchvision import datasets
    from torchvision.datasets.mnist import read_image_file, read_label_file

    raw = data_root / kind / "raw"
    names = [f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    if not all((raw / name).is_file() for name in names):
        present(lambda download: getattr(datasets, kind)(data_root, download=download), raw, ", ".join(names))
    arrays = []
    for name in names:
        read = read_image_file if "images" in name else read_label_file
        with reading(str(raw / name)):
            arrays.append(read(str(raw / name)).numpy())
    x_train, y_train, x_test, y_test = arrays
    return Images(x_train[:, None], y_train, x_test[:, None], y_test, num_classes=10)


def cifar(kind: str, data_root: Path, num_classes: int) -> Images:
    """CIFAR-10 or CIFAR-100, Python version, `data_root`/cifar-10-batches-py or cifar-100-python.

    Its files are pickles; torchvision opens them only after their checksums have proved to be the published ones.
    """
    from torchvision import datasets

    cls = getattr(datasets, kind)
    folder, archive = data_root / cls.base_folder, cls.filename
    files = f"{', '.join(name for name, _ in [*cls.train_list, *cls.test_list])} (unpacked from {archive})"

    def part(train: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        found = present(lambda download: cls(data_root, train=train, download=download), folder, files)
        return found.data.transpose(0, 3, 1, 2), np.asarray(found.targets, dtype=np.int64)

    return Images(*part(True), *part(False), num_classes)
