"""Stage scripts: read parameters, load inputs, call the library, write outputs. DVC runs them from the root.

Importing this package puts the src/ beside it first, so that a queued experiment runs the code of its own
snapshot, whatever is installed; and `run` turns an error the user can mend into one line.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))


def run(main: Callable[[], None]) -> None:
    """Call a stage's main and end the process; a UserError becomes one line and exit code 1."""
    from prunelab.errors import UserError

    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    # Outputs are complete, and nothing is left to clean up but PyTorch's modules, which takes 0.7 s.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
