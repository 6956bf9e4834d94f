"""`kyc-gate` in processes of their own that start in milliseconds.

Each run is forked from the process of the tests. So it has its own streams, environment, folder and exit status, as
from a shell, without a second for the imports.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from forks import forked, reaped

from kyc_gate.cli.main import COMMANDS, main

for _entry in COMMANDS.values():
    importlib.import_module(f"kyc_gate.cli.{_entry.module}")

LONGEST_SECONDS = 120
"""How long a run may take."""

_STREAMS = (("in", os.O_RDONLY), ("out", os.O_WRONLY), ("err", os.O_WRONLY))


class Done(NamedTuple):
    """What one run left."""

    status: int
    out: bytes
    err: bytes


def run(arguments: tuple[str, ...], given: bytes = b"") -> Done:
    """Run `kyc-gate` with `given` on standard input. A run that does not end is killed, and its status tells it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stream, _ in _STREAMS:
            (folder / stream).write_bytes(given if stream == "in" else b"")
        child = forked(lambda: _command(arguments, folder))
        _kill_late(child)
        return Done(reaped(child), (folder / "out").read_bytes(), (folder / "err").read_bytes())


def _kill_late(child: int) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    pause = 0.001
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            return
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


def _command(arguments: tuple[str, ...], folder: Path) -> None:
    """Be `kyc-gate`, and exit as it does."""
    gc.freeze()  # what the tests hold is nothing to look through
    for number, (stream, flags) in enumerate(_STREAMS):
        opened = os.open(folder / stream, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode, closefd=False), encoding="utf-8", errors=errors)
        for number, mode, errors in ((0, "rb", "strict"), (1, "wb", "strict"), (2, "wb", "backslashreplace"))
    )
    sys.argv = ["kyc-gate", *arguments]
    status = 1
    try:
        status = main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
