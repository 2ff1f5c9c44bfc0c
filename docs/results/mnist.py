"""Redraw docs/results/mnist.png and its table from docs/results/mnist/*.csv.

With `--collect`, first take those files anew from the experiments of the same names in this repository (the commands
that make them are in docs/results/README.md). Experiments without a file are left out.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt

from prunelab import byround, regimes, style
from prunelab.comparison import runs
from prunelab.core import artifacts
from prunelab.studies.sdd import places

HERE = Path(__file__).resolve().parent
# Experiment, label, colour, line; one panel each for noise and for criterion.
NOISE = (
    ("mnist-20-magnitude", "20% noise", style.GREEN, "-."),
    ("mnist-40-magnitude", "40% noise", style.BLUE, "-"),
    ("mnist-80-magnitude", "80% noise", style.RED, "--"),
)
CRITERION = (
    ("mnist-40-magnitude", "magnitude", style.BLUE, "-"),
    ("mnist-40-gradient", "gradient", style.ORANGE, "--"),
    ("mnist-40-random", "random", style.BLACK, ":"),
)
LENS = "mnist-lens-15"


def file(name: str) -> Path:
    """Where an experiment's table is kept."""
    return HERE / "mnist" / f"{name}.csv"


def curve(name: str) -> list[artifacts.Row]:
    """The double_descent table of one experiment."""
    return artifacts.read_table(file(name))


def collect(names: list[str]) -> None:
    """Copy the tables out of the experiments' commits, of those that computed them themselves."""
    found, left_out = runs.read(names, places.NAME)
    for run in found:
        artifacts.write_text(file(run.name), run.text(str(places.CURVE)) or "")
    print("\n".join(f"note: {note}" for note in left_out))


def draw() -> None:
    """Test accuracy above, train accuracy below; noise on the left, criteria on the right."""
    figure, grid = plt.subplots(2, 2, figsize=(7.6, 5.4), sharex=True, sharey="row")
    titles = ("magnitude pruning, by label noise", "40% label noise, by criterion")
    corners = ("lower right", "lower left")  # where no curve passes
    for (upper, lower), shown, title, corner in zip(grid.T, (NOISE, CRITERION), titles, corners, strict=True):
        for name, label, color, line in (run for run in shown if file(run[0]).exists()):
            rows = curve(name)
            style.band(upper, rows, "remaining", "test_last", color, linestyle=line, label=label)
            style.band(lower, rows, "remaining", "train", color, linestyle=line)
            train = byround.mean(rows, "train")
            sparsity = regimes.pruning_efficacy(train, byround.mean(rows, "sparsity"))
            place = next(row for row in rows if abs(row["sparsity"] - sparsity) < 1e-9)
            lower.plot(place["remaining"], place["train"], "o", color=color, markersize=5)
        upper.set_title(title)
        upper.legend(loc=corner, fontsize=8)
        style.sparsity_axis(lower, rows)
    style.accuracy_axis(grid[0, 0], "test accuracy, last epoch (%)")
    style.accuracy_axis(grid[1, 0], "train accuracy (%)")
    figure.suptitle("Sparse double descent on MNIST: LeNet-300-100, 40 epochs a round, rewind to initialisation")
    text = "One replicate: no bands. Dots: pruning efficacy, the highest sparsity before train accuracy is hurt."
    figure.supxlabel(text, fontsize=7.5, color="#555555", x=0.01, ha="left")
    style.save(figure, HERE / "mnist")


def row(name: str) -> str:
    """One line of the table, in Markdown."""
    rows = curve(name)
    columns = ("train", "test_last", "test_best", "validation", "sparsity")
    train, last, best, validation, sparsity = (byround.mean(rows, c) for c in columns)
    named = regimes.named_models(last, best, validation)
    cells = [f"{100 * last[0]:.1f}"]
    cells += [f"{100 * last[named[m]]:.1f} at {100 * sparsity[named[m]]:.2f}%" for m in ("valley", "sweet_spot")]
    cells.append(f"{100 * regimes.pruning_efficacy(train, sparsity):.2f}%")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Draw, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--collect", action="store_true", help="first take the tables from the experiments")
    names = list(dict.fromkeys(run[0] for run in NOISE + CRITERION))
    if arguments.parse_args().collect:
        collect([*names, LENS])
    draw()
    print("| experiment | dense | valley | sweet spot | pruning efficacy |\n|---|---|---|---|---|")
    print("\n".join(row(name) for name in names if file(name).exists()))
    rows = curve(LENS)
    best = max(rows, key=lambda r: r["validation"])
    print(f"\n{LENS}: test error {100 - 100 * rows[0]['test_last']:.1f}% dense,", end=" ")
    print(f"{100 - 100 * best['test_last']:.1f}% at {100 * best['sparsity']:.2f}% sparsity (best validation)")


if __name__ == "__main__":
    main()
