"""What a stage was given must still be so when it ends: DVC records parameters, code and data as they are then.

Another terminal, an editor or a second experiment in the same folder may change them in between; what was computed
would then be recorded as that of other parameters, and never be computed again.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunelab import yaml12
from prunelab.errors import UserError

CODE = ("src", "stages", "conf")
PARAMS = Path("params.yaml")
AGAIN = "what was made is not recorded; run it again"
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Given:
    """What one stage was given: its declared parameters, and the files that no other stage makes."""

    stage: str
    params: Mapping[str, Any]  # by dotted name
    files: Mapping[str, Stamp]

    @classmethod
    def of(cls, stage: str, code: Mapping[str, Stamp]) -> "Given":
        """As it is now; of the code, as it was when it was imported."""
        pipeline, params = yaml12.load(Path("dvc.yaml")), yaml12.load(PARAMS)
        entry = pipeline["stages"][stage]
        entry = entry.get("do", entry)
        declared = [name for name in entry.get("params", []) if isinstance(name, str)]
        whole = len(declared) < len(entry.get("params", []))
        deps = [filled for dep in entry["deps"] if (filled := _filled(dep, params))]
        files = {path: stamp for path, stamp in code.items() if path.startswith(tuple(deps))}
        made = _made(pipeline)
        brought = (dep for dep in deps if not dep.startswith(CODE) and not any(_meet(dep, out) for out in made))
        files |= _stamps(brought)
        return cls(stage, dict(params) if whole else {name: yaml12.at(params, name) for name in declared}, files)

    def check(self, recorded: bool) -> None:
        """Look again.

        Args:
            recorded: whether DVC runs the stage and will record it.

        Raises:
            UserError: one line: what has changed, from what to what.
        """
        now = Given.of(self.stage, code())
        before, after = yaml12.flat(self.params), yaml12.flat(now.params)
        for name in {**before, **after}:
            if before.get(name) != after.get(name):
                was, is_ = before.get(name), after.get(name)
                raise UserError(f"{PARAMS}: {name} was {was} when {self.stage} began and is {is_} now; {AGAIN}")
        for path in sorted({*self.files} | {*now.files}):
            if recorded and self.files.get(path) != now.files.get(path):
                raise UserError(f"{path}: changed while {self.stage} ran; {AGAIN}")
        if recorded and "rounds" in now.params:
            _refuse_mixed(self.stage, now.params)


def code() -> dict[str, Stamp]:
    """Of every file of the project's code: what tells that it was changed."""
    return _stamps(folder for folder in CODE if Path(folder).is_dir())


def _refuse_mixed(stage: str, params: Mapping[str, Any]) -> None:
    """Parameters may change between two stages of one `dvc repro`, too: what came before a stage that speaks of the
    whole study must have been made with these.
    """
    lock = yaml12.load(Path("dvc.lock")).get("stages", {}) if Path("dvc.lock").exists() else {}
    for name, entry in yaml12.load(Path("dvc.yaml"))["stages"].items():
        if name == stage:
            return
        over = yaml12.at(params, entry["foreach"][2:-1]) if "foreach" in entry else None
        for made in [f"{name}@{key}" for key in over] if over is not None else [name]:
            for parameter, value in lock.get(made, {}).get("params", {}).get(str(PARAMS), {}).items():
                if value != yaml12.at(params, parameter):
                    raise UserError(
                        f"{PARAMS}: {parameter} was {value} when {made} ran and is {yaml12.at(params, parameter)} now; "
                        "run `dvc repro` again"
                    )


def _made(pipeline: Mapping[str, Any]) -> set[str]:
    """What stages make: paths up to the first `${...}`."""
    entries = [entry.get("do", entry) for entry in pipeline["stages"].values()]
    outs = [out for entry in entries for kind in ("outs", "metrics") for out in entry.get(kind, [])]
    return {(out if isinstance(out, str) else next(iter(out))).partition("${")[0] for out in outs}


def _meet(one: str, other: str) -> bool:
    """Whether one path is the other, or is in it."""
    return f"{one}/".startswith(f"{other.rstrip('/')}/") or f"{other}/".startswith(f"{one}/")


def _stamps(paths: Iterable[str]) -> dict[str, Stamp]:
    return {str(file): _stamp(file) for path in paths for file in _files(Path(path))}


def _files(path: Path) -> Iterator[Path]:
    if not os.path.isdir(path):  # which does not fail for a name that is too long
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(folder, name) for name in names)


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _filled(dep: str, params: Mapping[str, Any]) -> str | None:
    """A path of dvc.yaml without `${...}`; None if it is that of a round, which another stage makes."""
    if "${item" in dep or "${key" in dep:
        return None
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(yaml12.at(params, found[1])), dep)
