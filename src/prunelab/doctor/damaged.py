"""Files that DVC was killed over while it wrote them; with them it does not start, or does not list its queue."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from prunelab import yaml12
from prunelab.doctor.place import Finding, Place
from prunelab.errors import UserError

ASIDE = "doctor"  # in DVC's folder for what is not an artefact: what is moved out of the way
MOVED = f"moved to .dvc/tmp/{ASIDE}"
LOCK, PARAMS = "dvc.lock", "params.yaml"
CONFLICT = b"<<<<<<< "


def found(place: Place) -> list[Finding]:
    """dvc.lock, params.yaml and the records of experiments."""
    notes = [
        Finding(f"{place.shown(file)}: {what}", partial(aside, place, file), MOVED) for file, what in _records(place)
    ]
    return [*_lock(place), *_params(place), *notes]


def aside(place: Place, file: Path) -> Path:
    """Move a file out of the way; where to."""
    folder = place.tmp / ASIDE
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / file.name, 1
    while target.exists():
        target, number = folder / f"{file.name}.{number}", number + 1
    file.rename(target)
    return target


def _lock(place: Place) -> list[Finding]:
    file = place.root / LOCK
    if not file.is_file() or _is_lock(file.read_bytes()):
        return []
    if CONFLICT in file.read_bytes():
        return [Finding(f"{LOCK}: has conflicts of a merge: `git checkout --ours {LOCK} metrics plots`, `dvc repro`")]
    text = f"{LOCK}: cut off while DVC wrote it, and DVC refuses to start"
    return [_replaced(place, file, text, _is_lock)]


def _params(place: Place) -> list[Finding]:
    file = place.root / PARAMS
    if not file.is_file() or _is_yaml(file.read_bytes()):
        return []
    text = f"{PARAMS}: is empty, cut off while `dvc exp run` wrote it"
    if not file.read_bytes().strip():
        return [_replaced(place, file, text, _is_yaml)]
    return [Finding(f"{PARAMS}: is not YAML: `git checkout {PARAMS}`, or `dvc exp run`, which writes it anew")]


def _replaced(place: Place, file: Path, text: str, is_good: Callable[[bytes], bool]) -> Finding:
    """By what git has: DVC adds dvc.lock to the index after each stage."""
    name = place.inner(file.name)
    for version in (f":{name}", f"HEAD:{name}"):
        content = place.try_git("show", version).encode(errors="surrogateescape")
        if content.strip() and is_good(content):
            return Finding(text, partial(_replace, place, file, content), "replaced by git's version")
    if file.name == LOCK:  # finished stages come back from the run-cache
        return Finding(f"{text}; git has none, and DVC makes it anew", partial(aside, place, file), MOVED)
    return Finding(f"{text}, and git has none: `dvc exp run` writes it anew")


def _replace(place: Place, file: Path, content: bytes) -> None:
    aside(place, file)
    file.write_bytes(content)


def _is_lock(content: bytes) -> bool:
    """Whether DVC would read it; an empty one it would not."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from voluptuous import MultipleInvalid

    try:
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(content.decode(), LOCK))
    except (YAMLFileCorruptedError, UnicodeDecodeError, MultipleInvalid):
        return False
    return True


def _is_yaml(content: bytes) -> bool:
    try:
        return isinstance(yaml12.parse(content, PARAMS), dict)
    except UserError:
        return False


def _records(place: Place) -> Iterator[tuple[Path, str]]:
    """JSON files of experiments and of the queue that are none, and orders to stop that a new worker would follow."""
    broker = place.exps / "celery" / "broker"
    for folder, pattern, what in (
        (place.exps, "run/*/*.run", "a record of an experiment"),
        (place.exps, "run/*/*.json", "a record of an experiment"),
        (place.exps, "standalone/run/*/*.run", "a record of an experiment"),
        (place.exps / "celery", "*.json", "a record of a queue worker"),
        (place.exps / "celery", "result/celery-task-meta-*", "a result of the queue"),
        (broker, "control/*.exchange", "an address list of the queue"),
        (broker, "*/*.msg", "a message of the queue"),
    ):
        for file in sorted(folder.glob(pattern)):
            content = _json(file)
            if content is None:
                yield file, f"{what}, cut off while DVC wrote it"
            elif folder == broker and file.parent.name == "in" and _stops(content):
                yield file, "tells a queue worker that was killed to stop, and the next would obey"


def _json(file: Path) -> Any:
    """None if it is not JSON."""
    try:
        return json.loads(file.read_bytes())
    except ValueError:
        return None


def _stops(message: Any) -> bool:
    try:
        return json.loads(base64.b64decode(message["body"]))["method"] == "shutdown"
    except (KeyError, TypeError, ValueError):
        return False
