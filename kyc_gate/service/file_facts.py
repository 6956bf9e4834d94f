"""Which fields of a party's file are missing, of those that the proposed rule for infrastructure services asks."""

from __future__ import annotations

from kyc_gate.model.facts import FileFacts
from kyc_gate.model.party import Party, PartyKind

ASKED_OF_EVERYBODY = ("address", "place_of_use", "payment_sources", "email", "phone", "access")
"""Proposed 15 CFR 7.302(d)(1)(iii)(B)(1), (B)(3), (C), (D), (E) and (F), 89 FR 5698."""

ASKED_OF_COMPANIES = ("trade_names", "headquarters", "jurisdiction", "beneficial_owners")
"""Proposed 15 CFR 7.302(d)(1)(iii)(A)(2), (B)(2), (B)(4) and (B)(5): asked of whoever is not a natural person."""


def file_facts(party: Party) -> FileFacts:
    """Return what the party's file leaves out, and whether all behind it are US persons.

    Who is not known to be a natural person is asked what a company is asked.
    """
    asked = ASKED_OF_EVERYBODY if party.kind is PartyKind.PERSON else (*ASKED_OF_COMPANIES, *ASKED_OF_EVERYBODY)
    return FileFacts(
        missing=tuple(sorted(name for name in asked if not _held(party, name))), us_persons=_us_persons(party)
    )


def _held(party: Party, name: str) -> bool:
    """Return whether the file holds the field. That there is no trade name or beneficial owner is an answer."""
    if name == "payment_sources":
        return any(source.strip() for source in (*party.payment_sources, party.card_token or ""))
    value = getattr(party, name)
    if name in ("trade_names", "beneficial_owners"):
        return value is not None
    return bool(value.strip() if isinstance(value, str) else value)


def _us_persons(party: Party) -> bool | None:
    """Return whether the party and each of its beneficial owners is a US person; None where it is not said of all."""
    owners = () if party.kind is PartyKind.PERSON else party.beneficial_owners
    said = [party.us_person, *(owner.us_person for owner in owners or ())]
    if any(each is False for each in said):
        return False
    return True if owners is not None and all(said) else None
