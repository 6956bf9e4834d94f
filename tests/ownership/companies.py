"""Parties in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kyc_gate.model.party import Owner, Party, UltimateParent


def party(id: str, *owners: tuple[str, str], parent: UltimateParent | None = None, known: bool = True) -> Party:
    """Return a party with owners given by id and share."""
    held = tuple(Owner(name=name, party_id=name, share=Decimal(share)) for name, share in owners)
    return Party(id=id, name=id.upper(), owners=held if known else None, ultimate_parent=parent)


def on_file(*parties: Party) -> dict[str, Party]:
    """Return parties by id."""
    return {each.id: each for each in parties}


def owned(holdings: Mapping[str, Mapping[str, Decimal]]) -> dict[str, Party]:
    """Return parties by id, owned as the table says."""
    return on_file(
        *(
            Party(
                id=id,
                name=id,
                owners=tuple(Owner(name=owner, party_id=owner, share=share) for owner, share in held.items()),
            )
            for id, held in holdings.items()
        )
    )


def is_x(holder: Owner | Party) -> bool:
    """Whether the holder is the listed one."""
    return holder.name.lower() == "x"
