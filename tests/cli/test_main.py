"""The command itself: help, usage errors, exit statuses."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from kyc_gate.cli.main import COMMANDS

from .conftest import Ran

STEPS = {
    "policy": ["list", "lint", "test"],
    "cases": ["list", "show", "approve", "reject"],
    "parties": ["import", "list", "missing"],
    "ledger": ["show", "import", "expire", "reevaluate", "models", "caps"],
    "report": ["case", "blocking", "remote-users", "procedures", "training-run"],
    "audit": ["verify", "export"],
}


def test_help_names_every_command(kyc_gate: Callable[..., Ran]) -> None:
    """`--help` lists each command with what it is for."""
    ran = kyc_gate("--help")
    assert ran.status == 0
    for name, entry in COMMANDS.items():
        assert f"{name} " in ran.out
        assert entry.about in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(command: str, kyc_gate: Callable[..., Ran]) -> None:
    """Each command explains itself and takes `--json`."""
    ran = kyc_gate(command, "--help")
    assert ran.status == 0
    assert "--json" in ran.out


@pytest.mark.parametrize(("command", "step"), [(command, step) for command, steps in STEPS.items() for step in steps])
def test_every_step_has_help_and_json(command: str, step: str, kyc_gate: Callable[..., Ran]) -> None:
    """Each step of a command explains itself and takes `--json`."""
    ran = kyc_gate(command, step, "--help")
    assert ran.status == 0
    assert "--json" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_module(command: str) -> None:
    """Each command's module can be imported and has the two functions that `main` calls."""
    module = importlib.import_module(f"kyc_gate.cli.{COMMANDS[command].module}")
    assert callable(module.add_arguments)
    assert callable(module.run)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "a command is missing", id="no-command"),
        pytest.param(["polcy"], "did you mean `policy`?", id="misspelt-command"),
        pytest.param(["zzz"], "the commands are serve, demo", id="unlike-any-command"),
        pytest.param(["place", "--colour"], "unrecognized arguments: --colour", id="unknown-option"),
        pytest.param(["decide"], "--policy", id="required-option"),
        pytest.param(["decide", "--policy", "us-in-force", "--input", "-", "--as-of", "soon"], "`soon`", id="bad-date"),
        pytest.param(["cases"], "STEP", id="no-step"),
    ],
)
def test_usage_errors_take_one_line_and_status_2(arguments: list[str], said: str, kyc_gate: Callable[..., Ran]) -> None:
    """A call that cannot be right is answered in one line on standard error, with status 2 and no traceback."""
    ran = kyc_gate(*arguments)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("kyc-gate: ")
    assert said in ran.err


def test_a_missing_file_takes_one_line(kyc_gate: Callable[..., Ran]) -> None:
    """A file that is not there is named in one line, with status 1."""
    ran = kyc_gate("place", "--input", "nowhere.jsonl")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "kyc-gate: `nowhere.jsonl`: no such file or directory\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    """When the reader of standard output leaves, the command stops quietly with status 141."""
    lines = '{"id": 1, "text": "Norway"}\n' * 20_000
    with subprocess.Popen(
        [sys.executable, "-m", "kyc_gate", "place", "--input", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        try:
            process.stdin.write(lines.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.wait(timeout=30) == 141
        assert process.stderr.read() == b""


def test_help_is_fast() -> None:
    """`--help` imports no command: neither aiohttp, nor starlette, nor rapidfuzz."""
    code = """
import sys
from kyc_gate.cli.main import main
try:
    main(["--help"])
except SystemExit:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"aiohttp", "starlette", "rapidfuzz", "structlog", "uvicorn", "sqlite3"}
