"""`kyc-gate policy`: one module for each step."""

from __future__ import annotations

import argparse

from kyc_gate.cli.steps import add_steps, run_step

_STEPS = {
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
    """Add the command's arguments."""
    add_steps(parser, "policy", _STEPS)


def run(options: argparse.Namespace) -> int:
    """Do the step and return its exit status."""
    return run_step("policy", options)
