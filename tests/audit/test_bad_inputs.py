"""Faults of the disk, the database and the clock: what each row of the catalogue asks for, here or where it says."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from catalogue import rows_of, stands
from gates import company, job, make_gate
from gateway.test_serve import call, configuration, serving
from msgspec.structs import replace
from storage.samples import decision_entry
from storage.test_faults import file_size_limit
from wire import exchange, status_of, upstream

from kyc_gate import Outcome
from kyc_gate.audit.checkpoint import Checkpoint, new_signer, read_checkpoint
from kyc_gate.errors import ChainBroken, InputError, StorageFault
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind
from kyc_gate.service.upkeep import Upkeep
from kyc_gate.storage.sqlite import SqliteStore

# ruff: noqa: ASYNC110, ASYNC240 - these tests do to files, at a chosen moment, what a fault does

SIGNER, LATER = new_signer("kyc.example/gate"), new_signer("kyc.example/gate")
SMALL = ProvisioningRequest(
    provider="generic",
    service="compute",
    operation="CreateTrainingJob",
    kind=RequestKind.CREATE,
    lines=(Accelerators(model="H100 SXM", count=8),),
    duration_seconds=3600,
    caller=Caller(account="acct-norge", verified=True),
    fingerprint="f" * 64,
)


async def nothing_passes_unrecorded(folder: Path) -> None:
    """While the disk takes nothing, calls are answered 503 and none is forwarded; then they pass again."""
    async with upstream() as cloud, serving(make_gate(folder, decision_seconds=0.9), configuration(cloud.url)) as at:
        assert status_of(await exchange(at[0], call("acct-norge", job()))) == 200
        before = len(cloud.received)
        with file_size_limit(0):
            for _ in range(3):
                assert status_of(await exchange(at[0], call("acct-norge", job()))) == 503
            ready = await exchange(at[1], b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(ready) == 503
        assert len(cloud.received) == before
        async with asyncio.timeout(5):
            while status_of(await exchange(at[0], call("acct-norge", job()))) != 200:
                await asyncio.sleep(0.05)


async def a_copy_without_its_log_is_found(folder: Path, *, remove: bool = False) -> None:
    """Without the write-ahead log the newest records are not there: the last checkpoint tells."""
    source, copy = folder / "a.db", folder / "b.db"
    store = SqliteStore(source)
    await store.open()
    for number in range(20):
        await store.append(decision_entry(f"dec_{number}"))
    signed = await store.sign_checkpoint(SIGNER)
    assert signed is not None
    shutil.copy(source, copy)
    if not remove:
        shutil.copy(f"{source}-wal", f"{copy}-wal")
        whole = SqliteStore(copy)
        await whole.open()
        assert (await whole.verify(checkpoints=[signed])).records == 20
        await whole.close()
        for file in folder.glob("b.db*"):
            file.unlink()
        shutil.copy(source, copy)
    cut = SqliteStore(copy)
    with pytest.raises((ChainBroken, StorageFault)):
        await opened_and_verified(cut, signed)
    await cut.close()
    await store.close()


async def opened_and_verified(store: SqliteStore, signed: Checkpoint) -> None:
    """Open a store, and verify it against a checkpoint."""
    await store.open()
    await store.verify(checkpoints=[signed])


async def its_log_is_deleted(folder: Path) -> None:
    """The log is gone after a crash: the last checkpoint tells."""
    await a_copy_without_its_log_is_found(folder, remove=True)


async def keys_change(folder: Path) -> None:
    """After a change of keys each verifies what it signed, and neither what the other did."""
    store = SqliteStore(folder / "state.db")
    await store.open()
    await store.append(decision_entry("dec_1"))
    one = await store.sign_checkpoint(SIGNER)
    await store.append(decision_entry("dec_2"))
    two = await store.sign_checkpoint(LATER)
    assert one is not None
    assert two is not None
    keys = [SIGNER.verifier, LATER.verifier]
    known = [read_checkpoint(each.note, keys) for each in (one, two)]
    assert (await store.verify(checkpoints=known)).checkpoints == 2
    with pytest.raises(ChainBroken, match="no known key"):
        read_checkpoint(one.note, [LATER.verifier])
    await store.close()


async def the_clock_goes_back(folder: Path) -> None:
    """An hour back: positions still order the records, what is held still counts, and the jump is told."""
    async with make_gate(folder) as gate:
        await gate.decide(SMALL)
        back = datetime.now(UTC) - timedelta(hours=1)
        gate.now = lambda: back  # type: ignore[method-assign]
        again = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert again.decision is not None
        records = [record async for record in gate.store.records()]
        assert [record["position"] for record in records] == [1, 2]
        assert str(records[1]["at"]) < str(records[0]["at"])
        first, second = (record["facts"]["operations"]["projected"] for record in records)  # type: ignore[index]
        assert second >= 2 * first * 0.99
        assert (await gate.store.verify()).backwards == 1
        upkeep = Upkeep()
        upkeep.compare_clocks(datetime.now(UTC))
        upkeep.compare_clocks(back)
        assert upkeep.jumps == 1


async def the_clock_goes_far_ahead(folder: Path) -> None:
    """Two years ahead: lists and vetting are old, so that everything waits; nothing is erased by itself."""
    async with make_gate(folder) as gate:
        passed = await gate.decide(SMALL)
        assert passed.outcome is Outcome.ALLOW
        ahead = datetime.now(UTC) + timedelta(days=730)
        gate.now = lambda: ahead  # type: ignore[method-assign]
        waits = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert waits.outcome is Outcome.ESCALATE
        readiness = await gate.readiness()
        assert "the restricted-party lists are stale" in readiness.reasons
        gate.upkeep.compare_clocks(datetime.now(UTC))
        await gate.upkeep.look(gate)
        assert gate.upkeep.jumps == 1
        record = await gate.store.fetch_decision(str(passed.decision_id))
        assert record is not None
        assert "facts" in record


async def time_is_utc(folder: Path) -> None:
    """In a zone with summer time, wherever the machine stands, records are in UTC."""
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = "America/New_York"
        time.tzset()
        async with make_gate(folder) as gate:
            await gate.decide(SMALL)
            (record,) = [record async for record in gate.store.records()]
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()
    at = datetime.fromisoformat(str(record["at"]))
    assert at.utcoffset() == timedelta(0)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 600


async def a_record_is_bounded(folder: Path) -> None:
    """What is too large is refused with its size and the bound, and the store goes on."""
    store = SqliteStore(folder / "state.db")
    await store.open()
    large = decision_entry("dec_1")
    large.record["padding"] = "x" * 5_000_000
    with pytest.raises(InputError, match="at most 4194304"):
        await store.append(large)
    await store.append(decision_entry("dec_2"))
    assert (await store.verify()).records == 1
    await store.close()


async def half_a_character_is_kept(folder: Path) -> None:
    """A lone surrogate in a name is recorded and read back as it came."""
    async with make_gate(folder) as gate:
        party = replace(company("half", "Norway"), name="Half \ud800 Computing")
        made = await gate.decide(SMALL, party=party)
        assert made.decision is not None
        record = await gate.store.fetch_decision(str(made.decision_id))
        assert record is not None
        assert record["facts"]["customer"]["name"] == party.name  # type: ignore[index]
        assert (await gate.store.verify()).records == 1


@contextmanager
def few_inodes(folder: Path) -> Iterator[Path]:
    """A file system that runs out of inodes before it runs out of space."""
    disk = folder / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    options = "size=20m,nr_inodes=12"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


async def no_inode_is_left(folder: Path) -> None:
    """Without an inode for its files a store does not open; with one it does."""
    with few_inodes(folder) as disk:
        taken = []
        while True:
            try:
                taken.append(disk / f"f{len(taken)}")
                taken[-1].touch()
            except OSError:
                break
        store = SqliteStore(disk / "state.db")
        with pytest.raises(StorageFault):
            await store.open()
        for file in taken[:-1]:
            file.unlink()
        await store.open()
        await store.append(decision_entry("dec_1"))
        await store.close()


async def the_gate_is_full(folder: Path) -> None:
    """Beyond the decisions that may be made at once a call is answered 503, and not let through."""
    gate = make_gate(folder, concurrent_decisions=1)
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, _):
        async with gate._admitted:
            assert status_of(await exchange(port, call("acct-norge", job()))) == 503
        assert cloud.received == []
        assert status_of(await exchange(port, call("acct-norge", job()))) == 200


async def the_server_is_asked_to_stop(folder: Path) -> None:
    """Two hundred calls are under way: each is answered or refused, and each that passed is on record."""
    async with upstream() as cloud:
        cloud.hold.clear()
        settings = configuration(cloud.url, upstream_seconds=20)
        async with serving(make_gate(folder), settings) as (port, _):
            under_way = [asyncio.create_task(exchange(port, call("acct-norge", job()))) for _ in range(200)]
            await cloud.arrived.wait()
            asyncio.get_running_loop().call_later(0.5, cloud.hold.set)
        answers = await asyncio.gather(*under_way, return_exceptions=True)
    statuses = [status_of(raw) for raw in answers if isinstance(raw, bytes) and raw]
    passed = statuses.count(200)
    assert passed > 0
    assert set(statuses) <= {200, 503}
    store = SqliteStore(folder / "gate.db")
    await store.open()
    acted = [record async for record in store.records() if record.get("acted") == "pass"]
    await store.close()
    assert len(acted) >= len(cloud.received) >= passed


Check = Callable[[Path], Awaitable[None]]

ROWS: dict[str, Check | str] = {
    "001": nothing_passes_unrecorded,
    "002": "storage/test_faults.py::test_an_fsync_that_fails",
    "003": "storage/test_faults.py::test_a_disk_that_is_read_only",
    "004": "asgi/test_kills.py::test_ten_kills",
    "005": "asgi/test_kills.py::test_ten_kills",
    "006": "asgi/test_kills.py::test_a_thousand_kills",
    "007": "storage/test_power_loss.py::test_hundreds_of_power_cuts",
    "008": a_copy_without_its_log_is_found,
    "009": its_log_is_deleted,
    "010": "storage/test_record.py::test_a_thousand_manipulations_of_the_stored_log_are_found",
    "011": "audit/test_verify.py::test_the_message_names_the_record",
    "012": "audit/test_verify.py::test_harm_anywhere_before_the_end_is_found",
    "013": "storage/test_record.py::test_a_thousand_manipulations_of_the_stored_log_are_found",
    "014": "storage/test_races.py::test_processes_race_on_one_file",
    "015": "cli/test_audit.py::test_a_gate_signs_what_it_records",
    "016": keys_change,
    "017": the_clock_goes_back,
    "018": the_clock_goes_far_ahead,
    "019": time_is_utc,
    "020": a_record_is_bounded,
    "021": half_a_character_is_kept,
    "022": "storage/test_postgres.py::test_a_server_that_crashes_loses_nothing",
    "023": "storage/test_postgres.py::test_connections_that_are_cut_lose_nothing",
    "024": "audit/test_bad_inputs.py::test_what_a_lagging_replica_may_lose_is_documented",
    "025": the_gate_is_full,
    "026": "storage/test_postgres.py::test_no_state_of_a_session_is_relied_on",
    "027": "storage/test_schema.py::test_a_step_that_fails_leaves_nothing",
    "028": "storage/test_schema.py::test_a_newer_schema_is_refused",
    "029": no_inode_is_left,
    "030": "storage/test_faults.py::test_out_of_file_descriptors",
    "031": "storage/test_postgres.py::test_a_replica_that_is_killed_holds_up_nobody",
    "032": the_server_is_asked_to_stop,
}
"""By the number of the row: what tries it here, or the test that does elsewhere."""


@pytest.mark.parametrize("number", [number for number, check in ROWS.items() if not isinstance(check, str)])
async def test_row(number: str, tmp_path: Path) -> None:
    """Each fault of the catalogue has the answer that it asks for."""
    check = ROWS[number]
    assert not isinstance(check, str)
    await check(tmp_path)


def test_no_row_is_left_out(shared_data: Path) -> None:
    """Every fault of the catalogue is tried, and each test that is named exists."""
    assert {id.removeprefix("storage_fault-") for id in rows_of(shared_data, "storage_fault")} == set(ROWS)
    assert [check for check in ROWS.values() if isinstance(check, str) and not stands(check)] == []


def test_what_a_lagging_replica_may_lose_is_documented() -> None:
    """The page on the store says which setting of PostgreSQL keeps what, when a standby takes over."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert "synchronous_standby_names" in page
    assert "remote_apply" in page
