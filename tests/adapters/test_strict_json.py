"""Strict JSON: one document, one meaning, exact numbers."""

from __future__ import annotations

import contextlib
import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.adapters.strict_json import MAX_DEPTH, MAX_ITEMS, read_json, read_json_object
from kyc_gate.errors import RefusedCall


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            '{"a": [1, 2.50, 1e26, -0, true, null, "\\ud83d\\ude00"]}',
            {"a": [1, Decimal("2.50"), Decimal("1e26"), 0, True, None, "😀"]},
        ),
        ("12345678901234567890123", 12345678901234567890123),
        (' \t\r\n"x" ', "x"),
        ('{"": 1, "é": 2}', {"": 1, "é": 2}),
    ],
)
def test_numbers_are_exact(text: str, value: object) -> None:
    """Integers stay integers at any size, fractions and exponents become decimals, nothing becomes a float."""
    assert read_json(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a":{"gpus":1,"GPUS":2}}', "body.a has key `GPUS` twice (as `gpus`)"),
        ('{"\\u0067pus":1,"gpus":2}', "twice"),
        ('{"ｇpus":1,"gpus":2}', "twice"),
        ('{"gpus\\u0000":1}', "invisible"),
        ('{"gp\\u200bus":1}', "invisible"),
        ('{"a":[{"$ref":"x"}]}', "body.a[0] has key `$ref`"),
        ('{"a":NaN}', "`NaN`"),
        ('{"a":1e61}', "powers of ten"),
        ('{"a":' + "9" * 61 + "}", "more than 60 digits"),
        ('{"a":"\\udc00"}', "body.a has half of a surrogate pair"),
        ('{"a":1}x', "extra data at line 1, column 8"),
        ('{"a":"\n"}', "invalid control character"),
        ("", "expecting value"),
        ("01", "extra data"),
    ],
)
def test_a_refusal_names_the_place(text: str, says: str) -> None:
    """What is wrong is named with its path, on one line."""
    with pytest.raises(RefusedCall) as caught:
        read_json(text.encode("utf-8"))
    assert says in caught.value.detail
    assert caught.value.status == 400
    assert caught.value.detail.isascii()
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_only_utf_8_is_read(encoding: str) -> None:
    """Other encodings and byte order marks are refused; the standard parser would guess."""
    with pytest.raises(RefusedCall):
        read_json('{"a":"b"}'.encode(encoding))


def test_the_limits_are_where_they_are_said_to_be() -> None:
    """64 levels pass and 65 do not; a list within the limit passes and one beyond it does not."""
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(RefusedCall, match="deeper than 64"):
        read_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert read_json(json.dumps([1] * (MAX_ITEMS - 1)).encode())
    with pytest.raises(RefusedCall, match="more than 10000"):
        read_json(json.dumps([1] * (MAX_ITEMS + 1)).encode())


MEBI = 1 << 20


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'"' + b"\\u0041" * (MEBI // 6) + b'"', id="escapes"),
        pytest.param(b'"' * MEBI, id="quotes"),
        pytest.param(b'"' + b'\\"' * (MEBI // 2), id="unterminated"),
        pytest.param(b"[" + b",".join([b"1.5e9"] * 9800) + b"]", id="decimals"),
        pytest.param(("{" + ",".join(f'"{"ｋ" * 25}{n}":1' for n in range(9000)) + "}").encode(), id="wide-keys"),
        pytest.param(b"1" * MEBI, id="digits"),
        pytest.param(b"[" * MEBI, id="brackets"),
        pytest.param(b"{}," * (MEBI // 3), id="objects"),
        pytest.param(b'"a":' * (MEBI // 4), id="keys"),
    ],
)
def test_a_hostile_document_is_answered_quickly(data: bytes) -> None:
    """A mebibyte of any shape is read or refused within 50 ms."""
    took = []
    for _ in range(3):
        begun = time.thread_time()
        with contextlib.suppress(RefusedCall):
            read_json(data)
        took.append(time.thread_time() - begun)
    assert min(took) < 0.05


def test_brackets_and_commas_in_texts_do_not_count() -> None:
    """A long text is one element, whatever it holds."""
    text = "[{," * 20_000 + '"\\'
    assert read_json(json.dumps({"a": text}).encode()) == {"a": text}


def test_a_route_takes_one_object() -> None:
    """A list or a text is not a request."""
    with pytest.raises(RefusedCall, match="is not a JSON object"):
        read_json_object(b"[{}]")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**50), 10**50) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner),
)


@given(_VALUES)
def test_what_is_unambiguous_is_read_as_it_is(value: object) -> None:
    """Any document with plain lower-case keys comes back as written."""
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary() | st.text('{}[]",:\\u0123eE+-.truefalsn \n').map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input raises anything but `RefusedCall`, and what is read is what the standard parser reads."""
    try:
        value = read_json(data)
    except RefusedCall:
        return
    assert value == json.loads(data.decode("utf-8"), parse_float=Decimal)
