"""The `kyc-gate` command: finds the command's module, reads its arguments, and answers errors in one line each.

Exit status: 0 when all went well, 1 when something failed or an input line was refused, 2 for a usage error,
130 after an interrupt, 141 when the reader of standard output went away.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn, Protocol, cast

from kyc_gate.cli.output import UsageError, complain
from kyc_gate.errors import KYCGateError


class Entry(NamedTuple):
    """Where a command lives and what it is for, in one line. Its module is imported only when it is called."""

    module: str
    about: str


COMMANDS = {
    "serve": Entry("serve", "run the gateway and the decision API"),
    "demo": Entry("demo", "run a sample cloud behind the gate and send it five requests"),
    "decide": Entry("decide", "decide requests from a file under a policy, without a store"),
    "screen": Entry("screen", "compare names with restricted-party lists"),
    "lists": Entry("lists", "pull, check, compare and carry restricted-party lists"),
    "rescreen": Entry("rescreen", "screen a book of parties again after lists or parties changed"),
    "place": Entry("place", "find the country that a text names"),
    "owners": Entry("owners", "build the LEI register, and show who stands behind an entity"),
    "estimate": Entry("estimate", "estimate the operations that machines can perform"),
    "policy": Entry("policy", "lint and test policies"),
    "cases": Entry("cases", "work on cases: take, note, ask, propose, approve, reject"),
    "access": Entry("access", "say who may sign in and what they may do, and make keys"),
    "broker": Entry("broker", "issue and take back keys that customers sign with"),
    "parties": Entry("parties", "import and list parties and their accounts"),
    "log": Entry("log", "show, search and export lines of the log"),
    "ledger": Entry("ledger", "show what control groups have used"),
    "report": Entry("report", "draft reports from stored facts"),
    "audit": Entry("audit", "verify and export the audit chain"),
    "notify": Entry("notify", "show what waits to be told, and send dead letters again"),
    "doctor": Entry("doctor", "check versions, configuration, store, lists, policy and clock"),
}


class Command(Protocol):
    """What every command's module holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do the work and return the exit status."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line and point at the help."""

    def error(self, message: str) -> NoReturn:
        """Print the error in one line and exit with status 2."""
        self.exit(2, f"kyc-gate: {message}; see `{self.prog} --help`\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    return status


def _run(given: list[str]) -> int:
    """Parse and run; errors of the caller become lines on standard error."""
    name = given[0] if given else None
    if name is None or name not in COMMANDS:
        return _without_command(name, given)
    command = cast("Command", importlib.import_module(f"kyc_gate.cli.{COMMANDS[name].module}"))
    parser = Parser(prog=f"kyc-gate {name}", description=f"{COMMANDS[name].about}.", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, whatever reads it")
    command.add_arguments(parser)
    options = parser.parse_args(given[1:])
    try:
        return command.run(options)
    except UsageError as error:
        parser.error(str(error))
    except KYCGateError as error:
        complain(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(_os_error(error))
    return 1


def _os_error(error: OSError) -> str:
    """Return an error of the operating system in one line, with the file that it is about."""
    what = (error.strerror or str(error)).lower()
    return f"`{error.filename}`: {what}" if error.filename else what


def _without_command(name: str | None, given: list[str]) -> int:
    """Answer a call that names no command: help, version, or what was probably meant."""
    parser = Parser(
        prog="kyc-gate",
        description="Know-Your-Customer screening for infrastructure clouds.",
        epilog="`kyc-gate COMMAND --help` explains a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="kyc-gate")
    for known, entry in COMMANDS.items():
        commands.add_parser(known, help=entry.about)
    if name is None:
        parser.error("a command is missing")
    if not name.startswith("-"):
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"the commands are {', '.join(COMMANDS)}"
        parser.error(f"unknown command `{name}`; {hint}")
    parser.parse_args(given)
    parser.error("a command is missing")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"kyc-gate {version('kyc-gate')}"
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "kyc-gate, not installed"


if __name__ == "__main__":
    sys.exit(main())
