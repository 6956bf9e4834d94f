"""Short given names and the full ones that they stand for."""

from __future__ import annotations

from functools import cache

from kyc_gate.names.tables import lines_of

_SPELLINGS = """
abd abdul abdel abdal abdoul abdol abdur abdus
mohammed muhammad mohamed mohammad mohamad muhammed mohamud mohammod mohd muhamad mohamet mehmet mahomed
ahmed ahmad achmed ahmet
hussein hossein husain husayn hussain housein hussin
yusuf yousef youssef yusif yousuf joseph
osama usama oussama
omar umar oumar
sayed said saeed sayyid sayyed sayed syed
ibrahim ebrahim abraham
mustafa mostafa moustafa
abu abou abo
khalid khaled
hasan hassan
mahmoud mahmud mahmood
aleksandr alexander oleksandr aliaksandr alexandr
sergey sergei serhiy siarhei
yevgeny evgeny yevgeniy evgeni eugene
mikhail michael mykhailo
nikolay nikolai mykola nicholas
dmitry dmitriy dmitri dmytro
vladimir volodymyr uladzimir
andrey andrei andriy andrew
yury yuriy yuri iurii
"""
"""Given names whose romanisations differ by more than slips, and their forms in neighbouring languages."""


@cache
def _table() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in lines_of("nicknames"):
        name, *short = line.split()
        for other in short:
            found.setdefault(name, set()).add(other)
            found.setdefault(other, set()).add(name)
    for line in _SPELLINGS.strip().splitlines():
        for name in line.split():
            found.setdefault(name, set()).update(line.split())
    return {name: frozenset(others) for name, others in found.items()}


def nicknames_of(name: str) -> frozenset[str]:
    """Return the full names that a short name stands for, and the short names of a full one; mostly none."""
    return _table().get(name, frozenset())
