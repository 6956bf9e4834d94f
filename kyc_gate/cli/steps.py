"""Steps of a command, a module for each: loaded when its step is asked for, since some take a second."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast


class Step(Protocol):
    """What every step's module holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the step's arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do the step and return its exit status."""


def add_steps(parser: argparse.ArgumentParser, command: str, steps: Mapping[str, str]) -> None:
    """Add the steps of `command`, named with what they are for. `COMMAND_STEP` is the module of a step."""

    class StepParser(type(parser)):  # type: ignore[misc]
        """Takes the arguments of its step when it has some to parse."""

        step: str | None = None

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
            """Parse as ever."""
            if self.step is not None:
                _module(command, self.step).add_arguments(self)
                self.step = None
            return super().parse_known_args(args, namespace)

    found = parser.add_subparsers(dest="step", metavar="STEP", required=True, parser_class=StepParser)
    for name, about in steps.items():
        found.add_parser(name, help=about, allow_abbrev=False).step = name


def run_step(command: str, options: argparse.Namespace) -> int:
    """Do the step that was asked for and return its exit status."""
    return _module(command, options.step).run(options)


def _module(command: str, step: str) -> Step:
    return cast("Step", importlib.import_module(f"kyc_gate.cli.{command}_{step}"))
