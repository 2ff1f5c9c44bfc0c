"""The parameters that only this study has; conf/study/labels.yaml explains each."""

from typing import Any

from prunelab import studies
from prunelab.fields import Derived, Section, whole

ROUNDS, EARLY = False, True


class Suspects(Section):
    """`suspects.*`: which labels are probably wrong, and how many."""

    folds: int = whole(2, 1000)
    shown: int = whole(1, 1000)


def labels_reads(config: Any) -> dict[str, str]:
    """What labels_draw looks at beside the early ensemble: the pruning chain, if a study makes one."""
    chain = any(studies.parameters(name).ROUNDS for name in config.studies)
    return {"labels": "data/rounds" if chain else "data/early"}


PARAMETERS = {"suspects": Suspects}
DERIVED = {"labels_reads": Derived(labels_reads, "studies")}
