"""What PostgreSQL adds: replicas, retries, a server that is stopped in the middle, and one that would lose records."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from memory import memory

from kyc_gate.errors import ChainBroken, StorageFault
from kyc_gate.storage import postgres_schema
from kyc_gate.storage.postgres import PostgresStore
from kyc_gate.storage.postgres_rows import PostgresConnection
from kyc_gate.storage.rows import Contradiction, EngineFault

from .samples import NOW, OPERATIONS, decision_entry, hold_request

LIMIT = OPERATIONS
SHARE = 6 * LIMIT // 10


@pytest.fixture
def url(database: postgres.Server) -> str:
    """The address of an empty schema."""
    return database.schema()


@pytest.fixture
def own_server() -> Iterator[postgres.Server]:
    """A server that a test may stop as it likes."""
    with postgres.server(memory()) as server:
        yield server


async def decided(store: PostgresStore, group: str, account: str) -> str | None:
    """Hold, decide by the usage that came back, and record: what a gate does. Return the decision that passed."""
    usage = await store.hold(
        hold_request(control_group=group, party_id=group, account=account, likely=SHARE, high=SHARE)
    )
    passes = usage.high <= LIMIT
    entry = decision_entry(hold_id=usage.hold_id, keep_hold=passes)
    await store.append(entry)
    return entry.decision_id if passes else None


async def test_replicas_never_cross_a_line_together(url: str) -> None:
    """Three replicas race for one line a hundred times: never two pass, and most races have a winner."""
    replicas = [PostgresStore(url, deadline_seconds=20.0) for _ in range(3)]
    for replica in replicas:
        await replica.open()
    winners = 0
    for trial in range(100):
        results = await asyncio.gather(*[decided(each, f"g{trial}", f"a{n}") for n, each in enumerate(replicas)])
        passed = sum(result is not None for result in results)
        assert passed <= 1
        usage = await replicas[0].fetch_usage(f"g{trial}", NOW)
        assert (usage.high if usage else 0) == SHARE * passed
        winners += passed
    assert winners >= 60
    verified = await replicas[1].verify()
    assert verified.records == 300
    for replica in replicas:
        await replica.close()


async def test_a_chain_that_was_changed_is_found(url: str) -> None:
    """Records cannot be changed or dropped by statements, and where an owner forces it the next opening says so."""
    store = PostgresStore(url, deadline_seconds=10.0)
    await store.open()
    for _ in range(3):
        await store.append(decision_entry())
    await store.close()
    connection = PostgresConnection(url, seconds=5, application="test")
    for forbidden in ("UPDATE records SET body = 'x'", "DELETE FROM records", "TRUNCATE records"):
        with pytest.raises(EngineFault, match="never changed or dropped"):
            connection.script(forbidden)
    connection.script("ALTER TABLE records DISABLE TRIGGER USER; UPDATE records SET body = '{}' WHERE position = 2")
    connection.close()
    with pytest.raises(ChainBroken):
        await store.open()
    await store.close()


async def test_a_newer_schema_is_refused(url: str) -> None:
    """A database that a later release wrote is not touched, and the message says what to do."""
    store = PostgresStore(url, deadline_seconds=10.0)
    await store.open()
    await store.close()
    connection = PostgresConnection(url, seconds=5, application="test")
    connection.execute("INSERT INTO schema_steps VALUES (?)", (99,))
    connection.close()
    with pytest.raises(StorageFault, match="has schema 99, and this release knows"):
        await store.open()
    await store.close()


async def test_replicas_that_start_together_take_each_step_once(url: str) -> None:
    """Four openings at once of a database that is empty all succeed."""
    stores = [PostgresStore(url, deadline_seconds=20.0) for _ in range(4)]
    await asyncio.gather(*[store.open() for store in stores])
    for store in stores:
        assert await store.ready()
        await store.close()
    assert len(postgres_schema.MIGRATIONS) >= 1


async def test_a_transaction_that_met_another_is_run_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine answers with a serialization failure the same work is done again, once in its effect."""
    store = PostgresStore(url, deadline_seconds=10.0)
    await store.open()
    failures = 3
    commit = store._writer._commit  # type: ignore[union-attr]

    def failing(connection: PostgresConnection) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise EngineFault("could not serialize access", retry=True)
        commit(connection)

    monkeypatch.setattr(store._writer, "_commit", failing)
    receipt = await store.append(decision_entry("dec_1"))
    assert (receipt.position, failures) == (1, 0)
    assert (await store.verify()).records == 1
    await store.close()


