"""`kyc-gate` in processes of their own that start in milliseconds.

A server process, made before the first test, has every command imported and is forked for each run. So a run has its
own streams, environment, folder and exit status, as from a shell, without a second for the imports.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
import tempfile
import threading
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
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


class Asked(NamedTuple):
    """One run: its arguments, its environment, where it is called from, and the folder of its streams."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    place: str
    streams: str


def run(arguments: tuple[str, ...], given: bytes = b"") -> Done:
    """Run `kyc-gate` with `given` on standard input. A run that does not end is killed, and its status tells it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stream, _ in _STREAMS:
            (folder / stream).write_bytes(given if stream == "in" else b"")
        with _ONE_BY_ONE:
            _SERVER.send(Asked(arguments, dict(os.environ), str(Path.cwd()), name))
            status = _SERVER.recv()
        return Done(status, (folder / "out").read_bytes(), (folder / "err").read_bytes())


def _started() -> Connection:
    """Start the server and return the way to it. It ends when nobody can ask it any more."""
    mine, its = Pipe()

    def serve() -> None:
        mine.close()
        gc.freeze()  # what is imported is nothing to look through
        while True:
            try:
                asked = its.recv()
            except EOFError:
                return
            child = forked(lambda: _command(asked))  # noqa: B023 - it is forked here
            _kill_late(child)
            its.send(reaped(child))

    forked(serve)
    its.close()
    return mine


def _kill_late(child: int) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    pause = 0.001
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            return
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


def _command(asked: Asked) -> None:
    """Be `kyc-gate`, and exit as it does."""
    os.environ.clear()
    os.environ.update(asked.environment)
    os.chdir(asked.place)
    for number, (stream, flags) in enumerate(_STREAMS):
        opened = os.open(Path(asked.streams) / stream, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode, closefd=False), encoding="utf-8", errors=errors)
        for number, mode, errors in ((0, "rb", "strict"), (1, "wb", "strict"), (2, "wb", "backslashreplace"))
    )
    sys.argv = ["kyc-gate", *asked.arguments]
    status = 1
    try:
        status = main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


_ONE_BY_ONE = threading.Lock()
_SERVER = _started()
