"""`kyc-gate policy`: one module for each step."""

from __future__ import annotations

import argparse
import importlib
from typing import Any, Protocol, cast


class Step(Protocol):
    """What every step's module holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the step's arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do the step and return its exit status."""


_STEPS: dict[str, str] = {
    "list": "list the shipped policies with status, modes and grades",
    "lint": "report every problem in policies, all at once",
    "test": "run the cases beside policies",
    "explain": "say why a decision is what it is, and what would change it",
    "fmt": "lay out policy and case files in one way, with their comments",
    "schema": "print a JSON Schema for editors, or the facts that conditions may name",
    "diff": "say how two policies differ; status 3 stricter, 4 more lenient, 5 not proven",
    "backtest": "decide what is on record again under a candidate; status as for `diff`",
    "bundle": "pack policies, what they extend and the data as one file",
    "sign": "add a signature to a bundle",
    "verify": "check a bundle whole: files, signatures, cases",
    "pull": "fetch a bundle if it changed, and verify it",
    "shadow": "ask a candidate about every decision, and let it decide none",
    "rollout": "let a candidate decide for a part of the parties",
    "rollback": "take a rollout back at once",
    "keygen": "make a key to sign bundles with",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments. A step's module is loaded when its step is asked for: some take a second."""

    class StepParser(type(parser)):  # type: ignore[misc]
        """Takes the arguments of its step when it has some to parse."""

        step: str | None = None

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
            """Parse as ever."""
            if self.step is not None:
                _module(self.step).add_arguments(self)
                self.step = None
            return super().parse_known_args(args, namespace)

    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True, parser_class=StepParser)
    for name, about in _STEPS.items():
        steps.add_parser(name, help=about, allow_abbrev=False).step = name


def run(options: argparse.Namespace) -> int:
    """Do the step and return its exit status."""
    return _module(options.step).run(options)


def _module(step: str) -> Step:
    return cast("Step", importlib.import_module(f"kyc_gate.cli.policy_{step}"))