async def test_a_hold_that_a_retry_lost_lets_nothing_pass(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that was answered before its transaction failed is gone, and the decision on it is refused."""
    store = PostgresStore(url, deadline_seconds=10.0)
    await store.open()
    commit = store._writer._commit  # type: ignore[union-attr]
    failed = []

    def failing(connection: PostgresConnection) -> None:
        if not failed:
            failed.append(True)
            raise EngineFault("could not serialize access", retry=True)
        commit(connection)

    monkeypatch.setattr(store._writer, "_commit", failing)
    usage = await store.hold(hold_request())
    with pytest.raises(StorageFault, match="its reservation was lost"):
        await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=True))
    assert await store.fetch_usage("group:kestrel", NOW) is None
    await store.close()


async def test_a_database_that_is_away_is_a_fault_and_then_is_not(own_server: postgres.Server) -> None:
    """While the server is away callers are told within the deadline, without its address; once it is back all works."""
    store = PostgresStore(own_server.url(), deadline_seconds=2.0)
    await store.open()
    await store.append(decision_entry("dec_1"))
    own_server.stop("immediate")
    with pytest.raises(StorageFault) as caught:
        await store.append(decision_entry("dec_2"))
    assert str(own_server.folder) not in str(caught.value)
    own_server.start()
    for _ in range(50):
        with contextlib.suppress(StorageFault):
            await store.append(decision_entry("dec_3"))
            break
        await asyncio.sleep(0.1)
    assert await store.fetch_decision("dec_1") is not None
    assert await store.fetch_decision("dec_3") is not None
    await store.verify()
    await store.close()


async def crashed(server: postgres.Server, dice: random.Random, rounds: int) -> None:
    """Stop the server without a shutdown while callers decide; every acknowledged decision is there after."""
    known: list[str] = []
    for turn in range(rounds):
        store = PostgresStore(server.url(), deadline_seconds=5.0)
        await store.open()

        acknowledged = asyncio.Event()

        async def caller(
            number: int, turn: int = turn, store: PostgresStore = store, acknowledged: asyncio.Event = acknowledged
        ) -> None:
            for step in range(10_000):
                group = f"g{turn}-{number}-{step}"
                try:
                    passed = await decided(store, group, f"a{number}")
                except StorageFault:
                    return
                if passed:
                    known.append(passed)
                    acknowledged.set()

        callers = [asyncio.create_task(caller(number)) for number in range(6)]
        await acknowledged.wait()  # a crash before that shows nothing
        await asyncio.sleep(dice.uniform(0, 0.2))
        await asyncio.to_thread(server.stop, "immediate")
        await asyncio.wait(callers)
        await store.close()
        await asyncio.to_thread(server.start)
        after = PostgresStore(server.url(), deadline_seconds=5.0)
        await after.open()
        found = {str(record["decision_id"]) async for record in after.records()}
        assert set(known) <= found
        await after.verify()
        await after.close()
    assert known
    connection = PostgresConnection(server.url(), seconds=5, application="test")
    lost = connection.execute(
        "SELECT COUNT(*) FROM holds WHERE state = 'released' AND decision_id IS NOT NULL"
    ).fetchone()[0]
    sums = connection.execute(
        "SELECT COUNT(*) FROM (SELECT holder, SUM(first_high) AS a FROM holds WHERE state IN ('held', 'settled')"
        " GROUP BY holder) h JOIN (SELECT holder, SUM(high) AS b FROM usage_by_day GROUP BY holder) u"
        " USING (holder) WHERE a <> b"
    ).fetchone()[0]
    assert (lost, sums) == (0, 0)
    connection.close()


async def test_a_server_that_crashes_loses_nothing(own_server: postgres.Server) -> None:
    """Two crashes of the server under load: nothing that was acknowledged is lost."""
    await crashed(own_server, random.Random(7), 2)  # noqa: S311 - any moments will do


@pytest.mark.long
async def test_a_hundred_crashes_lose_nothing(own_server: postgres.Server) -> None:
    """A hundred crashes of the server under load: nothing that was acknowledged is lost."""
    await crashed(own_server, random.Random(8), 100)  # noqa: S311 - any moments will do


_REPLICA = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from storage.samples import decision_entry, hold_request
from kyc_gate.storage.postgres import PostgresStore

async def main():
    store = PostgresStore(sys.argv[1], deadline_seconds=20.0)
    await store.open()
    async def caller(number):
        while True:
            usage = await store.hold(hold_request(account=f"a{number}", likely=10**15, high=10**15))
            entry = decision_entry(hold_id=usage.hold_id, keep_hold=True)
            await store.append(entry)
            os.write(1, (entry.decision_id + chr(10)).encode())
    await asyncio.gather(*[caller(number) for number in range(4)])

asyncio.run(main())
"""


async def test_connections_that_are_cut_lose_nothing(url: str) -> None:
    """Every connection of the store is cut again and again under load: nothing is lost, and nothing counted twice."""
    store = PostgresStore(url, deadline_seconds=5.0)
    await store.open()
    known: list[str] = []
    stop = asyncio.Event()

    async def caller(number: int) -> None:
        step = 0
        while not stop.is_set():
            step += 1
            with contextlib.suppress(StorageFault):
                passed = await decided(store, f"g{number}-{step}", f"a{number}")
                known.extend([passed] if passed else [])

    callers = [asyncio.create_task(caller(number)) for number in range(4)]
    connection = PostgresConnection(url, seconds=5, application="test")
    cuts = 0
    for _ in range(10):
        await asyncio.sleep(0.3)
        cuts += len(
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND application_name LIKE 'kyc_gate%'"
            ).fetchall()
        )
    stop.set()
    await asyncio.gather(*callers)
    assert cuts > 5
    assert known
    found = [str(record.get("decision_id")) async for record in store.records() if record["type"] == "decision"]
    assert set(known) <= set(found)
    assert len(found) == len(set(found))
    counted = connection.execute(
        "SELECT control_group FROM holds WHERE state IN ('held', 'settled') GROUP BY control_group HAVING COUNT(*) > 1"
    ).fetchall()
    assert counted == []
    connection.close()
    await store.verify()
    await store.close()


