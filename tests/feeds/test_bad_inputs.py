"""Literal rows about list files that arrive wrong: each by its id, against a publisher that serves just that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Canary
from tests.feeds.publisher import Publisher, companies, lines, page, publishing, pulled, redirect, source_of, trickling

ROWS = companies(200)
GOOD = lines(ROWS)
NEW = lines(companies(205))
WHOLE = json.dumps({"results": [{"id": row["id"], "name": row["name"], "source": "EL"} for row in ROWS]})

Change = Callable[[Publisher], None]


def served(body: bytes, *, days: float | None = None) -> Change:
    """Return what makes the publisher serve another body, modified so many days from now."""

    def change(publisher: Publisher) -> None:
        publisher.body = body
        if days is not None:
            publisher.modified = format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)

    return change


def answered(handler: Any) -> Change:
    """Return what makes the publisher give one answer three times."""

    def change(publisher: Publisher) -> None:
        publisher.then = [handler] * 3

    return change


WRONG: dict[str, tuple[Change, str, dict[str, Any]]] = {
    "001": (answered(page("", "application/json")), "empty", {}),
    "002": (answered(page("<html>maintenance</html>")), "web page", {}),
    "003": (answered(page(WHOLE[: len(WHOLE) * 6 // 10], "application/json")), "cut short", {}),
    "004": (served(lines(ROWS[:20])), "shrunk", {}),
    "005": (served(lines(companies(20_000))), "grew", {}),
    "006": (answered(page("id,nom\n1,Acme\n", "text/csv")), "format", {}),
    "007": (served(NEW, days=-9), "rolled-back", {}),
    "008": (served(NEW, days=9), "dated-ahead", {}),
    "011": (served(lines(ROWS[1:])), "canary", {}),
    "012": (served(NEW), "checksum", {"sha256": hashlib.sha256(GOOD).hexdigest()}),
    "016": (served(GOOD.replace(b"Industries", "Fabrik für Öl".encode("latin-1"))), "UTF-8", {}),
    "024": (answered(redirect("http://169.254.169.254/")), "169.254.169.254", {}),
    "026": (answered(trickling(GOOD)), "not whole within", {"seconds": 0.4}),
}
"""By the number of the row: what arrives, what is told, and what else is said of the source."""

KEEPS = {"keep_last_good", "hold", "alarm", "reject", "timeout"}


@pytest.mark.parametrize("number", WRONG)
async def test_a_list_that_arrives_wrong_is_told_and_the_last_good_one_stays(
    tmp_path: Path, shared_data: Path, number: str
) -> None:
    """The row asks for the last good list, or an alarm; both are given, and the pull fails."""
    rows = [json.loads(line) for line in (shared_data / "bad_inputs.jsonl").read_text("utf-8").splitlines()]
    row = next(row for row in rows if row["id"] == f"list_integrity-{number}")
    assert row["expected"]["decision"] in KEEPS
    change, told, more = WRONG[number]
    canaries = (Canary(name=ROWS[0]["name"], list="EL"),)
    async with publishing(GOOD) as publisher:
        publisher.modified = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
        assert (await pulled(tmp_path, source_of(publisher, canaries=canaries))).whole
        change(publisher)
        report = await pulled(tmp_path, source_of(publisher, canaries=canaries, **more))
    assert not report.activated
    assert any(told.lower() in problem.lower() for problem in report.sources[0].problems), report.sources[0].problems
    generation = Shelf(tmp_path / "shelf").active()
    assert generation is not None
    assert generation.held[0].sha256 == hashlib.sha256(GOOD).hexdigest()
