"""Learning rates, one per iteration, computed before training starts."""

from collections.abc import Sequence


def stepped(
    epochs: int, steps: int, lr: float, milestones: Sequence[int], gamma: float, warmup_epochs: int
) -> list[float]:
    """The original schedule (SDD A.1): linear warm-up to `lr`, then times `gamma` after each milestone epoch.

    Args:
        epochs: length of the run.
        steps: iterations in an epoch.
        lr: the rate after warm-up.
        milestones: numbers of finished epochs at which the rate drops.
        gamma: the factor of each drop.
        warmup_epochs: over these the rate rises linearly; iteration i uses lr * (i + 1) / (warmup_epochs * steps).

    Returns:
        One rate for each of epochs * steps iterations.
    """
    warmup = warmup_epochs * steps
    return [
        lr * gamma ** sum(i // steps >= m for m in milestones) * min(1.0, (i + 1) / warmup if warmup else 1.0)
        for i in range(epochs * steps)
    ]


def constant(epochs: int, steps: int, lr: float) -> list[float]:
    """The same rate throughout: `finetune` and re-dense training."""
    return [lr] * (epochs * steps)


def for_part(rates: Sequence[float], part_steps: int) -> list[float]:
    """A run's rates for training on a part of its examples: the same update by update (Lens E).

    Args:
        rates: of the whole run, one per iteration.
        part_steps: iterations in an epoch of the part.

    Returns:
        Rates of as many whole epochs of the part as come nearest to the whole run's number of updates, one at least;
        beyond that number, its last rate. So milestones come after the same number of updates.
    """
    epochs = max(1, round(len(rates) / part_steps))
    length = epochs * part_steps
    return [*rates[:length], *[rates[-1]] * (length - len(rates))]
