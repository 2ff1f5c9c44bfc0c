"""A ticket as an ONNX model, for programs without PyTorch: raw samples in, outputs per class out, any number of them.

Input `pixels`, float32 [batch, C, H, W], or `features`, float64 [batch, D, 1, 1] (whole.py says why), normalised
inside; output `outputs`, float32 [batch, K], whose softmax are probabilities. The model's metadata has `classes` (a
JSON list of names) and `prunelab` (the ticket's description).
"""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prunelab.errors import UserError
from prunelab.tickets import batches, file
from prunelab.tickets.ticket import Ticket

NEEDS = "ONNX needs onnx, onnxruntime and onnxscript, which are not installed: uv sync --extra onnx"
PIXELS, FEATURES, OUTPUT = "pixels", "features", "outputs"
AGREE_TO = 1e-5  # of the largest output


def check_installed() -> None:
    """Raises UserError where a package is missing, before anything is computed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise UserError(NEEDS) from None


def write(path: Path, ticket: Ticket, samples: NDArray[Any]) -> float:
    """Write a ticket as ONNX; the file takes its name once ONNX Runtime agrees with PyTorch on some samples.

    Args:
        path: where to.
        ticket: what.
        samples: raw pixels [N, C, H, W], or features [N, D, 1, 1], at least one.

    Returns:
        The largest difference of an output, as a share of the largest output.

    Raises:
        UserError: packages are missing, or that share is above AGREE_TO; then nothing is written.
    """
    check_installed()
    network = ticket.plain_network()
    given, kind = (PIXELS, torch.float32) if ticket.features is None else (FEATURES, torch.float64)
    pixels = torch.from_numpy(np.ascontiguousarray(samples)).to(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own
        program = torch.onnx.export(
            network,
            # Two samples: a size of one would be taken for a constant.
            (torch.zeros(2, *ticket.sample_shape, dtype=kind),),
            dynamo=True,
            verbose=False,
            input_names=[given],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    assert program is not None
    program.model.metadata_props["classes"] = json.dumps(ticket.classes, ensure_ascii=False)
    program.model.metadata_props["prunelab"] = ticket.description.model_dump_json()
    with file.replacing(path) as partial:
        program.save(str(partial), external_data=False)
        expected = batches.outputs(network, pixels).numpy()
        apart = float(np.abs(run(partial, pixels.numpy()) - expected).max() / max(float(np.abs(expected).max()), 1e-30))
        if not apart <= AGREE_TO:
            raise UserError(f"{path}: not written, ONNX Runtime's outputs differ by {apart:.2g} of the largest one")
    return apart


def run(path: Path, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """The outputs [N, K] of a model for raw samples [N, C, H, W] of its input's type, by ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    (given,) = session.get_inputs()

    def answered(batch: Tensor) -> Tensor:
        return torch.from_numpy(session.run([OUTPUT], {given.name: batch.numpy()})[0])

    found: NDArray[np.float32] = batches.outputs(answered, torch.from_numpy(pixels)).numpy()
    return found
