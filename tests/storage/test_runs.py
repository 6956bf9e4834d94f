"""Runs in time: what goes on accrues, what ends counts for what it took, and pieces never count for less."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyc_gate.errors import InputError
from kyc_gate.model.usage import RunEnd, Usage
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.spread import DAY_SECONDS, OPERATIONS_A_UNIT, spread
from kyc_gate.storage.sqlite import SqliteStore

from .samples import NOW, hold_request


@pytest.fixture
def store(any_store: RowStore) -> RowStore:
    """Every behaviour here is proved on each engine."""
    return any_store


DAY = timedelta(days=1)
RATE = 10**18
MONTH = 30 * DAY_SECONDS


def machines(number: int = 1, **changes: object) -> object:
    """Machines without a stated end, projected over thirty days."""
    return hold_request(
        likely=number * RATE * MONTH, high=3 * number * RATE * MONTH, seconds=MONTH, open_ended=True, **changes
    )


async def usage_at(store: RowStore, at: datetime, *, days: int = 365, ahead: timedelta = 30 * DAY) -> Usage:
    """Usage as it would be read at a time."""
    usage = await store.fetch_usage("group:kestrel", at - timedelta(days=days), at + ahead)
    assert usage is not None
    return usage


async def test_what_goes_on_accrues(store: RowStore) -> None:
    """An open-ended run counts up to the horizon at first, and a day more for each day that it goes on."""
    usage = await store.hold(machines())
    assert (usage.likely, usage.running) == (RATE * MONTH, 1)
    for days in (1, 17, 200):
        later = await usage_at(store, NOW + days * DAY)
        assert later.likely == RATE * (MONTH + days * DAY_SECONDS)
        assert (await usage_at(store, NOW + days * DAY, ahead=timedelta())).likely == RATE * days * DAY_SECONDS


async def test_a_run_counts_where_it_falls_into_the_window(store: RowStore) -> None:
    """Of a run that began before the window, only what falls into it counts there; all of it counts ever."""
    await store.hold(machines())
    later = await usage_at(store, NOW + 400 * DAY, days=10, ahead=timedelta())
    assert later.likely == RATE * (10 * DAY_SECONDS + DAY_SECONDS // 2)  # the window begins with a whole day
    assert later.total_likely == RATE * 400 * DAY_SECONDS


async def test_a_stop_ends_the_projection(store: RowStore) -> None:
    """A run that is over counts for the time that it took, and its end is an audit record."""
    usage = await store.hold(machines())
    await store.settle(usage.hold_id)
    ended = NOW + timedelta(hours=5)
    (run,) = await store.finish(RunEnd(ended_at=ended, at=ended, source="platform", hold_id=usage.hold_id))
    assert (run.finished, run.ends_at) == (True, ended)
    left = await usage_at(store, NOW + 100 * DAY)
    assert (left.likely, left.running, left.accounts) == (RATE * 5 * 3600, 0, 1)
    records = [record async for record in store.records()]
    assert records[-1]["type"] == "run.finished"
    assert records[-1]["likely"] == RATE * 5 * 3600


async def test_only_the_unused_part_is_given_back(store: RowStore) -> None:
    """A job cancelled after 99 % of its time keeps 99 % of its operations."""
    usage = await store.hold(hold_request(likely=RATE * 100_000, high=RATE * 100_000, seconds=100_000))
    ended = NOW + timedelta(seconds=99_000)
    await store.finish(RunEnd(ended_at=ended, at=ended, source="platform", hold_id=usage.hold_id))
    assert (await usage_at(store, ended)).likely == RATE * 99_000


async def test_more_than_was_held_cannot_be_given_back(store: RowStore) -> None:
    """An end before the start is refused, and nothing changes: usage never falls below nothing."""
    usage = await store.hold(machines())
    before = await usage_at(store, NOW)
    for ended, started in ((NOW - DAY, None), (NOW, NOW + timedelta(minutes=1)), (NOW + DAY, None)):
        end = RunEnd(ended_at=ended, started_at=started, at=NOW, source="platform", hold_id=usage.hold_id)
        with pytest.raises(InputError):
            await store.finish(end)
    assert await usage_at(store, NOW) == before


async def test_true_usage_raises_too(store: RowStore) -> None:
    """A job that really began earlier and ended later than planned counts for all of it."""
    usage = await store.hold(hold_request(likely=RATE * 3_600, high=RATE * 3_600, seconds=3_600))
    end = RunEnd(
        started_at=NOW - timedelta(hours=1),
        ended_at=NOW + timedelta(hours=9),
        at=NOW + timedelta(hours=9),
        source="platform",
        hold_id=usage.hold_id,
    )
    await store.finish(end)
    assert (await usage_at(store, NOW)).likely == RATE * 36_000
    await store.finish(end)
    assert len([record async for record in store.records()]) == 1


async def test_each_machine_ends_on_its_own(store: RowStore) -> None:
    """Of four machines held together, two that stop take half of the pace with them; a stop told twice ends one."""
    usage = await store.hold(machines(4))
    names = [f"instance:i-{number}" for number in range(4)]
    await store.attach(usage.hold_id, "aws:111122223333", names, NOW)
    at = NOW + 10 * DAY
    for name in (*names[:2], names[0]):
        end = RunEnd(ended_at=at, at=at, source="call", account="aws:111122223333", reference=name)
        await store.finish(end)
    later = await usage_at(store, NOW + 20 * DAY, ahead=timedelta())
    assert later.likely == RATE * (4 * 10 + 2 * 10) * DAY_SECONDS
    for name in names[2:]:
        await store.finish(RunEnd(ended_at=at, at=at, source="call", account="aws:111122223333", reference=name))
    assert (await usage_at(store, NOW + 90 * DAY)).likely == RATE * 40 * DAY_SECONDS


async def test_another_account_ends_nothing(store: RowStore) -> None:
    """A name belongs to the account whose run it is."""
    usage = await store.hold(machines())
    await store.attach(usage.hold_id, "aws:111122223333", ["instance:i-1"], NOW)
    end = RunEnd(ended_at=NOW, at=NOW, source="call", account="aws:999999999999", reference="instance:i-1")
    assert await store.finish(end) == ()
    assert (await usage_at(store, NOW)).running == 1


async def test_runs_are_found_by_their_names_while_they_go_on(store: RowStore) -> None:
    """A name finds every run that it was given to, in its own account only, until the run is over or given back."""
    first, second, third = [await store.hold(machines(key=key)) for key in ("a", "b", "c")]
    for usage in (first, second, third):
        await store.attach(usage.hold_id, "kubernetes:c", ("root:u", "object:u"), NOW)
    await store.release(third.hold_id)
    await store.ready()
    found = await store.fetch_runs_named("kubernetes:c", "root:u")
    assert {run.hold_id for run in found} == {first.hold_id, second.hold_id}
    assert set(found[0].references) == {"root:u", "object:u"}
    assert await store.fetch_runs_named("kubernetes:d", "root:u") == ()
    assert await store.fetch_runs_named("kubernetes:c", "root:v") == ()
    await store.finish(RunEnd(ended_at=NOW + DAY, at=NOW + DAY, source="call", hold_id=first.hold_id))
    (left,) = await store.fetch_runs_named("kubernetes:c", "object:u")
    assert left.hold_id == second.hold_id


async def test_a_machine_that_starts_anew_runs_once(store: RowStore) -> None:
    """An instance whose stop nobody saw is over when it starts again: one machine is never two."""
    first = await store.hold(machines())
    await store.attach(first.hold_id, "aws:111122223333", ["instance:i-1"], NOW)
    at = NOW + DAY
    second = await store.hold(machines(at=at))
    await store.attach(second.hold_id, "aws:111122223333", ["instance:i-1"], at)
    usage = await usage_at(store, NOW + 2 * DAY, ahead=timedelta())
    assert (usage.likely, usage.running) == (2 * RATE * DAY_SECONDS, 1)


async def test_usage_follows_the_control_group(store: RowStore) -> None:
    """What an account used before anybody knew whose it is counts for the party that it turns out to be."""
    await store.hold(machines(control_group="account:aws:111122223333", party_id=""))
    usage = await store.hold(machines())
    assert usage.likely == 2 * RATE * MONTH
    assert await store.follow_group("aws:111122223333", "kestrel", "group:lark")
    assert await store.fetch_usage("group:kestrel", NOW - DAY, NOW) is None


async def test_sums_of_party_and_account(store: RowStore) -> None:
    """Usage names what the request's own party and account have of it."""
    await store.hold(machines(account="aws:1"))
    await store.hold(machines(account="aws:2"))
    usage = await store.hold(machines(account="aws:1", party_id="lark"))
    assert (usage.likely, usage.party, usage.account) == (3 * RATE * MONTH, RATE * MONTH, 2 * RATE * MONTH)


