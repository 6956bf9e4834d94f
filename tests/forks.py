"""Processes that start in a millisecond, with everything imported."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable


def forked(work: Callable[[], None]) -> int:
    """Do `work` in a child process and return its id. The child ends with 0, or with 1 and its traceback shown."""
    with warnings.catch_warnings():
        # Later Pythons warn of any thread beside a fork; no test that forks holds one that matters to the child.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - the child must never run the rest of the tests
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def reaped(child: int) -> int:
    """Wait for a child and return its exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
