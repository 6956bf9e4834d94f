"""What the queue of cases is read by: orders without gap, words, views, and a schema that came before."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from kyc_gate.errors import InputError
from kyc_gate.model.saved_view import MOST_VIEWS, SavedView
from kyc_gate.storage import case_words, queue_tables
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import CaseQuery

from .samples import NOW
from .test_case_steps import escalate


@pytest.fixture
def store(any_store: RowStore) -> RowStore:
    """Every behaviour here is proved on each engine."""
    return any_store


@pytest.mark.parametrize("order", ["urgency", "due", "newest"])
async def test_every_order_pages_without_gap(store: RowStore, order: str) -> None:
    """Pages of each order follow one another, whatever is equal, and give each case once."""
    for number in range(9):
        severity = ("low", "high", "critical")[number % 3]
        due_at = NOW + timedelta(hours=number // 4)
        await escalate(store, number, family=f"f{number}", severity=severity, due_at=due_at)
    every = [case.id for case in await store.fetch_cases(CaseQuery(state="waiting", order=order))]
    paged: list[str] = []
    while page := await store.fetch_cases(
        CaseQuery(state="waiting", order=order, limit=2, after=paged[-1] if paged else None)
    ):
        paged += [case.id for case in page]
    assert (paged, len(every)) == (every, 9)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("aws:1111", 1, id="account"),
        pytest.param("1111", 1, id="account-without-its-provider"),
        pytest.param("KEST", 1, id="beginning-of-a-party"),
        pytest.param("sister", 1, id="party-that-joined"),
        pytest.param("runinst red-flag", 1, id="every-word"),
        pytest.param("runinst other", 0, id="a-word-that-is-not-there"),
        pytest.param("estrel", 0, id="inside-a-word"),
        pytest.param("\0", 1, id="nothing"),
        pytest.param("\U0010ffff", 0, id="last-character"),
    ],
)
@pytest.mark.parametrize("few", [1_000, 0], ids=["rare", "common"])
async def test_a_search_is_for_how_words_begin(
    store: RowStore, monkeypatch: pytest.MonkeyPatch, text: str, found: int, few: int
) -> None:
    """Each word of a search begins a word of the case or of what joined it, whether few or many cases have it."""
    monkeypatch.setattr(case_words, "FEW", few)
    await escalate(store, 1)
    await escalate(store, 2, party_id="sister", account="gcp:sister-project", fingerprint="e" * 64)
    assert len(await store.fetch_cases(CaseQuery(text=text, order="urgency"))) == found


async def test_views_are_kept_for_their_person(store: RowStore) -> None:
    """A view is found by its name, replaced by one of the same name, bounded in number, and nobody else's."""
    for view in (
        SavedView(name="mine", filters={"assignee": "ana"}),
        SavedView(name="mine", filters={"state": "open"}),
    ):
        await store.save_view("ana", view)
    assert [view.filters for view in await store.fetch_views("ana")] == [{"state": "open"}]
    assert await store.fetch_views("bo") == ()
    for number in range(MOST_VIEWS - 1):
        await store.save_view("ana", SavedView(name=f"v{number}", filters={}))
    with pytest.raises(InputError, match="saved views"):
        await store.save_view("ana", SavedView(name="one too many", filters={}))
    await store.drop_view("ana", "mine")
    await store.drop_view("bo", "v1")
    assert len(await store.fetch_views("ana")) == MOST_VIEWS - 1


async def test_cases_of_an_earlier_schema_are_found_by_their_words(tmp_path: Path) -> None:
    """The step to this schema takes apart what was searched before."""
    file = tmp_path / "state.db"
    store = SqliteStore(file)
    await store.open()
    case = await escalate(store)
    await store.close()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE kept AS SELECT word, number FROM case_words")
    connection.execute("DELETE FROM case_words")
    (fill,) = re.findall(r"INSERT OR IGNORE INTO case_words.*?;", queue_tables.SQLITE, re.DOTALL)
    connection.execute(fill)
    assert connection.execute("SELECT * FROM kept EXCEPT SELECT * FROM case_words").fetchall() == []
    connection.execute("DROP TABLE kept")
    connection.commit()
    connection.close()
    await store.open()
    assert await store.fetch_cases(CaseQuery(text="1111")) == (case,)
    await store.close()


async def test_an_order_is_walked_along_an_index(tmp_path: Path) -> None:
    """No order of the queue, and no filter of one value, puts cases in order anew or reads all of them."""
    store = SqliteStore(tmp_path / "state.db")
    await store.open()

    by = {"urgency": "severity DESC, due_at, number", "due": "due_at, number", "newest": "number DESC"}
    for order, where in (
        ("urgency", "waiting = 1"),
        ("due", "waiting = 1"),
        ("due", "waiting = 1 AND severity = 1"),
        ("urgency", "waiting = 1 AND family = 'a'"),
        ("due", "waiting = 1 AND family = 'a'"),
        ("urgency", "waiting = 1 AND assignee = 'a'"),
        ("due", "waiting = 1 AND assignee = 'a'"),
        ("urgency", "waiting = 1 AND overdue = 1"),
        ("due", "waiting = 1 AND overdue = 0 AND due_at < 1"),
        ("newest", "state = 'rejected'"),
        ("newest", "family = 'a'"),
        ("newest", "assignee = 'a'"),
        ("urgency", "state = 'open'"),
        ("urgency", "waiting = 1 AND severity = 1 AND (due_at, number) > (1, 1)"),
        ("urgency", "waiting = 1 AND severity < 1"),
        ("due", "waiting = 1 AND (due_at, number) > (1, 1)"),
    ):
        query = f"EXPLAIN QUERY PLAN SELECT number FROM cases WHERE {where} ORDER BY {by[order]} LIMIT 51"  # noqa: S608
        plan = await store._read(lambda connection, query=query: connection.execute(query).fetchall())
        told = "; ".join(str(row[3]) for row in plan)
        assert "USING" in told, (order, where, told)
        assert "INDEX" in told, (order, where, told)
        assert "TEMP B-TREE" not in told, (order, where, told)
    ended = (
        "EXPLAIN QUERY PLAN SELECT document FROM cases WHERE waiting = 1 AND expires_at IS NOT NULL AND expires_at <= 1"
    )
    plan = await store._read(lambda connection: connection.execute(ended).fetchall())
    assert "cases_by_end" in str(plan)
    await store.close()
