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

from prunelab import pipeline, yaml12
from prunelab.core import digests
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
        kinds, params = pipeline.load(), yaml12.load(PARAMS)
        named, declared = pipeline.given(kinds[stage], kinds)
        deps = [filled for dep in named if (filled := _filled(dep, params))]
        files = {path: stamp for path, stamp in code.items() if path.startswith(tuple(deps))}
        made = {out.partition("${")[0] for kind in kinds.values() for out in kind.outs}
        brought = (dep for dep in deps if not dep.startswith(CODE) and not any(_meet(dep, out) for out in made))
        files |= _stamps(brought)
        read = dict(params) if declared is None else {name: yaml12.at(params, name) for name in declared}
        return cls(stage, read, files)

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
    for made in pipeline.stages(yaml12.load(Path(pipeline.FILE)), params):
        if made.kind == stage:
            return
        for parameter, value in lock.get(made.name, {}).get("params", {}).get(str(PARAMS), {}).items():
            now = yaml12.at(params, parameter)
            if value != now:
                was = f"{parameter} was {value} when {made.name} ran and is {now} now"
                raise UserError(f"{PARAMS}: {was}; run `dvc repro` again")


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


def given(stage: str) -> dict[str, Any]:
    """What a stage is given but for data, to be kept beside what it makes: parameters, and a digest of the library."""
    kinds, params = pipeline.load(), yaml12.load(PARAMS)
    deps, declared = pipeline.given(kinds[stage], kinds)
    files = [file for dep in deps if dep.startswith("src/") for file in _files(Path(str(_filled(dep, params))))]
    return {
        "params": {name: yaml12.at(params, name) for name in declared or params},
        "code": {str(file): digests.of(file) for file in sorted(files)},
    }
