"""What is true of every screening by name, whatever the names."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.model.party import Alias
from kyc_gate.screening.screener import Screener

NAMES = st.sampled_from(
    [
        "Sealed Machinery Works", "Sealed Machinery", "SMW", "Velbrunn Robotics", "Velbrun Robotik", "Harbin Institute",
        "صندوق الرحمة", "Sanduq al-Rahmah", "华为技术有限公司", "Kalashnikov Concern", "Lazarus Group", "Gazprom Bank",
    ]
)  # fmt: skip


def best(entry: ListEntry, query: str) -> float:
    """Return the best score of a query against one entry, however low."""
    snapshot = ListSnapshot(digest="x", entries=(entry,), lists=("TEST",))
    matches = Screener(snapshot, possible=0.01, match=0.99).screen([query]).matches
    return matches[0].score if matches else 0.0


@settings(max_examples=40, deadline=None)
@given(name=NAMES, alias=NAMES, query=NAMES)
def test_another_alias_never_lowers_a_score(name: str, alias: str, query: str) -> None:
    """An entry that goes by one more name scores as high as before, or higher."""
    bare = ListEntry(list="TEST", id="1", name=name)
    known = ListEntry(list="TEST", id="1", name=name, aliases=(Alias(name=alias),))
    assert best(known, query) >= best(bare, query) - 1e-9


def test_the_bad_names_are_answered_in_time(shared_data: Path) -> None:
    """Each labelled bad name costs 50 ms at most, and one that is cut or says nothing is never clear and complete."""
    rows = [json.loads(line) for line in (shared_data / "bad_inputs.jsonl").read_text("utf-8").splitlines()]
    texts = [eval(row["input"], {}) for row in rows if row["category"] == "pathological_name"]  # noqa: S307 - our own file
    screener = Screener(ListSnapshot(digest="x", entries=(ListEntry(list="T", id="1", name="Huawei"),), lists=("T",)))
    screener.warm()  # as a gate does before a snapshot is active
    screener.screen(["warm"])
    assert texts
    for text in texts:
        started = time.thread_time()
        found = screener.screen([text])
        assert time.thread_time() - started < 0.05, text[:20]
        if len(text) > 512 or not any(map(str.isalnum, text)):
            assert found.outcome is not ScreeningOutcome.CLEAR or not found.complete, text[:20]


@pytest.mark.parametrize("query", ["Huawei", "\u202eiewauH"])
def test_what_is_seen_is_what_is_compared(query: str) -> None:
    """A name turned round by an invisible character is found as it is seen."""
    screener = Screener(ListSnapshot(digest="x", entries=(ListEntry(list="T", id="1", name="Huawei"),), lists=("T",)))
    assert screener.screen([query]).outcome is ScreeningOutcome.MATCH
