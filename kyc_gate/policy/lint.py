"""Everything that can be said against a policy before it is used."""

from __future__ import annotations

from pathlib import Path

from kyc_gate.policy.read import read_folder
from kyc_gate.policy.source import Problem


def lint(folder: Path) -> list[Problem]:
    """Return every problem of the policy in `folder`: what keeps it from being read, then what its cases miss."""
    return list(read_folder(folder).problems)
