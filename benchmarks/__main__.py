"""All of benchmarks/README.md: `uv run python -m benchmarks`, 15 minutes on two cores with nothing beside it."""

import platform

import torch

from benchmarks import convolutions, digits, epoch, growth, sparse, study
from benchmarks.table import Table


def processor() -> str:
    """Its name, as Linux gives it."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())


def measure(table: Table, repeats: int) -> None:
    """Every benchmark, the study last."""
    for part in (epoch, digits, sparse, convolutions, growth, study):
        part.measure(table, repeats)


if __name__ == "__main__":
    print(f"{processor()}, {torch.get_num_threads()} threads, Python {platform.python_version()}", end="")
    print(f", PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}\n")
    Table.command(__doc__, measure)
