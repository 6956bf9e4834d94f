"""Policies as commands name them: by folder, or by the name of a shipped one."""

from __future__ import annotations

from pathlib import Path

from kyc_gate.policy.read import shipped_policies


def policy_folder(name: str) -> Path:
    """Return the folder `name`, or the shipped policy of that name."""
    shipped = shipped_policies() / name
    return shipped if not Path(name).exists() and shipped.is_dir() else Path(name)


def shipped() -> list[Path]:
    """Return the folders of the shipped policies."""
    return sorted(folder.parent for folder in shipped_policies().glob("*/policy.toml"))