def test_no_state_of_a_session_is_relied_on() -> None:
    """No statement leaves anything in its session, so that a pool which hands out sessions by transaction will do."""
    folder = Path(postgres_schema.__file__).parent
    text = " ".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    words = ("pg_advisory_lock", "pg_try_advisory_lock", "LISTEN ", "NOTIFY ", "CREATE TEMP", "DISCARD", "SET SESSION")
    assert [word for word in words if word in text] == []


def test_a_replica_that_is_killed_holds_up_nobody(url: str) -> None:
    """Two replicas write; one is killed in the middle. The other goes on, and every acknowledged decision is there."""
    command = [sys.executable, "-c", _REPLICA, url, str(Path(__file__).parents[1])]
    replicas = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    out = [replica.stdout for replica in replicas]
    known = [line for pipe in out if pipe for line in (pipe.readline(),)]
    time.sleep(0.3)
    replicas[0].send_signal(signal.SIGKILL)
    assert out[1] is not None
    known += [out[1].readline() for _ in range(20)]
    replicas[1].send_signal(signal.SIGKILL)
    for replica, pipe in zip(replicas, out, strict=True):
        if pipe is not None:
            known += pipe.read().splitlines(keepends=True)
            pipe.close()
        replica.wait()
    asyncio.run(_found(url, {line.decode().strip() for line in known if line.endswith(b"\n")}))


async def _found(url: str, known: set[str]) -> None:
    store = PostgresStore(url, deadline_seconds=20.0)
    await store.open()
    assert known <= {str(record["decision_id"]) async for record in store.records()}
    await store.verify()
    await store.close()


def test_what_a_row_may_not_hold_is_its_callers_error(url: str) -> None:
    """A number beyond 64 bits is a contradiction of one statement, not a fault of the store."""
    connection = PostgresConnection(url, seconds=5, application="test")
    connection.script("CREATE TABLE t (a BIGINT CHECK (a > 0))")
    for value in (-1, 2**70):
        with pytest.raises(Contradiction):
            connection.execute("INSERT INTO t VALUES (?)", (value,))
    connection.close()
