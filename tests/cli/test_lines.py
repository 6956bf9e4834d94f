"""Input files with one JSON object a line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kyc_gate.cli.lines import answer_lines, read_row
from kyc_gate.errors import InputError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(b"{", "not JSON", id="cut-off"),
        pytest.param(b"[1]", "not a JSON object", id="not-an-object"),
        pytest.param(b'{"a": 1, "a": 2}', "`a` is given twice", id="duplicate"),
        pytest.param(b'{"a": {"b": 1, "b": 2}}', "`b` is given twice", id="duplicate-inside"),
        pytest.param(b'{"a": NaN}', "`NaN` is not a JSON number", id="nan"),
        pytest.param(b'{"a": -Infinity}', "`-Infinity` is not a JSON number", id="infinity"),
        pytest.param(b'{"a": 1e400}', "out of range", id="beyond-any-amount"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8", id="not-utf-8"),
        pytest.param(b"[" * 100_000, "nested too deep", id="nested"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "out of range", id="many-digits"),
    ],
)
def test_what_cannot_be_read_one_way_only_is_refused(line: bytes, said: str) -> None:
    """A line that is not strict JSON is refused with the reason."""
    with pytest.raises(InputError, match=said):
        read_row(line)


def test_numbers_are_read_exactly() -> None:
    """A number with an exponent keeps every digit."""
    assert int(read_row(b'{"a": 1e26}')["a"]) == 10**26
    assert read_row(b'{"a": 0.33}')["a"] == Decimal("0.33")


def test_each_line_is_answered_or_refused_alone(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad line yields an error that names line and field, the others are answered, and the status is 1."""
    file = tmp_path_factory.mktemp("lines") / "input.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": 1}\n\n{"id": 2, "id": 3}\n{"id": 4}')
    status = answer_lines(str(file), lambda row: {"id": row["id"], "ok": True})
    printed = capsys.readouterr()
    assert status == 1
    assert printed.out.splitlines() == [
        '{"id": 1, "ok": true}',
        '{"id": null, "line": 3, "field": "id", "error": "field `id` is given twice"}',
        '{"id": 4, "ok": true}',
    ]
    assert printed.err == f"kyc-gate: `{file}` line 3: field `id` is given twice\n"
