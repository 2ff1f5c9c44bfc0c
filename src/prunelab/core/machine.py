"""What arithmetic a result was computed with: sums differ by rounding between processors, and training amplifies it."""

import os
import platform
from pathlib import Path

import numba
import torch
from llvmlite import binding

CPUINFO = Path("/proc/cpuinfo")
CHOICES = ("MKL_CBWR", "OPENBLAS_CORETYPE")  # of PyTorch's algebra, and of NumPy's and Numba's


def description() -> dict[str, str | int]:
    """Versions, the kind of processor (or GPU), and the threads of this process; equal on equal machines.

    `processor` is the maker and the vector instructions in use, which decide the order of sums; not the model. What
    makes a library sum as another processor would is in it where it is set (CHOICES). `compiled_for` is the processor
    that Numba compiles for.
    """
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    chosen = [os.environ.get(name, "") for name in CHOICES]
    kind = [_maker(), torch.backends.cpu.get_cpu_capability(), *chosen, gpu]
    return {
        "torch": torch.__version__,
        "numba": numba.__version__,
        "processor": " ".join(part for part in kind if part),
        "compiled_for": os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name(),
        "threads": torch.get_num_threads(),
    }


def _maker() -> str:
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    found = [line.split(":", 1)[1].strip() for line in lines if line.startswith("vendor_id")]
    return found[0] if found else platform.machine()
