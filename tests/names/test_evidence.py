"""Evidence beside the name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.model.listing import Address, Identifier, ListEntry
from kyc_gate.model.party import PartyKind
from kyc_gate.names.evidence import contributions_of, weighed

ENTRY = ListEntry(
    list="TEST",
    id="1",
    name="Sealed Machinery Works",
    kind=PartyKind.COMPANY,
    countries=("CN",),
    identifiers=(Identifier(kind="lei", value="5493001KJTIIGC8Y1R12"),),
    addresses=(Address(city="Wuhan", country="CN"),),
)
LINE = 0.79


@pytest.mark.parametrize(
    ("known", "of", "helps"),
    [
        pytest.param({"country": "CN"}, "country", True, id="same-country"),
        pytest.param({"country": "NO"}, "country", False, id="other-country"),
        pytest.param({"kind": PartyKind.COMPANY}, "kind", True, id="same-kind"),
        pytest.param({"kind": PartyKind.PERSON}, "kind", False, id="other-kind"),
        pytest.param({"address": "12 Lake Road, Wuhan"}, "address", True, id="same-city"),
        pytest.param({"identifiers": (Identifier(kind="lei", value="X"),)}, "identifier", False, id="other-lei"),
    ],
)
def test_each_fact_has_its_sign(known: dict[str, object], of: str, helps: bool) -> None:
    """What agrees adds to the score and what differs takes from it, each with its reason."""
    (one,) = contributions_of(ENTRY, **known)  # type: ignore[arg-type]
    assert one.of == of
    assert (one.log_odds > 0) is helps
    assert (weighed(0.9, [one], LINE) > 0.9) is helps
    assert one.said


def test_what_the_list_does_not_say_counts_for_nothing() -> None:
    """A fact without a counterpart on the list changes nothing."""
    bare = ListEntry(list="TEST", id="2", name="X")
    assert contributions_of(bare, country="NO", kind=PartyKind.PERSON, address="Oslo") == ()


@given(score=st.floats(0.01, 0.999))
def test_evidence_orders_and_never_clears(score: float) -> None:
    """No evidence takes a score below the line of review, or lifts one across it."""
    against = contributions_of(ENTRY, country="NO", kind=PartyKind.PERSON)
    speaks_for = contributions_of(ENTRY, country="CN", kind=PartyKind.COMPANY, address="Wuhan")
    for found in (weighed(score, against, LINE), weighed(score, speaks_for, LINE)):
        assert (found >= LINE) is (score >= LINE)
        assert 0 < found < 1
