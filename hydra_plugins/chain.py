"""What composition of conf/ needs: the `rounds` chain from `n_rounds`, and no bad value past this point.

Hydra finds this folder by its name at the repository's root. Only a resolver sees the whole configuration before
DVC writes params.yaml, so the check of every parameter happens here, before anything runs or is queued.
"""

import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from prunelab import config

DERIVED = ("rounds", "redense_rounds")


def chain(n_rounds: Any, *, _root_: DictConfig) -> DictConfig:
    """Check the whole configuration, then list the rounds with their parents."""
    values = OmegaConf.to_container(_root_, resolve=False)
    assert isinstance(values, dict)
    checked = config.validate({str(key): value for key, value in values.items() if key not in DERIVED})
    return OmegaConf.create(config.round_chain(checked.n_rounds))


def redense_rounds(n_rounds: Any, every: Any) -> ListConfig:
    """List the rounds to re-dense; bad numbers are `chain`'s to report."""
    numbers = type(n_rounds) is int and type(every) is int
    return OmegaConf.create(config.redense_rounds(n_rounds, every) if numbers else [])


OmegaConf.register_new_resolver("chain", chain, replace=True)
OmegaConf.register_new_resolver("redense_rounds", redense_rounds, replace=True)
