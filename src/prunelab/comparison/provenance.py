"""Whether what lies in a run's tree is the run's own. Where a run stopped early, DVC leaves another's tables beside it.

dvc.lock holds, for each stage, from which parameters and bytes it made which. A stage is a run's own if those are the
run's parameters and what the run's own stages made before it. A run is whole if all its stages are its own and the
files that they keep in git are as they made them. Code is not held against it: tables stay its own if a figure changes.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from prunelab.errors import UserError
from prunelab.pipeline import Stage, at
from prunelab.pipeline import stages as pipeline_stages

Values = Mapping[str, Any]


class UnreadableError(Exception):
    """A file from which nothing can be told; in words to go after the run's name."""


def told(lacking: Mapping[str, str], remaining: int) -> list[str]:
    """A line for each run that is left out, to be shown beside those that remain.

    Args:
        lacking: name -> what `lacks` says of it.
        remaining: how many runs are whole.

    Raises UserError with one line on all of them if none is.
    """
    said = [f"{name} {what}" for name, what in lacking.items()]
    if said and not remaining:
        raise UserError(f"{', '.join(said)}: nothing left to show")
    return [f"{line}: left out" for line in said]


def lacks(files: Any, kinds: Collection[str] | None = None) -> str | None:
    """What the run whose tree this is lacks, such as "ran only up to corrupt"; None if it is whole.

    Args:
        files: a file system (fsspec's) with dvc.yaml, dvc.lock and params.yaml at its root.
        kinds: of stages, if it need not have others; with them those that they need.
    """
    try:
        pipeline, lock, params = (_yaml(files, name) for name in ("dvc.yaml", "dvc.lock", "params.yaml"))
        if kinds is not None:
            pipeline = {"stages": {kind: entry for kind, entry in pipeline.get("stages", {}).items() if kind in kinds}}
        return unfinished(pipeline, lock, params) or _changed(pipeline, lock, params, files)
    except UnreadableError as error:
        return str(error)
    except LookupError as error:
        return f"has no {error.args[0]} in params.yaml"


def kept(files: Any) -> list[str]:
    """What a run's own stages keep in git, such as plots/sdd: what else lies there is another's.

    Args:
        files: as for `lacks`, of a run that lacks nothing.
    """
    pipeline, params = (_yaml(files, name) for name in ("dvc.yaml", "params.yaml"))
    return [path for stage in pipeline_stages(pipeline, params) for path in stage.in_git]


def strays(files: Any, paths: Iterable[str]) -> list[str]:
    """Which of these outputs of DVC's are not those that dvc.lock names: another run's, left in the working tree.

    Args:
        files: as for `lacks`, of a run that lacks nothing.
        paths: files or folders as dvc.yaml names them.
    """
    stages = _yaml(files, "dvc.lock").get("stages", {}).values()
    made = {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
    return [path for path in paths if _md5(files, path) != made.get(path)]


def unfinished(pipeline: Values, lock: Values, params: Values) -> str | None:
    """How far a run got: None to the end.

    Args:
        pipeline: dvc.yaml, its stages in an order in which they can run.
        lock: dvc.lock.
        params: params.yaml.

    Raises LookupError if params.yaml has not what dvc.yaml names.
    """
    made: dict[str, Values] = {}
    before = None
    for stage in pipeline_stages(pipeline, params):
        entry = lock.get("stages", {}).get(stage.name)
        if entry is None or not _own(stage, entry, made, params):
            break
        made |= {out["path"]: out for out in entry.get("outs", [])}
        before = stage.name
    else:
        if before:
            return None
    return f"ran only up to {before}" if before else "ran no stage with its parameters"


def _own(stage: Stage, entry: Values, made: Mapping[str, Values], params: Values) -> bool:
    """Whether a stage's entry in dvc.lock is of this run, whose stages before it made these."""
    recorded = entry.get("params", {}).get("params.yaml", {})
    if stage.params is None:
        if recorded != params:
            return False
    elif any(name not in recorded or recorded[name] != at(params, name) for name in stage.params):
        return False
    used = {dep["path"]: dep for dep in entry.get("deps", [])}
    for path in stage.deps:
        inside = [out for other, out in made.items() if other.startswith(f"{path}/")]
        if (path in made or inside) and path not in used:
            return False
        if path in made and used[path]["md5"] != made[path]["md5"]:
            return False
        if inside and not _holds(used[path], inside):
            return False
    return True


def _holds(folder: Values, parts: list[Values]) -> bool:
    """Whether a folder can have held these, and held them alone if it had as many files.

    A folder's hash does not follow from those of its parts, its size does. More files: those of rounds that an earlier
    run had in the same working tree, which DVC counts.
    """
    files, size = (folder[name] - sum(part.get(name, 1) for part in parts) for name in ("nfiles", "size"))
    return bool(size == 0 if files == 0 else files > 0 and size > 0)


def _changed(pipeline: Values, lock: Values, params: Values, files: Any) -> str | None:
    """The first file in git that is not what a stage of a run that ran to the end made it."""
    for stage in pipeline_stages(pipeline, params):
        outs = {out["path"]: out["md5"] for out in lock["stages"][stage.name]["outs"]}
        for path in stage.in_git:
            if _md5(files, path) != outs.get(path):
                return f"lacks {path} as {stage.name} made it"
    return None


def _md5(files: Any, path: str) -> str | None:
    """As DVC has it, of a folder over the names and hashes of its files; None if there is no such file."""
    try:
        if not files.isdir(path):
            return hashlib.md5(files.read_bytes(path)).hexdigest()
        names = sorted(found.rpartition(f"{path}/")[2] for found in files.find(path))
    except OSError:
        return None
    listed = [{"md5": _md5(files, f"{path}/{name}"), "relpath": name} for name in names]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"


def _yaml(files: Any, name: str) -> Values:
    """A file as DVC reads it (1e-05 is a number); empty if there is none."""
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml  # here: it takes a second to load

    try:
        found = parse_yaml(files.read_bytes(name).decode(), name)
    except OSError:
        return {}
    except (YAMLFileCorruptedError, UnicodeDecodeError):
        raise UnreadableError(f"has a {name} that is not YAML") from None
    return found if isinstance(found, Mapping) else {}
