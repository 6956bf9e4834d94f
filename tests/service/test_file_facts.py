"""Which fields a party's file leaves out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kyc_gate.model.facts import FileFacts
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.party import Access, BeneficialOwner, Party, PartyKind
from kyc_gate.screening.screener import Screener
from kyc_gate.service.file_facts import ASKED_OF_COMPANIES, ASKED_OF_EVERYBODY, file_facts
from kyc_gate.service.gather import UNKNOWN_PARTY, standing_of

WHOLE: dict[str, Any] = {
    "trade_names": ("Fjord",),
    "address": "Kaien 1, Bergen",
    "headquarters": "NO",
    "place_of_use": "NO",
    "jurisdiction": "NO",
    "beneficial_owners": (BeneficialOwner(name="A Person", share=None, us_person=False),),
    "payment_sources": ("account-1",),
    "email": "a@fjord.example",
    "phone": "+4755555555",
    "access": (Access(ip="192.0.2.1", at=datetime(2026, 1, 1, tzinfo=UTC)),),
}


def party(kind: PartyKind = PartyKind.COMPANY, **fields: Any) -> Party:
    return Party(id="p", name="Fjord AS", kind=kind, **fields)


def test_a_whole_file_misses_nothing() -> None:
    """With every field on file nothing is missing."""
    assert file_facts(party(**WHOLE)).missing == ()


@pytest.mark.parametrize("field", [*ASKED_OF_COMPANIES, *ASKED_OF_EVERYBODY])
def test_a_field_that_is_left_out_is_named(field: str) -> None:
    """Each field alone is missed by its name."""
    assert file_facts(party(**{name: value for name, value in WHOLE.items() if name != field})).missing == (field,)


@pytest.mark.parametrize("field", ["address", "headquarters", "email", "phone", "jurisdiction", "place_of_use"])
def test_blank_text_is_no_answer(field: str) -> None:
    """A field of spaces is missing."""
    assert file_facts(party(**{**WHOLE, field: "  "})).missing == (field,)


def test_that_there_are_none_is_an_answer() -> None:
    """No trade names and no beneficial owners, once said, miss nothing; no source of payment does."""
    assert file_facts(party(**{**WHOLE, "trade_names": (), "beneficial_owners": ()})).missing == ()
    assert file_facts(party(**{**WHOLE, "payment_sources": (" ",)})).missing == ("payment_sources",)
    assert file_facts(party(**{**WHOLE, "payment_sources": (), "card_token": "card-1"})).missing == ()


def test_a_natural_person_is_asked_less() -> None:
    """Only who is known to be a natural person is not asked what a company is."""
    assert file_facts(party(PartyKind.PERSON)).missing == tuple(sorted(ASKED_OF_EVERYBODY))
    everything = tuple(sorted((*ASKED_OF_COMPANIES, *ASKED_OF_EVERYBODY)))
    assert file_facts(party(PartyKind.UNKNOWN)).missing == everything


def owners(*said: bool | None) -> tuple[BeneficialOwner, ...]:
    return tuple(BeneficialOwner(name=f"Person {number}", us_person=each) for number, each in enumerate(said))


@pytest.mark.parametrize(
    ("kind", "own", "behind", "expected"),
    [
        (PartyKind.COMPANY, True, owners(True, True), True),
        (PartyKind.COMPANY, True, owners(True, None), None),
        (PartyKind.COMPANY, True, owners(True, False), False),
        (PartyKind.COMPANY, None, owners(False), False),
        (PartyKind.COMPANY, False, None, False),
        (PartyKind.COMPANY, True, None, None),
        (PartyKind.COMPANY, True, (), True),
        (PartyKind.COMPANY, None, (), None),
        (PartyKind.PERSON, True, None, True),
        (PartyKind.UNKNOWN, True, None, None),
    ],
)
def test_us_persons_are_all_or_not_said(
    kind: PartyKind, own: bool | None, behind: tuple[BeneficialOwner, ...] | None, expected: bool | None
) -> None:
    """Silence about one of them, or about who they are, is unknown; one who is not one settles it."""
    assert file_facts(party(kind, us_person=own, beneficial_owners=behind)).us_persons is expected


def test_nobody_on_file_is_unknown() -> None:
    """Of a party that is not on file nothing is known, and nothing is said to be there."""
    assert UNKNOWN_PARTY.file == FileFacts(missing=None, us_persons=None)


def test_trade_names_are_screened(snapshot: ListSnapshot) -> None:
    """A trade name that is on a list is found, although the party's own name is clear."""
    screener = Screener(snapshot)
    clear = standing_of(party(**WHOLE), {}, screener)
    found = standing_of(party(**{**WHOLE, "trade_names": ("Sealed Machinery Works",)}), {}, screener)
    assert clear.screening.outcome.value == "clear"
    assert found.screening.outcome.value == "match"
