"""Everything that can be said against a policy before it is used."""

from __future__ import annotations

from pathlib import Path

from kyc_gate.policy.cases import read_cases_folder
from kyc_gate.policy.read import read_folder
from kyc_gate.policy.source import Problem


def lint(folder: Path) -> list[Problem]:
    """Return every problem of the policy in `folder`, or where there is none, of the cases beside it."""
    if any(folder.glob("*.cases.toml")):
        return list(read_cases_folder(folder).problems)
    return list(read_folder(folder).problems)
