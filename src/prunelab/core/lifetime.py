"""Processes that end when the one that started them does: they would work on for nobody."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however.

    To be exact, when the thread ends that started it, which is the one that waits for it.

    Args:
        parent: its number, as the caller knew it; if it has ended already, this process ends here.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before it was asked
        os._exit(1)
