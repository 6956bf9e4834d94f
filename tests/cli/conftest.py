"""The command line as a program runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest


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
        done = subprocess.run(
            [sys.executable, "-m", "kyc_gate", *arguments],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
