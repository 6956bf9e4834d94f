"""No field forges a line, touches a terminal, or says what no log may say."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from catalogue import rows_of, stands
from structlog.testing import CapturingLogger

from kyc_gate.telemetry import sink
from kyc_gate.telemetry.printed import escaped, printed, shown
from kyc_gate.telemetry.sink import configure_logging, json_line, safe
from tests.telemetry.lines import line

HOSTILE = [
    pytest.param("x\nlevel=info event=allow customer=evil", id="line-break"),
    pytest.param("x\r\x1b[2K decision=allow", id="rewritten-line"),
    pytest.param("\x1b]0;owned\x07", id="title"),
    pytest.param("\x9b31m", id="8-bit-escape"),
    pytest.param("\u2028 x", id="line-separator"),
    pytest.param("\u202eevil", id="direction"),
    pytest.param("\u2066a\u2069\u200f\u061c", id="isolates"),
    pytest.param("a" + "\u0336" * 400, id="stacked-marks"),
    pytest.param("\ud800", id="lone-surrogate"),
    pytest.param("\x00\x08\x7f", id="control"),
    pytest.param("acme outcome=allow acted=pass", id="field"),
    pytest.param('" outcome="allow', id="quote"),
]


def emitted(monkeypatch: pytest.MonkeyPatch, form: str, event: str, **fields: Any) -> list[str]:
    """What the configured sink is given to write, call by call."""
    written = CapturingLogger()
    monkeypatch.setattr(sink, "_StandardError", lambda *_: written)
    configure_logging(form)
    structlog.get_logger("test").info(event, **fields)
    return [call.args[0] for call in written.calls]


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Logging as the other tests have it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_text_forges_a_line(monkeypatch: pytest.MonkeyPatch, form: str, text: str) -> None:
    """A text in the event, in a key or in a value gives one line of printable characters, in either format."""
    fields = {"customer": text, "rules": [text], "nested": {text: text}, text: 1}
    written = emitted(monkeypatch, form, text, **fields)
    assert len(written) == 1
    assert len(written[0].splitlines()) == 1
    assert written[0].isprintable()
    assert "\u0336" * 3 not in written[0]
    if form == "json":
        assert written[0].isascii()
        if text != "\ud800":
            assert json.loads(written[0])["customer"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_on_the_terminal_is_one_word(text: str) -> None:
    """A value with anything but plain letters stands in quotes, which only its own end closes."""
    word = shown(text)
    assert word.startswith('"')
    assert word.endswith('"')
    assert '"' not in word[1:-1].replace('\\"', "")


def test_colours_are_the_only_escapes() -> None:
    """With colours, taking the renderer's own sequences away leaves printable text."""
    hostile = "\x1b[0m\x1b[32mALLOW"
    text = printed(line(customer=hostile, account=hostile, rules=[hostile], timestamp=hostile), colours=True)
    for code in ("0", "1", "2", "31", "32", "33", "36"):
        text = text.replace(f"\x1b[{code}m", "")
    assert text.isprintable()


def test_every_row_of_the_catalogue(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name of the catalogue's log injections gives one printable line that is valid JSON."""
    every = [json.loads(text) for text in (shared_data / "bad_inputs.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in every if row["category"] == "log_injection" and row["input"].startswith("name = ")]
    assert len(rows) >= 5
    for row in rows:
        name = ast.literal_eval(row["input"].removeprefix("name = "))
        (text,) = emitted(monkeypatch, "json", "decision.made", customer=name)
        assert text.isascii(), row["id"]
        assert text.isprintable(), row["id"]
        assert json.loads(text)["customer"] == name
        (shown_text,) = emitted(monkeypatch, "console", "decision.made", customer=name)
        assert shown_text.isprintable(), row["id"]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_becomes_a_text(score: float) -> None:
    """NaN and infinity, which are no JSON, are told as texts."""
    found = json.loads(json_line(safe(None, "", {"score": score, "more": [score]})), parse_constant=pytest.fail)
    assert found == {"score": str(score), "more": [str(score)]}


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        pytest.param("authorization", "Bearer abcdef123456", "abcdef123456", id="header"),
        pytest.param("Proxy-Authorization", "x", "x", id="proxy-header"),
        pytest.param("error", "upstream said: Authorization: Bearer abcdef123456", "abcdef123456", id="in-a-sentence"),
        pytest.param("url", "https://a.example/x?b=1&token=s3cr3t&c=2", "s3cr3t", id="query"),
        pytest.param("url", "https://a.example/?X-Amz-Signature=0123abcd", "0123abcd", id="signed-address"),
        pytest.param("cookie", "session=1", "session", id="cookie"),
        pytest.param("error", "secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZI", "MfKQ", id="webhook-secret"),
    ],
)
def test_secrets_are_redacted(key: str, value: str, secret: str) -> None:
    """Neither a header nor a query gives a secret away; the rest of the value stands."""
    found = str(safe(None, "", {key: value})[key])
    assert secret not in found
    assert "[redacted]" in found
    if key == "url":
        assert found.startswith("https://a.example/")


def test_a_text_of_any_length_is_cut_and_digested() -> None:
    """A name of 64 kB leaves its beginning, its length and its digest."""
    name = "n" * 65_536
    text = json_line(safe(None, "", {"customer": name, "rules": [name]}))
    assert len(text) < 1_000
    assert "65536 characters, sha256 " in text


def test_an_error_that_quotes_a_file_is_told_by_type_and_place() -> None:
    """The message of an error, which may hold a party's file, does not reach the log; its type and lines do."""
    try:
        raise KeyError("passport 0123456 of Emirate Computing")
    except KeyError as error:
        found = safe(None, "", {"event": "decision.failed", "exc_info": error})
    text = json_line(found)
    assert "passport" not in text
    assert found["raised"] == "KeyError"
    assert any("test_sink.py" in frame for frame in found["at"])


def test_what_prints_is_kept() -> None:
    """Names in any script stand as they are written."""
    for name in ("Ærø Skipsverft", "北京航空航天大学", "شركة", "Nguyễn"):
        assert escaped(name) == name


def test_no_row_of_the_catalogue_is_left_out(shared_data: Path) -> None:
    """Where each row is tried: names by the test above, and the rest by tests that exist."""
    here = "telemetry/test_sink.py::"
    rest = {
        "004": here + "test_no_text_forges_a_line",
        "008": here + "test_a_number_that_is_none_becomes_a_text",
        "009": here + "test_secrets_are_redacted",
        "010": here + "test_secrets_are_redacted",
        "011": "storage/test_record.py::test_sealed_parts_come_back_until_they_are_erased",
        "012": here + "test_an_error_that_quotes_a_file_is_told_by_type_and_place",
        "013": here + "test_a_text_of_any_length_is_cut_and_digested",
    }
    rows = rows_of(shared_data, "log_injection")
    names = {id for id, row in rows.items() if row["input"].startswith("name = ")}
    assert set(rows) == names | {f"log_injection-{number}" for number in rest}
    assert all(map(stands, rest.values()))
