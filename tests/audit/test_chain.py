"""The hash of a record covers its place and every byte."""

from __future__ import annotations

import hashlib

import pytest

from kyc_gate.audit.chain import GENESIS, chained, link


def test_the_hash_is_the_documented_encoding() -> None:
    """Anybody can compute a hash from the documentation alone."""
    body = b'{"n":1}'
    expected = hashlib.sha256(
        b"kyc_gate audit record, version 1\n" + (7).to_bytes(8, "big") + bytes.fromhex(GENESIS) + body
    ).hexdigest()
    assert link(GENESIS, 7, body.decode()) == expected


@pytest.mark.parametrize(
    ("previous", "position", "body"),
    [
        pytest.param("00" * 32, 1, '{"n":1}', id="another-hash-before"),
        pytest.param(GENESIS, 2, '{"n":1}', id="another-position"),
        pytest.param(GENESIS, 1, '{"n":2}', id="another-body"),
    ],
)
def test_each_part_counts(previous: str, position: int, body: str) -> None:
    """A change of the hash before, the position or the body changes the hash."""
    assert link(previous, position, body) != link(GENESIS, 1, '{"n":1}')


def test_records_follow_one_another() -> None:
    """The first record follows the beginning, the second the first."""
    first = chained(None, "{}")
    second = chained((first.position, first.hash), "{}")
    assert (first.position, first.previous) == (1, GENESIS)
    assert (second.position, second.previous) == (2, first.hash)
    assert first.hash != second.hash
