"""Make the stored numbers anew and print what moved: `uv run python -m tests.golden`. Then read the difference."""

import json
from pathlib import Path

import torch

from tests.golden import compare, pipeline, studies

HERE = Path(__file__).parent
MAKERS = {"numbers.json": studies.numbers, "tables.json": pipeline.tables}


def stored(name):
    """What was written last; nothing the first time."""
    path = HERE / name
    return json.loads(path.read_text()) if path.exists() else {}


def written(value, depth=0):
    """JSON with a line for each number or column, floats with eight significant digits."""
    if isinstance(value, dict) and value and not (depth and set(value) == {"shape", "bytes"}):
        pad = " " * (depth + 1)
        rows = (f"{pad}{json.dumps(key)}: {written(part, depth + 1)}" for key, part in value.items())
        return "{\n" + ",\n".join(rows) + "\n" + " " * depth + "}"
    return json.dumps(rounded(value))


def rounded(value):
    """Floats with eight significant digits."""
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def main():
    """A file is written anew if anything in it moved by more than it may."""
    torch.set_num_threads(1)
    for name, make in MAKERS.items():
        new, old = make(), stored(name)
        moved = list(compare.differences(old, new, compare.TOLERANCE[name]))
        print(f"{name}: {len(moved)} moved")
        for line in moved:
            print(f"  {line}")
        if moved:
            (HERE / name).write_text(written(new) + "\n")


if __name__ == "__main__":
    main()
