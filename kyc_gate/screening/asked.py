"""What is known of a party when it is screened."""

from __future__ import annotations

from kyc_gate.model.listing import Identifier
from kyc_gate.model.party import PartyKind
from kyc_gate.model.record import Record


class Asked(Record):
    """The names of one party, and what else may tell it from another of the same name.

    `hosts` are web and mail addresses or bare host names. Equal questions have equal answers in one snapshot.
    """

    names: tuple[str, ...]
    country: str | None = None
    kind: PartyKind = PartyKind.UNKNOWN
    identifiers: tuple[Identifier, ...] = ()
    hosts: tuple[str, ...] = ()
    address: str = ""
