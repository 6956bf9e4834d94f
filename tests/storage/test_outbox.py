"""The outbox on either engine: what happened is told in order, once a receiver asks, and never where it was undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kyc_gate.model.outbox import Backlog
from kyc_gate.storage import outbox
from kyc_gate.storage.outbox import RETRY_SECONDS
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.rowstore import RowStore
from tests.storage.samples import NOW, case_opening, decision_entry


async def test_events_come_in_order_with_leases_and_retries(any_store: RowStore) -> None:
    """A claimed event is nobody else's for a while, the next one waits for it, and a dead letter can be sent again."""
    await any_store.spread_events(["soc"], NOW)
    await any_store.append(decision_entry("dec_1", case=case_opening("dec_1")))
    await any_store.append(decision_entry("dec_2", case=case_opening("dec_2")))
    await any_store.spread_events(["soc", "late"], NOW)
    first = await any_store.claim_event("soc", NOW, 60)
    assert first is not None
    assert (first.event.name, first.event.data["decision_id"]) == ("case.opened", "dec_1")
    assert await any_store.claim_event("soc", NOW, 60) is None
    assert await any_store.claim_event("late", NOW, 60) is None
    again = await any_store.claim_event("soc", NOW + timedelta(seconds=61), 60)
    assert again == first
    await any_store.note_sent(first)
    second = await any_store.claim_event("soc", NOW, 60)
    assert second is not None
    assert second.event.name == "case.joined"
    assert not await any_store.note_failed(second, "503", NOW, final=False)
    assert await any_store.claim_event("soc", NOW + timedelta(seconds=RETRY_SECONDS[0] - 1), 60) is None
    third = await any_store.claim_event("soc", NOW + timedelta(seconds=RETRY_SECONDS[0]), 60)
    assert third is not None
    assert third.tries == 1
    assert await any_store.note_failed(third, "410", NOW, final=True)
    assert await any_store.fetch_backlogs() == (Backlog(receiver="soc", dead=1),)
    assert await any_store.replay_events("soc", NOW) == 1
    assert await any_store.claim_event("soc", NOW, 60) is not None


async def test_what_was_undone_is_not_told(any_store: RowStore) -> None:
    """An event goes with the operation that wrote it."""
    await any_store.spread_events(["soc"], NOW)

    def undone(connection: Connection) -> None:
        outbox.emit(connection, "case.opened", {"case_id": "case_1"}, NOW)
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        await any_store._write(undone)
    await any_store.spread_events(["soc"], NOW)
    assert await any_store.claim_event("soc", NOW, 60) is None
