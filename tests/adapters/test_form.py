"""Strict forms: each name once, each escape undone once."""

from __future__ import annotations

import contextlib
import time
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.adapters.form import MAX_FIELDS, read_form
from kyc_gate.errors import RefusedCall


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"", {}),
        (b"Action=RunInstances&Tag.1.Value=a+b%2Bc%2F%C3%A9", {"Action": "RunInstances", "Tag.1.Value": "a b+c/é"}),
        (b"a=%2541", {"a": "%41"}),
        (b"a=&b", {"a": "", "b": ""}),
        (b"a=b=c", {"a": "b=c"}),
    ],
)
def test_escapes_are_undone_once(data: bytes, fields: dict[str, str]) -> None:
    """`+` is a space, `%41` is a letter, `%2541` is the text `%41`."""
    assert read_form(data) == fields


@pytest.mark.parametrize(
    "data",
    [
        b"a=1&a=2",
        b"a=1&A=2",
        b"a=1;b=2",
        b"a%00=1",
        b"a=1%00",
        b"a=%",
        b"a=%zz",
        b"a=%ff",
        b"=1",
        b"a=1&",
        b"&a=1",
        b"a=1&&b=2",
        b"a b=1",
        b"a=b c",
        b"a=1\r\nb=2",
        "å=1".encode(),
        b"%E2%80%8Ba=1",
        b"a=<b>",
        b'a="1"',
        b"+a=1",
        b"a" * 256 + b"=1",
    ],
)
def test_a_form_with_two_readings_is_refused(data: bytes) -> None:
    """Repeats, separators, raw bytes and odd names are refused with 400."""
    with pytest.raises(RefusedCall) as caught:
        read_form(data)
    assert caught.value.status == 400


def test_a_hostile_form_is_refused_quickly() -> None:
    """A mebibyte of parameters, escapes or plain letters is answered within 50 ms."""
    for data in (b"a=1&" * 262_144, b"a=" + b"%41" * 349_000, b"a=" + b"x" * 1_048_574, b"%" * 1_048_576):
        begun = time.perf_counter()
        with contextlib.suppress(RefusedCall):  # either answer is right, only the time matters
            read_form(data)
        assert time.perf_counter() - begun < 0.05


def test_a_form_of_the_largest_size_is_read() -> None:
    """2,000 parameters pass and one more does not."""
    pairs = [(f"a{number}", "1") for number in range(MAX_FIELDS)]
    assert len(read_form(urlencode(pairs).encode())) == MAX_FIELDS
    with pytest.raises(RefusedCall):
        read_form(urlencode([*pairs, ("b", "1")]).encode())


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][a-z0-9.]{0,9}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    )
)
def test_what_a_client_encodes_is_read_back(fields: dict[str, str]) -> None:
    """Every form that the standard library encodes, with distinct names, is read as it was."""
    assert read_form(urlencode(fields).encode()) == fields


@given(st.binary() | st.text("aA=&%+;0123fF.\0 ").map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input raises anything but `RefusedCall`, and what is read is what the standard library reads."""
    try:
        fields = read_form(data)
    except RefusedCall:
        return
    assert fields == dict(parse_qsl(data.decode("ascii"), keep_blank_values=True))
