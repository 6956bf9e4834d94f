"""`kyc-gate ledger`: one module for each step."""

from __future__ import annotations

import argparse

from kyc_gate.cli.steps import add_steps, run_step

_STEPS = {
    "show": "show operations per control group",
    "import": "end runs as events tell: CloudTrail or EventBridge",
    "expire": "let a hold lapse whose outcome nobody will know",
    "reevaluate": "decide again on every run that goes on",
    "caps": "set installed chips against the rule's caps",
    "models": "list the models that runs said they make",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_steps(parser, "ledger", _STEPS)


def run(options: argparse.Namespace) -> int:
    """Do the step and return its exit status."""
    return run_step("ledger", options)
