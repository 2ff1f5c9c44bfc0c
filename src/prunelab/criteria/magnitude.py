"""Magnitude: |w| of the trained weight (SDD 3.2)."""

from prunelab.core.pruning.subject import Scores, Subject


def score(subject: Subject) -> Scores:
    """The smallest weights go first."""
    return {name: weight.abs() for name, weight in subject.weights().items()}
