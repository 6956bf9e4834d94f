"""Short given names and the full ones that they stand for."""

from __future__ import annotations

from functools import cache

from kyc_gate.names.tables import lines_of


@cache
def _table() -> dict[str, frozenset[str]]:
    # Spellings: two systems for Korean, Cantonese and Mandarin, Arabic as each country hears it, Slavic neighbours.
    found: dict[str, set[str]] = {}
    for line in lines_of("nicknames"):
        name, *short = line.split()
        for other in short:
            found.setdefault(name, set()).add(other)
            found.setdefault(other, set()).add(name)
    for line in lines_of("spellings"):
        for name in line.split():
            found.setdefault(name, set()).update(line.split())
    return {name: frozenset(others) for name, others in found.items()}


def nicknames_of(name: str) -> frozenset[str]:
    """Return the full names that a short name stands for, and the short names of a full one; mostly none."""
    return _table().get(name, frozenset())
