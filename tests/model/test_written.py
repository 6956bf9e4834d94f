"""The fast canonical text is the slow one, letter by letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.audit.record import body_of
from kyc_gate.decide.cases import request_of
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import Accelerators, Caller
from kyc_gate.model.record import Record, canonical_text, plain
from kyc_gate.model.written import Written, finite, written


class Part(Record):
    text: str
    share: float | None = None


class Whole(Record):
    text: str
    share: float
    count: int
    moment: datetime
    exact: Decimal
    parts: tuple[Part, ...] = ()
    ages: dict[str, float | None] = {}  # noqa: RUF012 - msgspec copies it
    part: Part | None = None
    codes: frozenset[str] = frozenset()


floats = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=8)
parts = st.builds(Part, text=texts, share=st.none() | floats)
wholes = st.builds(
    Whole,
    text=texts,
    share=floats | st.sampled_from([1e-4, 9.9e-5, 1e15, 1e16, -0.0, 5e-324, 1e100]),
    count=st.integers(-(10**30), 10**30),
    moment=st.datetimes(timezones=st.just(UTC)),
    exact=st.decimals(allow_nan=False, allow_infinity=False, places=3),
    parts=st.lists(parts, max_size=2).map(tuple),
    ages=st.dictionaries(texts, st.none() | floats, max_size=2),
    part=st.none() | parts,
    codes=st.frozensets(texts, max_size=3),
)


@settings(max_examples=100)
@given(wholes)
def test_the_fast_text_is_the_slow_one(whole: Whole) -> None:
    """For any record: whatever its numbers, letters and moments are."""
    assert written(whole) == canonical_text(plain(whole))
    json.loads(written(whole))


@pytest.mark.parametrize("letter", [chr(code) for code in range(128)] + ["é", "\u2028", "\ud800", "😀"])
def test_every_letter(letter: str) -> None:
    """Controls, quotes, DEL, lone surrogates: written alike, as name and as text."""
    whole = Part(text=f"a{letter}")
    assert written(whole) == canonical_text(plain(whole))


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_no_number_is_refused(odd: float) -> None:
    """It would read as null: wherever the record may have a float, it is found."""
    base = Whole(text="", share=0.5, count=1, moment=datetime(2026, 1, 1, tzinfo=UTC), exact=Decimal(1))
    fields = {name: getattr(base, name) for name in base.__struct_fields__}
    changes: tuple[dict[str, object], ...] = (
        {"share": odd},
        {"parts": (Part(text=""), Part(text="", share=odd))},
        {"ages": {"SDN": odd}},
        {"part": Part(text="", share=odd)},
    )
    assert finite(base)
    for change in changes:
        whole = Whole(**{**fields, **change})
        assert not finite(whole)
        with pytest.raises(ValueError, match="not JSON compliant"):
            written(whole)


def test_facts_and_requests_are_written_in_one_pass() -> None:
    """What a gate records has no part that is never fast: no type of it is beyond the check."""
    from policy.builders import facts  # the ordinary customer of the shipped cases

    given_facts = facts()
    request = request_of(given_facts)
    lines = (Accelerators(model="H100 SXM", count=8),)
    more = {name: getattr(request, name) for name in request.__struct_fields__} | {"lines": lines, "caller": Caller()}
    for record in (given_facts, type(request)(**more)):
        assert finite(record)
        assert written(record) == canonical_text(plain(record))
    assert given_facts.text is given_facts.text
    assert isinstance(given_facts, Facts)


def test_a_written_part_stands_for_what_it_says() -> None:
    """A record has the same body whether its parts are written already or not."""
    part = Part(text='"ä"', share=1e-7)
    assert body_of({"b": written(part), "a": 1}) == body_of({"b": plain(part), "a": 1})
    assert body_of({"a": "{}"}) != body_of({"a": Written("{}")})
