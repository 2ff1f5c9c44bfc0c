"""What arithmetic a result was computed with: sums differ by rounding between processors, and training amplifies it."""

import os
import platform
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


def description() -> dict[str, str | int]:
    """PyTorch's version, the kind of processor (or GPU), and the threads of this process; equal on equal machines.

    `processor` is the maker and the vector instructions in use, which decide the order of sums; not the model.
    `MKL_CBWR` is in it where it is set: it makes MKL sum as another processor would.
    """
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    kind = [_maker(), torch.backends.cpu.get_cpu_capability(), os.environ.get("MKL_CBWR", ""), gpu]
    return {
        "torch": torch.__version__,
        "processor": " ".join(part for part in kind if part),
        "threads": torch.get_num_threads(),
    }


def _maker() -> str:
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    found = [line.split(":", 1)[1].strip() for line in lines if line.startswith("vendor_id")]
    return found[0] if found else platform.machine()
