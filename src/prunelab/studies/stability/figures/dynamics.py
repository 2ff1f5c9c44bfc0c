"""How accuracy goes while filters are pruned: every event shows as a drop (the paper's Fig. 2, left)."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.stability.figures import marks
from prunelab.studies.stability.parameters import NONE, SCRATCH
from prunelab.studies.stability.shown import Run


def draw(run: Run, subtitle: str) -> Figure | None:
    """Test accuracy above, train accuracy below; None without a pruned arm."""
    pruned = run.three or style.spread(run.pruned, 3)
    arms = [*(name for name in (NONE, SCRATCH) if name in run.names), *pruned]
    if not pruned or not run.tables.get("dynamics"):
        return None
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(8.2, 5.2), sharex=True, gridspec_kw={"height_ratios": [1.5, 1]}
    )
    for axes, column in ((upper, "test_accuracy"), (lower, "train_accuracy")):
        for arm in arms:
            marks.line(axes, run, arm, marks.course(run, arm, column), "epoch", "percent")
    upper.set_ylabel("test accuracy (%)")
    lower.set_ylabel("train accuracy (%)")
    lower.set_xlabel("epoch")
    epochs = [row["epoch"] for arm in arms for row in marks.rows_of(run, "events", arm)]
    for axes in (upper, lower):
        axes.margins(x=0.01)
        if epochs:
            axes.axvspan(min(epochs), max(epochs), color="#f4f1e6", linewidth=0, zorder=0)
    marks.legend(figure, run, arms, lines=True)
    style.title(figure, f"Accuracy while {run.settings.structure} are pruned (S1, S3)", subtitle)
    style.caption(
        figure,
        len(run.seeds),
        "Above, an epoch with an event has two values: before and after it. Shaded: from the first event to the last. "
        "Train accuracy: on the labels that training uses, in evaluation mode.",
    )
    return figure
