"""`kyc-gate policy`: one module for each step."""

from __future__ import annotations

import argparse
from typing import Protocol

from kyc_gate.cli import (
    policy_backtest,
    policy_bundle,
    policy_diff,
    policy_explain,
    policy_fmt,
    policy_keygen,
    policy_lint,
    policy_list,
    policy_pull,
    policy_rollback,
    policy_rollout,
    policy_schema,
    policy_shadow,
    policy_sign,
    policy_test,
    policy_verify,
)


class Step(Protocol):
    """What every step's module holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the step's arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do the step and return its exit status."""


_STEPS: dict[str, tuple[Step, str]] = {
    "list": (policy_list, "list the shipped policies with status, modes and grades"),
    "lint": (policy_lint, "report every problem in policies, all at once"),
    "test": (policy_test, "run the cases beside policies"),
    "explain": (policy_explain, "say why a decision is what it is, and what would change it"),
    "fmt": (policy_fmt, "lay out policy and case files in one way, with their comments"),
    "schema": (policy_schema, "print a JSON Schema for editors, or the facts that conditions may name"),
    "diff": (policy_diff, "say how two policies differ; status 3 stricter, 4 more lenient, 5 not proven"),
    "backtest": (policy_backtest, "decide what is on record again under a candidate; status as for `diff`"),
    "bundle": (policy_bundle, "pack policies, what they extend and the data as one file"),
    "sign": (policy_sign, "add a signature to a bundle"),
    "verify": (policy_verify, "check a bundle whole: files, signatures, cases"),
    "pull": (policy_pull, "fetch a bundle if it changed, and verify it"),
    "shadow": (policy_shadow, "ask a candidate about every decision, and let it decide none"),
    "rollout": (policy_rollout, "let a candidate decide for a part of the parties"),
    "rollback": (policy_rollback, "take a rollout back at once"),
    "keygen": (policy_keygen, "make a key to sign bundles with"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    for name, (module, about) in _STEPS.items():
        module.add_arguments(steps.add_parser(name, help=about, allow_abbrev=False))


def run(options: argparse.Namespace) -> int:
    """Do the step and return its exit status."""
    return _STEPS[options.step][0].run(options)
