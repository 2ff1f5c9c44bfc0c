"""Stage scripts: read parameters, load inputs, call the library, write outputs. DVC runs them from the root.

Importing this package puts the src/ beside it first, so that a queued experiment runs the code of its own
snapshot, whatever is installed; and `run` turns an error the user can mend into one line.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from prunelab import warm

warm.hand_over()  # before anything that takes long to import

from prunelab import config, errors, meanwhile
from prunelab.core import lifetime
from prunelab.errors import UserError


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of a traceback, one line, if it is nobody's mistake in the code: also while a stage is imported."""
    if kind is KeyboardInterrupt:
        print("error: interrupted; the same command goes on from the last finished stage", file=sys.stderr, flush=True)
        # At once: what libraries do when Python ends, they would do half-imported.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    if said := errors.line(error):
        print(f"error: {said}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _end
CODE = meanwhile.code()  # as it is when the first of it is imported


def round_name(about: str | None, rounds: Mapping[str, str]) -> str:
    """The round a stage is to make: DVC says it in DVC_STAGE ("prune@r07"), one who runs it by hand with --round r07.

    Args:
        about: what the stage does, for --help.
        rounds: those that there are (config.rounds_of).

    Raises:
        UserError: no round is given, or not one of these.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--round", default=os.environ.get("DVC_STAGE", "").partition("@")[2], help="such as r07")
    given = str(parser.parse_args().round)
    if given not in rounds:
        known = ", ".join(rounds) or "none, with these parameters"
        raise UserError(f"--round {given}: must be one of {known}")
    return given


def begin(stage: str) -> meanwhile.Given:
    """What a stage is given; every parameter is checked first, before anything that they name is looked at."""
    config.read(stage)
    return meanwhile.Given.of(stage, CODE)


def run(main: Callable[[], None]) -> None:
    """Call a stage's main and end the process; what the user or the machine did wrong becomes one line and status 1."""
    stage = Path(main.__globals__["__file__"]).stem
    under_dvc = os.environ.get("DVC_STAGE", "").partition("@")[0] == stage
    try:
        if under_dvc:
            lifetime.end_with(os.getppid())
        before = begin(stage)
        main()
        before.check(under_dvc)
    except UserError as error:
        sys.exit(f"error: {error}")
    # Outputs are complete, and nothing is left to clean up but PyTorch's modules, which takes 0.7 s.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
