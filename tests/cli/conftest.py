"""The command line as a program runs it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import commands
import pytest

from kyc_gate.cli.main import main


class Ran(NamedTuple):
    """What one run of the command left."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Standard output, a JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def kyc_gate() -> Callable[..., Ran]:
    """Run `kyc-gate` in a process of its own, as a caller would."""

    def run(*arguments: str, given: str | bytes = "") -> Ran:
        done = commands.run(arguments, given.encode() if isinstance(given, str) else given)
        return Ran(done.status, done.out.decode(), done.err.decode())

    return run


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run `kyc-gate` in this process: as `kyc_gate` does, without a second for each start."""

    def run(*arguments: str, given: str = "") -> Ran:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8"))
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                status = main(arguments)
            except SystemExit as left:
                status = left.code if isinstance(left.code, int) else 1
        out, err = (stream.buffer.getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
        return Ran(status, out, err)

    return run
