"""The compute ledger: every counting hold is in the sum, once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from kyc_gate.errors import IdempotencyConflict, InputError
from kyc_gate.model.splitting import Linked, Near, Resumed
from kyc_gate.model.usage import MeteredRun, RunEnd, Usage
from kyc_gate.storage.ledger import OPERATIONS_A_UNIT, REPLAY_SECONDS
from kyc_gate.storage.rowstore import RowStore

from .conftest import Maker
from .samples import NOW, OPERATIONS, decision_entry, hold_request


@pytest.fixture
def store(any_store: RowStore) -> RowStore:
    """Every behaviour here is proved on each engine."""
    return any_store


async def test_usage_includes_the_hold(store: RowStore) -> None:
    """The first hold sees itself, the second sees both."""
    first = await store.hold(hold_request())
    second = await store.hold(hold_request(account="aws:444455556666"))
    assert (first.likely, first.high, first.accounts) == (OPERATIONS, 3 * OPERATIONS, 1)
    assert (second.likely, second.high, second.accounts) == (2 * OPERATIONS, 6 * OPERATIONS, 2)
    assert first.hold_id.startswith("hold_")
    assert len(first.hold_id) == len("hold_") + 32


async def test_groups_are_apart(store: RowStore) -> None:
    """What one control group holds does not bear on another."""
    await store.hold(hold_request())
    other = await store.hold(hold_request(control_group="group:lark", party_id="lark", account="aws:444455556666"))
    assert (other.likely, other.accounts) == (OPERATIONS, 1)


async def test_amounts_are_rounded_up(store: RowStore) -> None:
    """A hold of one operation counts as a whole unit: the ledger errs on the strict side."""
    usage = await store.hold(hold_request(likely=1, high=OPERATIONS_A_UNIT + 1))
    assert (usage.likely, usage.high) == (OPERATIONS_A_UNIT, 2 * OPERATIONS_A_UNIT)


async def test_nothing_asked_for_counts_as_nothing(store: RowStore) -> None:
    """A hold of no operations adds none, and its account counts."""
    usage = await store.hold(hold_request(likely=0, high=0))
    assert (usage.likely, usage.high, usage.accounts) == (0, 0, 1)


@pytest.mark.parametrize(
    ("kind", "accounts", "links"),
    [
        ("image", 10, True),
        ("image", 11, False),
        ("checkpoint", 50, True),
        ("checkpoint", 51, False),
        ("output", 51, True),
    ],
)
async def test_what_many_name_is_public_but_for_an_output(
    store: RowStore, kind: str, accounts: int, links: bool
) -> None:
    """A value that many strangers name links nobody; where output goes is shared by pieces only, however many."""
    named: dict[str, Any] = {"links": ((kind, "a" * 32),)}
    for number in range(accounts):
        stranger = f"stranger-{number}"
        await store.hold(hold_request(**named, control_group=stranger, party_id=stranger, account=stranger))
    pieces = (await store.hold(hold_request(**named))).pieces
    usage = await store.fetch_usage(hold_request().control_group, NOW, NOW, named["links"])
    assert pieces is not None
    assert usage is not None
    assert usage.pieces is not None
    assert bool(pieces.linked) is links
    assert pieces.linked_operations == (min(accounts, 50) * OPERATIONS if links else 0)


async def test_pieces_are_told_with_who_and_when(store: RowStore) -> None:
    """Requests near a line and from one checkpoint: how many, of which accounts, over which days, of whom else."""
    named: dict[str, Any] = {"links": (("checkpoint", "a" * 32),), "lines": (OPERATIONS + 1,)}
    day = timedelta(days=1)
    await store.hold(hold_request(**named))
    await store.hold(hold_request(**named, at=NOW + day))
    await store.hold(hold_request(**named, account="aws:222222222222"))
    await store.hold(hold_request(likely=OPERATIONS // 2, lines=(OPERATIONS + 1,)))
    await store.hold(hold_request(**named, control_group="group:lark", party_id="lark", account="aws:333333333333"))
    now = NOW + 2 * day
    pieces = (await store.peek(hold_request(**named, at=now))).pieces
    assert pieces is not None
    first, last = NOW.date().isoformat(), (NOW + day).date().isoformat()
    own = hold_request().account
    assert pieces.kept_near == (
        Near(account=own, runs=2, first=first, last=last),
        Near(account="aws:222222222222", runs=1, first=first, last=first),
    )
    assert (pieces.asked_runs, pieces.near_runs) == (4, 3)
    accounts = tuple(sorted([own, "aws:222222222222", "aws:333333333333"]))
    assert pieces.resumed == (Resumed(kind="checkpoint", runs=4, accounts=accounts, since=first),)
    assert pieces.restarts == 4
    assert pieces.linked == (Linked(kind="checkpoint", accounts=("aws:333333333333",), since=first),)


async def test_what_is_not_near_a_line_is_not_told(store: RowStore) -> None:
    """Below four fifths of a line, and at it, nobody keeps near it."""
    for likely in (OPERATIONS // 2, OPERATIONS):
        await store.hold(hold_request(likely=likely, lines=(OPERATIONS,)))
    pieces = (await store.peek(hold_request(lines=(OPERATIONS,)))).pieces
    assert pieces is not None
    assert (pieces.kept_near, pieces.resumed, pieces.asked_runs) == ((), (), 2)


async def test_the_same_key_gives_the_same_hold(store: RowStore) -> None:
    """A replay has the first hold, and current usage."""
    first = await store.hold(hold_request("token"))
    await store.hold(hold_request())
    again = await store.hold(hold_request("token"))
    assert again.hold_id == first.hold_id
    assert again.replayed
    assert again.likely == 2 * OPERATIONS


async def test_fifty_at_once_with_one_key_hold_once(store: RowStore) -> None:
    """The same key sent fifty times in parallel reserves once."""
    usages = await asyncio.gather(*[store.hold(hold_request("token")) for _ in range(50)])
    assert len({usage.hold_id for usage in usages}) == 1
    assert sum(usage.replayed for usage in usages) == 49
    assert {usage.likely for usage in usages} == {OPERATIONS}


async def test_a_key_with_another_request_is_a_conflict(store: RowStore) -> None:
    """A key stands for one request; nothing is reserved for the other."""
    await store.hold(hold_request("token"))
    for door in (store.hold, store.peek):
        with pytest.raises(IdempotencyConflict):
            await door(hold_request("token", fingerprint="e" * 64))
    usage = await store.fetch_usage("group:kestrel", NOW)
    assert usage is not None
    assert usage.likely == OPERATIONS


async def test_keys_of_accounts_are_apart(store: RowStore) -> None:
    """Another account may use the same key for anything."""
    first = await store.hold(hold_request("token"))
    other = await store.hold(hold_request("token", account="aws:444455556666", fingerprint="e" * 64))
    assert other.hold_id != first.hold_id
    assert not other.replayed


async def test_a_released_key_holds_afresh(store: RowStore) -> None:
    """A key whose hold was given back takes a new one, which a late release of the old one does not touch."""
    first = await store.hold(hold_request("token"))
    await store.release(first.hold_id)
    again = await store.hold(hold_request("token"))
    assert again.hold_id != first.hold_id
    assert not again.replayed
    await store.release(first.hold_id)
    assert await _likely(store) == OPERATIONS


async def test_a_key_is_not_kept_for_ever(store: RowStore) -> None:
    """A key that returns after a day may start new machines, so it holds again."""
    first = await store.hold(hold_request("token"))
    within = await store.hold(hold_request("token", at=NOW + timedelta(seconds=REPLAY_SECONDS - 1)))
    after = await store.hold(hold_request("token", at=NOW + timedelta(seconds=REPLAY_SECONDS)))
    assert within.hold_id == first.hold_id
    assert after.hold_id != first.hold_id
    assert after.likely == 2 * OPERATIONS


async def test_a_replay_that_asks_for_more_counts_for_more(store: RowStore) -> None:
    """What a reference stands for may have been learned since: the hold rises, and never falls."""
    first = await store.hold(hold_request("token", likely=0, high=0))
    more = await store.hold(hold_request("token"))
    less = await store.hold(hold_request("token", likely=1, high=1))
    assert first.likely == 0
    assert (more.likely, more.high) == (less.likely, less.high) == (OPERATIONS, 3 * OPERATIONS)


async def test_a_replay_follows_its_control_group(store: RowStore) -> None:
    """A hold moves to the control group that its account has now."""
    await store.hold(hold_request("token"))
    moved = await store.hold(hold_request("token", control_group="group:lark"))
    assert (moved.likely, moved.accounts) == (OPERATIONS, 1)
    assert await store.fetch_usage("group:kestrel", NOW) is None


async def test_settled_stays_and_released_goes(store: RowStore) -> None:
    """Doing either twice, or releasing what is settled, changes nothing; settling what was released counts it again."""
    settled = await store.hold(hold_request())
    released = await store.hold(hold_request(account="aws:444455556666"))
    for _ in range(2):
        await store.settle(settled.hold_id)
        await store.release(released.hold_id)
        await store.release(settled.hold_id)
        assert await _likely(store) == OPERATIONS
    await store.settle(released.hold_id)
    await store.release(released.hold_id)
    assert await _likely(store) == 2 * OPERATIONS


async def test_an_unknown_hold_is_nobodys(store: RowStore) -> None:
    """Settling or releasing what is not on file changes nothing."""
    await store.settle("hold_0")
    await store.release("hold_0")
    assert await store.fetch_usage("group:kestrel", NOW) is None


async def test_an_operator_lets_a_hold_lapse(store: RowStore) -> None:
    """A hold that waits lapses once, and is on record as such; a settled one never does."""
    waiting = await store.hold(hold_request())
    settled = await store.hold(hold_request())
    await store.settle(settled.hold_id)
    said: dict[str, Any] = {"by": "vera", "because": "the job's queue was emptied", "at": NOW}
    assert await store.expire(waiting.hold_id, **said)
    for hold_id in (waiting.hold_id, settled.hold_id, "hold_0"):
        assert not await store.expire(hold_id, **said)
    assert await _likely(store) == OPERATIONS
    (record,) = [record async for record in store.records()]
    assert (record["type"], record["hold_id"], record["by"]) == ("hold.expired", waiting.hold_id, "vera")


async def test_peeking_reserves_nothing(store: RowStore) -> None:
    """A dry run sees the usage that it would have, and leaves none."""
    await store.hold(hold_request())
    for _ in range(2):
        seen = await store.peek(hold_request())
        assert (seen.likely, seen.hold_id) == (2 * OPERATIONS, "")
    assert await _likely(store) == OPERATIONS


async def test_what_no_window_reads_goes_and_no_answer_changes(store: RowStore) -> None:
    """Old links and requests are dropped; what holds are told, in any window that is kept, is the same as before."""
    rng = random.Random(4)  # noqa: S311 - any days will do
    for _ in range(60):
        group = rng.randrange(4)
        links = tuple((kind, f"{rng.randrange(6):032x}") for kind in ("checkpoint", "image", "key"))
        await store.hold(
            hold_request(
                control_group=f"group:{group}",
                party_id=f"party{group}",
                account=f"aws:{group}",
                at=NOW - timedelta(days=rng.randrange(3_000)),
                links=links,
                lines=(OPERATIONS + OPERATIONS // 10,),
            )
        )
    asked = [
        hold_request(
            control_group=f"group:{group}",
            party_id=f"party{group}",
            account=f"aws:{group}",
            links=tuple((kind, f"{number:032x}") for kind in ("checkpoint", "image", "key")),
            lines=(2 * OPERATIONS,),
            window_days=days,
        )
        for group in range(4)
        for number in range(6)
        for days in (1, 365, 1_800)
    ]
    before = [await store.peek(each) for each in asked]
    gone = await store.prune(NOW - timedelta(days=1_800))
    assert gone > 10
    assert [await store.peek(each) for each in asked] == before
    assert await store.prune(NOW - timedelta(days=1_800)) == 0


async def test_the_window_slides(store: RowStore) -> None:
    """A hold counts up to the last day of the window, and its account with it."""
    await store.hold(hold_request(account="aws:444455556666"))
    within = await store.peek(hold_request(at=NOW + timedelta(days=365)))
    after = await store.peek(hold_request(at=NOW + timedelta(days=366)))
    assert (within.likely, within.accounts) == (2 * OPERATIONS, 2)
    assert (after.likely, after.accounts) == (OPERATIONS, 1)


async def test_a_clock_set_back_forgets_nothing(store: RowStore) -> None:
    """Holds of days to come count too."""
    await store.hold(hold_request())
    assert (await store.hold(hold_request(at=NOW - timedelta(days=2)))).likely == 2 * OPERATIONS


async def test_an_account_counts_while_it_has_a_hold(store: RowStore) -> None:
    """An account is counted until the last of its holds is given back."""
    first = await store.hold(hold_request(at=NOW - timedelta(days=1)))
    second = await store.hold(hold_request())
    await store.hold(hold_request(account="aws:444455556666"))
    assert await _accounts(store) == 2
    await store.release(second.hold_id)
    assert await _accounts(store) == 2
    await store.release(first.hold_id)
    assert await _accounts(store) == 1


@pytest.mark.parametrize(
    ("likely", "high", "says"),
    [
        pytest.param(-1, 1, "`likely` operations are -1", id="negative"),
        pytest.param(1, 10**31, "more than the ledger can hold", id="beyond-64-bits"),
    ],
)
async def test_an_amount_that_cannot_be_kept_is_refused(store: RowStore, likely: int, high: int, says: str) -> None:
    """An impossible amount is an error of the request, and leaves no hold."""
    with pytest.raises(InputError, match=says):
        await store.hold(hold_request(likely=likely, high=high))
    assert await store.fetch_usage("group:kestrel", NOW) is None


async def test_a_sum_beyond_64_bits_is_refused(store: RowStore) -> None:
    """Two huge holds on one day are refused, never wrapped around; on two days the sum is exact."""
    huge = 9 * 10**30
    await store.hold(hold_request(likely=huge, high=huge))
    with pytest.raises(InputError, match="ledger can hold"):
        await store.hold(hold_request(likely=huge, high=huge))
    assert await _likely(store) == huge
    usage = await store.hold(hold_request(likely=huge, high=huge, at=NOW + timedelta(days=1)))
    assert usage.likely == 2 * huge


async def test_a_time_without_an_offset_is_refused(store: RowStore) -> None:
    """A local time could fall on either of two days."""
    with pytest.raises(InputError, match="offset"):
        await store.hold(hold_request(at=NOW.replace(tzinfo=None)))


async def test_holds_survive_a_restart(store: RowStore, make_store: Maker) -> None:
    """A hold whose outcome nobody knows keeps counting after the process is gone."""
    await store.hold(hold_request("token"))
    await store.close()
    again = make_store()
    await again.open()
    usage = await again.hold(hold_request("token"))
    await again.close()
    assert (usage.replayed, usage.likely) == (True, OPERATIONS)


async def test_the_sums_equal_the_holds(store: RowStore) -> None:
    """After two thousand random steps, usage over any window is what the counting runs add up to, one by one."""
    dice = random.Random(26)  # noqa: S311 - any steps will do
    ids: list[str] = []
    keys = [f"key{number}" for number in range(40)]
    for _ in range(2000):
        step = dice.choice(["hold", "hold", "settle", "release", "expire", "finish"])
        if step == "hold" or not ids:
            account = dice.randrange(4)
            request = hold_request(
                dice.choice(keys),
                control_group=f"group:{account % 3}",
                account=f"account:{account}",
                likely=dice.randrange(10**26),
                high=dice.randrange(10**26),
                at=NOW - timedelta(seconds=dice.randrange(400 * 3600)),
                seconds=dice.choice([3_600, 86_400, dice.randrange(3_600, 90 * 86_400)]),
                open_ended=dice.random() < 0.3,
            )
            ids.append((await store.hold(request)).hold_id)
        elif step == "finish":
            end = NOW - timedelta(seconds=dice.randrange(3600))
            with contextlib.suppress(InputError):
                await store.finish(RunEnd(ended_at=end, at=NOW, source="platform", hold_id=dice.choice(ids)))
        else:
            lapse = partial(store.expire, by="vera", because="", at=NOW)
            steps: dict[str, Callable[[str], Awaitable[object]]]
            steps = {"settle": store.settle, "release": store.release, "expire": lapse}
            await steps[step](dice.choice(ids))
    for group in range(3):
        runs = await store.fetch_runs(f"group:{group}", limit=10_000)
        assert runs
        for window, horizon in ((0, 0), (3, 30), (17, 2), (365, 30)):
            until = NOW + timedelta(days=horizon)
            since = (NOW - timedelta(days=window)).replace(hour=0)
            expected = sum((run.likely_rate * overlap(run, since, until) for run in runs), Fraction())
            usage = await store.fetch_usage(f"group:{group}", NOW - timedelta(days=window), until)
            assert usage is not None
            assert expected <= usage.likely <= expected + 2 * len(runs) * 120 * OPERATIONS_A_UNIT
            ever = sum((run.likely_rate * overlap(run, NOW - timedelta(days=999), until) for run in runs), Fraction())
            assert ever <= usage.total_likely <= ever + 2 * len(runs) * 120 * OPERATIONS_A_UNIT


def overlap(run: MeteredRun, since: datetime, until: datetime) -> Fraction:
    """Seconds of a run from a day on: to its planned end, or up to a time where nobody knows the end."""
    end = run.ends_at or until
    return Fraction(max(0, round((end - max(run.started_at, since)).total_seconds())))


async def _usage(store: RowStore) -> Usage:
    usage = await store.fetch_usage("group:kestrel", NOW - timedelta(days=365))
    assert usage is not None
    return usage


async def _likely(store: RowStore) -> int:
    return (await _usage(store)).likely


async def _accounts(store: RowStore) -> int:
    return (await _usage(store)).accounts


async def test_a_hold_that_a_decision_relies_on_is_not_given_up(store: RowStore) -> None:
    """Two replicas decide on one call: what one lets through keeps counting when the other then refuses it."""
    first = await store.hold(hold_request("token"))
    again = await store.hold(hold_request("token"))
    assert again.hold_id == first.hold_id
    await store.append(decision_entry(hold_id=again.hold_id, keep_hold=True))
    await store.append(decision_entry(hold_id=first.hold_id))
    run = await store.fetch_run(first.hold_id)
    assert run is not None
    assert run.state == "held"


@pytest.mark.parametrize("retry_first", [False, True], ids=["retry-recorded-last", "retry-recorded-first"])
async def test_a_hold_that_a_retry_relies_on_is_kept(store: RowStore, retry_first: bool) -> None:
    """The upstream refused the first call; a retry through another replica passed on the same hold, so it counts."""
    hold_id = (await store.hold(hold_request("token"))).hold_id
    assert (await store.hold(hold_request("token"))).replayed
    first = decision_entry("dec_first", hold_id=hold_id, keep_hold=True)
    retry = decision_entry("dec_retry", hold_id=hold_id, keep_hold=True, replays=True)
    for entry in (retry, first) if retry_first else (first, retry):
        await store.append(entry)
    await store.release(hold_id, "dec_first")
    await store.release(hold_id)
    assert await _likely(store) == OPERATIONS


async def test_a_hold_is_given_back_by_the_decision_that_relies_on_it(store: RowStore) -> None:
    """What the upstream refused to the only call that relies on a hold counts no longer."""
    hold_id = (await store.hold(hold_request())).hold_id
    await store.append(decision_entry("dec_only", hold_id=hold_id, keep_hold=True))
    await store.release(hold_id, "dec_other")
    assert await _likely(store) == OPERATIONS
    await store.release(hold_id, "dec_only")
    assert await _likely(store) == 0
