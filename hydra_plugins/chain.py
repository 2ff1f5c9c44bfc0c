"""What composition of conf/ needs: the lists of rounds from `n_rounds` and the like, and no bad value past this point.

Hydra finds this folder by its name at the repository's root. Only a resolver sees the whole configuration before
DVC writes params.yaml, so the check of every parameter happens here, before anything runs or is queued.
"""

import sys
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from prunelab import config
from prunelab.core import images
from prunelab.errors import UserError


def derive(name: str, *, _root_: DictConfig) -> Any:
    """Check the whole configuration, then derive one list of rounds from it (config.DERIVED)."""
    values = OmegaConf.to_container(_root_, resolve=False)
    assert isinstance(values, dict)
    try:
        checked = config.validate({str(key): value for key, value in values.items() if key not in config.DERIVED})
        images.check_root(checked.dataset, Path(checked.data_root))
    except UserError as error:
        # Any Exception would reach the user wrapped three times over; this ends DVC with the line alone.
        raise SystemExit(f"error: {error}") from None
    return OmegaConf.create(config.DERIVED[name](checked))


def refuse_unknown_names(overrides: list[Any], cfg: DictConfig) -> None:
    """What Hydra does with `-S name=value`, but a misspelt name ends in one line that knows the right ones.

    Hydra refuses it too, before any resolver runs and with the advice to add the name by a plus sign; it has no
    hook for this, hence the replacement of one of its functions below.
    """
    for override in overrides:
        if OmegaConf.select(cfg, override.key_or_group) is None and not override.is_delete():
            raise SystemExit(f"error: {config.unknown(override.key_or_group, override.value())}")
    hydra_apply(overrides, cfg)


hydra_apply = ConfigLoaderImpl._apply_overrides_to_config
ConfigLoaderImpl._apply_overrides_to_config = staticmethod(refuse_unknown_names)  # type: ignore[method-assign]
OmegaConf.register_new_resolver("derive", derive, replace=True)
