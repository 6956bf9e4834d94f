"""Verification finds whatever was done to a chain."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from kyc_gate.audit.chain import GENESIS, chained, link
from kyc_gate.audit.record import AuditRecord, body_of
from kyc_gate.audit.verify import verify
from kyc_gate.errors import ChainBroken

Chain = list[AuditRecord]


def chain(count: int) -> Chain:
    """Return a chain that verifies."""
    records: Chain = []
    for number in range(count):
        head = (records[-1].position, records[-1].hash) if records else None
        records.append(chained(head, body_of({"type": "decision", "number": number, "name": f"party {number}"})))
    return records


def test_a_whole_chain_verifies() -> None:
    """A chain that nobody touched verifies, as records and as exported rows."""
    records = chain(50)
    for form in (records, [record.flat() for record in records]):
        verified = verify(form)
        assert (verified.records, verified.position, verified.head) == (50, 50, records[-1].hash)


def test_an_empty_chain_verifies() -> None:
    """Nothing yet is a chain too."""
    assert verify([]).head == GENESIS


def edited(records: Chain, at: int, dice: random.Random) -> None:
    place = dice.randrange(len(records[at].body))
    byte = chr((ord(records[at].body[place]) + dice.randrange(1, 127)) % 128)
    body = records[at].body[:place] + byte + records[at].body[place + 1 :]
    records[at] = replace(records[at], body=body)


def dropped(records: Chain, at: int, dice: random.Random) -> None:
    del records[at]


def inserted(records: Chain, at: int, dice: random.Random) -> None:
    forged = chained((records[at].position, records[at].hash), body_of({"type": "forged"}))
    records.insert(at + 1, forged)


def moved(records: Chain, at: int, dice: random.Random) -> None:
    records[at], records[at - 1] = records[at - 1], records[at]


def moved_with_positions(records: Chain, at: int, dice: random.Random) -> None:
    first, second = records[at - 1], records[at]
    records[at - 1] = replace(second, position=first.position, previous=first.previous)
    records[at] = replace(first, position=second.position, previous=second.previous)


def doubled(records: Chain, at: int, dice: random.Random) -> None:
    records.insert(at, records[at])


def edited_and_hashed_anew(records: Chain, at: int, dice: random.Random) -> None:
    body = body_of({"type": "forged"})
    records[at] = replace(records[at], body=body, hash=link(records[at].previous, records[at].position, body))


def head_cut_off(records: Chain, at: int, dice: random.Random) -> None:
    del records[:at]


HARM: list[Callable[[Chain, int, random.Random], None]] = [
    edited,
    dropped,
    inserted,
    moved,
    moved_with_positions,
    doubled,
    edited_and_hashed_anew,
    head_cut_off,
]


@pytest.mark.parametrize("harm", HARM)
def test_harm_anywhere_before_the_end_is_found(harm: Callable[[Chain, int, random.Random], None]) -> None:
    """Each kind of harm is found at each of a hundred random places."""
    dice = random.Random(harm.__name__)  # noqa: S311 - any places will do
    whole = chain(30)
    for _ in range(100):
        records = list(whole)
        harm(records, dice.randrange(1, len(records) - 1), dice)
        with pytest.raises(ChainBroken, match=r"record \d+"):
            verify(records)


def test_the_message_names_the_record() -> None:
    """The record that was changed is named."""
    records = chain(10)
    records[6] = replace(records[6], body=body_of({"type": "forged"}))
    with pytest.raises(ChainBroken, match="record 7 was changed"):
        verify(records)


def test_truncation_is_found_with_the_head() -> None:
    """A chain cut off at the end verifies by itself, and not against the head that was noted elsewhere."""
    records = chain(10)
    head = records[-1].hash
    assert verify(records[:7]).records == 7
    with pytest.raises(ChainBroken, match="cut off"):
        verify(records[:7], expected_head=head)
    with pytest.raises(ChainBroken, match="cut off"):
        verify([], expected_head=head)


def test_a_chain_may_grow_past_the_head_noted() -> None:
    """A head noted earlier still proves all that came before it."""
    records = chain(10)
    assert verify(records, expected_head=records[4].hash.upper()).records == 10
    assert verify(records, expected_head=GENESIS).records == 10


def test_a_chain_computed_anew_is_found_with_the_head() -> None:
    """A whole chain of other content is sound in itself, and does not pass through the head noted."""
    head = chain(10)[-1].hash
    with pytest.raises(ChainBroken, match="without the expected head"):
        verify([chained(None, body_of({"type": "forged"}))], expected_head=head)
