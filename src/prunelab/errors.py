"""The exception that is meant for the user's eyes, and the line for those that the machine has to answer for."""

import sqlite3

# As PyTorch says it, and the loader of shared libraries.
NO_MEMORY = ("can't allocate memory", "cannot allocate memory", "out of memory", "failed to map segment")


class UserError(Exception):
    """Something the user gave is wrong; the message is one line that says what, and what is allowed."""


def short(value: object, most: int = 60) -> str:
    """A value as a line can hold it: as Python writes it, and only the beginning of what is long."""
    return cut(repr(value), most)


def cut(text: str, most: int = 60) -> str:
    """Text as a line can hold it: what does not print is escaped, and of what is long there is only the beginning."""
    letters = text if len(text) <= most else f"{text[: most - 20]}... ({len(text)} letters)"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in letters)


def line(error: BaseException) -> str | None:
    """What to tell the user, in one line: what he gave is wrong, or the machine has no room. None: our mistake.

    PyTorch says that there is no memory by a RuntimeError of many lines.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        where = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
        return f"{where}: {reason}" if where else reason
    said = " ".join(str(error).split())
    if isinstance(error, sqlite3.OperationalError):
        return f"DVC's own database, in its site_cache_dir: {said}"
    if isinstance(error, MemoryError) or any(words in said.lower() for words in NO_MEMORY):
        return f"not enough memory ({said[:160] or 'no more is allowed to this process'})"
    if isinstance(error, RuntimeError) and "can't start new thread" in said:
        return "no more processes or threads are allowed to this user (ulimit -u)"
    return None
