"""What composition of conf/ needs: the lists of rounds from `n_rounds` and the like, and no bad value past this point.

Hydra finds this folder by its name at the repository's root. Only a resolver sees the whole configuration before
DVC writes params.yaml, so the check of every parameter happens here, before anything runs or is queued.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from prunelab import config, overrides, presets
from prunelab.core import sources
from prunelab.errors import UserError

NOT_CHECKED = (*config.DERIVED, "hydra")  # Hydra's own settings
ROOT = Path(__file__).resolve().parent.parent


def derive(name: str, *, _root_: DictConfig) -> Any:
    """Check the whole configuration, then derive one list of rounds from it (config.DERIVED)."""
    values = OmegaConf.to_container(_root_, resolve=False)
    assert isinstance(values, dict)
    try:
        checked = config.validate({str(key): value for key, value in values.items() if key not in NOT_CHECKED})
        if name == next(iter(config.DERIVED)):  # once is enough for what looks at files
            sources.check_root(checked.dataset, Path(checked.data_root))
            check_place(checked, values)
    except UserError as error:
        # Any Exception would reach the user wrapped three times over; this ends DVC with the line alone.
        raise SystemExit(f"error: {error}") from None
    return OmegaConf.create(config.DERIVED[name].derive(checked))


def check_place(checked: config.Config, values: dict[Any, Any]) -> None:
    """What would keep `dvc exp run --temp` and `--queue` from running this here. Raises UserError with one line."""
    if "exp" not in sys.argv or not {"--temp", "--queue"} & set(sys.argv):
        return
    from prunelab.sweeps import checks  # here: most runs are not in a clone

    checks.path(ROOT)
    checks.in_git({**values, **config.derived(checked)}, ROOT)


def load_configuration(loader: ConfigLoaderImpl, **asked: Any) -> DictConfig:
    """What Hydra does, but what is wrong with a `-S name=value` ends in one line that says what is right.

    Hydra refuses it too, before any resolver runs, and in many words about itself; it has no hook for this, hence the
    replacement of one of its functions below.
    """
    given = asked["overrides"]
    try:
        if Path(sys.argv[0]).name == "dvc" and Path.cwd() != ROOT:
            raise UserError(
                f"DVC writes params.yaml to the folder in which it is started: `cd {shlex.quote(str(ROOT))}`"
            )
        overrides.check(overrides.parse(given), ROOT)
        # Every study's section is there, whether the study is chosen or not.
        sections = f"study=[{','.join(presets.sections(ROOT))}]"
        composed = hydra_load(loader, **{**asked, "overrides": [sections, *given]})
        if any("$" in text for text in given):
            resolve(composed)
        return composed
    except UserError as error:
        raise SystemExit(f"error: {error}") from None
    except (HydraException, OmegaConfBaseException) as error:
        said = next(line for line in [*str(error).splitlines(), type(error).__name__] if line.strip())
        named = " ".join(given).replace(r"\{", "{").replace(r"\}", "}")  # as it was written
        raise SystemExit(f"error: {named}: {said}") from None


def resolve(composed: DictConfig) -> None:
    """Look whether what a value refers to is there; DVC looks too, later, and says it in several lines."""
    for name in composed:
        if name not in NOT_CHECKED and OmegaConf.is_config(composed[name]):  # a single value is resolved by asking
            OmegaConf.to_container(composed[name], resolve=True)


hydra_load = ConfigLoaderImpl.load_configuration
ConfigLoaderImpl.load_configuration = load_configuration  # type: ignore[method-assign, assignment]
OmegaConf.register_new_resolver("derive", derive, replace=True)