piece = st.tuples(st.integers(1, 40 * DAY_SECONDS), st.integers(1, 8))


@given(st.integers(0, 3 * DAY_SECONDS), st.lists(piece, min_size=1, max_size=8), st.integers(1, 10**17))
def test_pieces_never_add_up_to_less(start: int, pieces: list[tuple[int, int]], rate: int) -> None:
    """Whoever splits a run over time and over machines has, on each day, at least what the run in one would have."""
    whole: dict[int, int] = {}
    split: dict[int, int] = {}
    end = start + sum(seconds for seconds, _ in pieces)
    _add(whole, start, end, rate)
    for seconds, machines_of_piece in pieces:
        for _ in range(machines_of_piece):
            _add(split, start, start + seconds, -(-rate // machines_of_piece))
        start += seconds
    assert all(split.get(day, 0) >= amount for day, amount in whole.items())


def _add(days: dict[int, int], start: int, end: int, rate: int) -> None:
    found = spread(start, end, rate, rate)
    assert found.last_day is not None
    days[found.first_day] = days.get(found.first_day, 0) + found.first_likely
    for day in range(found.first_day + 1, found.last_day):
        days[day] = days.get(day, 0) + found.daily_likely
    if found.last_day > found.first_day:
        days[found.last_day] = days.get(found.last_day, 0) + found.last_likely


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.tuples(st.integers(1, 20 * DAY_SECONDS), st.integers(1, 5)), min_size=1, max_size=6))
async def test_the_ledger_never_says_less_of_pieces(store: RowStore, pieces: list[tuple[int, int]]) -> None:
    """A run split over time and over accounts of one control group is no smaller in any window."""
    marks = f"{pieces}"
    seconds = sum(length for length, _ in pieces)
    rate = 7 * 10**17 + 1
    whole = hold_request(
        likely=rate * seconds, high=rate * seconds, seconds=seconds, control_group=f"w{marks}", party_id=f"w{marks}"
    )
    await store.hold(whole)
    start = NOW
    for length, accounts in pieces:
        for account in range(accounts):
            share = -(-rate * length // accounts)
            await store.hold(
                hold_request(
                    likely=share,
                    high=share,
                    seconds=length,
                    at=start,
                    account=f"aws:{account}",
                    control_group=f"s{marks}",
                    party_id=f"s{marks}",
                )
            )
        start += timedelta(seconds=length)
    for since in (NOW - 400 * DAY, NOW + DAY, NOW + 9 * DAY):
        one = await store.fetch_usage(f"w{marks}", since, NOW)
        many = await store.fetch_usage(f"s{marks}", since, NOW)
        assert (many.likely if many else 0) >= (one.likely if one else 0)


async def test_a_ledger_of_the_first_schema_keeps_its_sums(file: Path) -> None:
    """What was held before runs had a length counts in full after the migration."""
    from kyc_gate.storage import schema

    connection = sqlite3.connect(file)
    connection.executescript(schema.MIGRATIONS[0])
    for number, state in enumerate(("held", "settled", "released")):
        connection.execute(
            "INSERT INTO holds VALUES (?, 'aws:1', ?, 'f', 'group:kestrel', 'kestrel', 5, 7, ?, ?, ?)",
            (f"hold_{number}", str(number), NOW.timestamp() // 86400, int(NOW.timestamp()) * 1_000_000, state),
        )
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    store = SqliteStore(file)
    await store.open()
    usage = await usage_at(store, NOW)
    assert (usage.likely, usage.high, usage.accounts) == (10 * OPERATIONS_A_UNIT, 14 * OPERATIONS_A_UNIT, 1)
    await store.release("hold_0")
    assert (await usage_at(store, NOW)).likely == 5 * OPERATIONS_A_UNIT
    await store.close()
