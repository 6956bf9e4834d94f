"""One record, one line, one meaning."""

from __future__ import annotations

import json

import pytest

from kyc_gate.audit.chain import chained
from kyc_gate.audit.record import AuditRecord, body_of, placed
from kyc_gate.errors import ChainBroken, InputError

AWKWARD = [
    pytest.param("x\nlevel=info event=allow", id="line-feed"),
    pytest.param("x\r\x1b[2K decision=allow", id="escape"),
    pytest.param("\x9b31m", id="eight-bit-control"),
    pytest.param("\u2028\u202eevil", id="separator-and-bidi"),
    pytest.param("\ud800", id="unpaired-surrogate"),
    pytest.param("Ω 名 ★", id="beyond-ascii"),
]


@pytest.mark.parametrize("text", AWKWARD)
def test_text_of_any_kind_is_kept_on_one_line(text: str) -> None:
    """A record is one line of printable ASCII, and gives back the very text that went in."""
    record = chained(None, body_of({"name": text, "operations": 10**40}))
    assert record.body.isascii()
    assert record.body.isprintable()
    assert record.flat() == {
        "name": text,
        "operations": 10**40,
        "position": 1,
        "previous": record.previous,
        "hash": record.hash,
    }


def test_a_number_that_is_none_is_refused() -> None:
    """NaN is not JSON and never recorded."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        body_of({"score": float("nan")})


def test_the_names_of_the_place_are_reserved() -> None:
    """A record cannot claim a position of its own."""
    with pytest.raises(InputError, match="`position`"):
        body_of({"position": 5})


def test_an_exported_line_reads_back() -> None:
    """What is exported is the record itself."""
    record = chained(None, body_of({"score": 0.1, "name": "Ω", "at": None}))
    assert placed(json.loads(json.dumps(record.flat()))) == record


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"a":1,"a":1}', id="name-repeated"),
        pytest.param('{"a": 1}', id="blank"),
        pytest.param('{"b":1,"a":1}', id="order"),
        pytest.param("[]", id="not-an-object"),
        pytest.param("{", id="not-json"),
        pytest.param('{"position":1}', id="reserved"),
    ],
)
def test_a_body_with_two_readings_is_no_record(body: str) -> None:
    """Only the canonical text of a record is accepted as one."""
    with pytest.raises(ChainBroken, match="record 3"):
        AuditRecord(position=3, previous="", hash="", body=body).flat()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"previous": "", "hash": ""}, id="no-position"),
        pytest.param({"position": True, "previous": "", "hash": ""}, id="position-true"),
        pytest.param({"position": 1, "hash": ""}, id="no-previous"),
        pytest.param({"position": 1, "previous": "", "hash": 5}, id="hash-a-number"),
    ],
)
def test_a_row_without_its_place_is_no_record(row: dict[str, object]) -> None:
    """A row that lacks its place does not verify."""
    with pytest.raises(ChainBroken):
        placed(row)
