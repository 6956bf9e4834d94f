"""Decisions and parties searched at a thousand and at a hundred thousand of each, on a seeded SQLite store.

Times are of the processor, the median of nine: a page of fifty, the store's threads included. What is searched is drawn
behind the records; what a record and a party cost there stands first.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kyc_gate.audit.seal import seal
from kyc_gate.model.catalogue import DecisionQuery, PartyQuery
from kyc_gate.model.party import Party
from kyc_gate.service.catalogue import follow
from kyc_gate.storage.decisions import append_decision
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry

SIZES = (1_000, 100_000)
TIMES = 9
AT = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = (("Nordic", "Alpine", "Pacific", "Baltic"), ("Computing", "Data", "Research"), ("Norway", "Germany", "China"))

DECISIONS: dict[str, dict[str, Any]] = {
    "the newest": {},
    "of an account": {"account": "acct-5"},
    "of a party": {"party_id": "p7"},
    "that block": {"outcome": "block"},
    "with a rule": {"rule": "red-flag-28"},
    "of a rare operation": {"operation": "Rare"},
    "of a day": {"since": AT, "until": AT + timedelta(days=1)},
    "of features that never meet": {"provider": "gcp", "rule": "red-flag-28"},
}
PARTIES: dict[str, dict[str, Any]] = {
    "by id": {},
    "by a common word": {"terms": ("nordic",)},
    "by two common words": {"terms": ("nordic", "comp")},
    "by a country": {"country": "NO"},
    "by a word and a country": {"terms": ("baltic",), "country": "CN"},
}


def main() -> None:
    """Measure and print."""
    found = [asyncio.run(_measured(size)) for size in SIZES]
    print(f"{'milliseconds':44}{''.join(f'{size:>12,}' for size in SIZES)}")
    for name in found[0]:
        print(f"{name:44}{''.join(f'{each[name]:>12.2f}' for each in found)}")


async def _measured(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "state.db", deadline_seconds=30.0)
        await store.open()
        try:
            times = {"a record drawn": await _seeded_decisions(store, size) / size * 1000}
            times["a party drawn"] = await _seeded_parties(store, size) / size * 1000
            for name, asked in DECISIONS.items():
                query = DecisionQuery(**asked)
                times[f"decisions {name}"] = await _cost(lambda query=query: store.find_decisions(query))  # type: ignore[misc]
            for name, asked in PARTIES.items():
                wanted = PartyQuery(**asked)
                times[f"parties {name}"] = await _cost(lambda wanted=wanted: store.find_parties(wanted))  # type: ignore[misc]
        finally:
            await store.close()
    return times


async def _seeded_decisions(store: SqliteStore, size: int) -> float:
    """Write decisions, and return the seconds of the processor that drawing their cards took."""
    for start in range(0, size, 250):
        some = [_entry(number) for number in range(start, min(size, start + 250))]

        def write(connection: Connection, some: list[DecisionEntry] = some) -> None:
            for each in some:
                append_decision(connection, each, seal(each.record))

        await store._write(write)
    started = time.process_time()
    while await store.draw_cards():
        pass
    return time.process_time() - started


async def _seeded_parties(store: SqliteStore, size: int) -> float:
    first, second, places = WORDS
    parties = (
        Party(
            id=f"p{number}",
            name=f"{first[number % 4]} {second[number % 3]} {number} Ltd",
            location=places[number % 3],
        )
        for number in range(size)
    )
    await store.save_directory(parties, ())
    started = time.process_time()
    await follow(store, size)
    return time.process_time() - started


def _entry(number: int) -> DecisionEntry:
    outcome = "block" if number % 100 == 0 else "escalate" if number % 10 == 0 else "allow"
    rules = ["red-flag-28"] if number % 10 == 0 else []
    caller = {"account": f"acct-{number % 997}"}
    operation = "Rare" if number % 5_000 == 7 else "RunInstances"
    record = {
        "type": "decision",
        "decision_id": f"dec_{number}",
        "at": (AT + timedelta(minutes=number)).isoformat(),
        "acted": "pass" if outcome == "allow" else "refuse",
        "outcome": outcome,
        "rules": rules,
        "request": {"provider": ("aws", "gcp")[number % 2], "operation": operation, "caller": caller},
        "facts": {"customer": {"id": f"p{number % 499}"}, "filled": "x" * 3_000},
        "decision": {"outcome": outcome, "findings": [{"rule": rule, "counts": True} for rule in (*rules, "quiet")]},
    }
    return DecisionEntry(decision_id=f"dec_{number}", record=record, party_id=f"p{number % 499}")


async def _cost(search: Callable[[], Awaitable[object]]) -> float:
    """Return the milliseconds of the processor that a search takes."""
    taken = []
    for _ in range(TIMES):
        started = time.process_time()
        await search()
        taken.append(time.process_time() - started)
    return statistics.median(taken) * 1000
