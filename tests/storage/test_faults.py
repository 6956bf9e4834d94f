"""Real faults: everybody who waits is told within a second, nothing passes, and the store recovers by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kyc_gate.errors import ChainBroken, StorageFault
from kyc_gate.storage import group_commit
from kyc_gate.storage.sqlite import SqliteStore

from .samples import NOW, OPERATIONS, decision_entry, hold_request

# ruff: noqa: ASYNC240 - these tests do to files, at a chosen moment, what an operator does


@pytest.fixture
def store(prompt: SqliteStore) -> SqliteStore:
    """Faults are told within the deadline that gates have."""
    return prompt


async def acknowledged(store: SqliteStore) -> str:
    """Record a decision and return its id."""
    entry = decision_entry()
    await store.append(entry)
    return entry.decision_id


async def refused(store: SqliteStore, says: str, *, callers: int = 20) -> None:
    """Check that each of many callers at once is told of a fault within a second."""
    started = time.monotonic()
    results = await asyncio.gather(*[acknowledged(store) for _ in range(callers)], return_exceptions=True)
    assert time.monotonic() - started < 1.0
    assert {type(result) for result in results} <= {StorageFault, ChainBroken}
    assert any(says in str(result) for result in results), results


async def recovered(store: SqliteStore, known: list[str]) -> None:
    """Check that the store takes decisions again without a restart, and that nothing acknowledged is lost."""
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(StorageFault):
                known.append(await acknowledged(store))
                break
    for decision_id in known:
        assert await store.fetch_decision(decision_id) is not None
    assert (await store.verify()).records >= len(known)


async def test_a_full_database(store: SqliteStore) -> None:
    """SQLite's own limit of pages is a full disk without one."""
    known = [await acknowledged(store)]
    await store._write(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())
    padded = decision_entry()
    padded.record["padding"] = "x" * 100_000
    with pytest.raises(StorageFault, match="SQLITE_FULL"):
        await store.append(padded)
    assert await store.fetch_decision(padded.decision_id) is None
    await recovered(store, known)


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_takes_no_more(store: SqliteStore) -> None:
    """The operating system refuses every write for a while, through several attempts to open the file anew."""
    known = [await acknowledged(store) for _ in range(20)]
    with file_size_limit(0):
        for _ in range(3):
            await refused(store, "the store failed")
            with pytest.raises(StorageFault):
                await store.ready()
            await asyncio.sleep(0.06)
    await recovered(store, known)
    assert await store.ready()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2,400 kB: the log of an empty store takes some 700."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2400k", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def remount(folder: Path, mode: str) -> None:
    """Make a mounted file system read-only (`ro`) or writable again (`rw`)."""
    subprocess.run(["mount", "-o", f"remount,{mode}", folder], check=True)


async def test_a_disk_that_is_full(small_disk: Path) -> None:
    """A file system that runs full loses nothing acknowledged, and the store goes on once there is space."""
    filling = small_disk / "other"
    filling.write_bytes(b"x" * 600_000)
    store = SqliteStore(small_disk / "state.db")
    await store.open()
    known = []
    while True:
        try:
            known.append(await acknowledged(store))
        except StorageFault:
            break
    assert len(known) > 10
    await refused(store, "the store failed")
    filling.unlink()
    await recovered(store, known)
    await store.close()


async def test_a_disk_that_is_read_only(small_disk: Path) -> None:
    """A store on a read-only file system does not open."""
    store = SqliteStore(small_disk / "state.db")
    await store.open()
    await store.close()
    remount(small_disk, "ro")
    with pytest.raises(StorageFault, match=r"Read-only file system"):
        await store.open()
    remount(small_disk, "rw")
    await store.open()
    await store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
async def test_a_file_that_may_not_be_written(store: SqliteStore, file: Path) -> None:
    """A store whose file lost its write permission does not open."""
    await store.close()
    file.chmod(0o400)
    with pytest.raises(StorageFault, match="Permission denied"):
        await store.open()


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The missing folder is named."""
    with pytest.raises(StorageFault, match="no folder"):
        await SqliteStore(tmp_path / "missing" / "state.db").open()


async def test_the_file_is_private(store: SqliteStore, file: Path) -> None:
    """Records name people: nobody else on the machine reads them."""
    await acknowledged(store)
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        assert file.with_name(name).stat().st_mode & 0o077 == 0


async def test_another_process_keeps_the_lock(store: SqliteStore, file: Path) -> None:
    """Callers are told within a second, and the store goes on once the lock is free."""
    known = [await acknowledged(store)]
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await refused(store, "another process holds the store's write lock")
    assert await store.fetch_decision(known[0]) is not None, "reading needs no lock"
    other.execute("ROLLBACK")
    other.close()
    await recovered(store, known)


async def test_what_must_be_done_is_done_after_the_fault(store: SqliteStore, file: Path) -> None:
    """A release that met a fault happens once the store works again, without being asked for twice."""
    usage = await store.hold(hold_request())
    await acknowledged(store)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFault):
        await store.release(usage.hold_id)
    other.execute("ROLLBACK")
    other.close()
    await asyncio.sleep(0.2)
    left = await store.fetch_usage("group:kestrel", NOW)
    assert left is not None
    assert left.likely == 0


async def test_the_file_is_moved_away(store: SqliteStore, file: Path) -> None:
    """SQLite would write on into the moved file; the store notices, and takes the file back when it returns."""
    known = [await acknowledged(store)]
    names = ("state.db", "state.db-wal", "state.db-shm")
    for name in names:
        file.with_name(name).rename(file.with_name(f"away-{name}"))
    await refused(store, "is gone")
    # An empty file was made in its place, and did not pass for the store.
    with pytest.raises(StorageFault, match="was acknowledged and is gone"):
        await until_broken(store)
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            file.with_name(name).unlink()
        file.with_name(f"away-{name}").rename(file.with_name(name))
    await recovered(store, known)


async def test_an_older_copy_is_put_in_place(store: SqliteStore, file: Path) -> None:
    """A file that lacks what was acknowledged is not written to."""
    await acknowledged(store)
    with (
        contextlib.closing(sqlite3.connect(file)) as source,
        contextlib.closing(sqlite3.connect(file.with_name("copy"))) as copy,
    ):
        source.backup(copy)
    await acknowledged(store)
    file.with_name("copy").rename(file)
    file.with_name("state.db-wal").unlink()
    await refused(store, "is gone")
    with pytest.raises(ChainBroken, match="record 2 was acknowledged and is gone"):
        await until_broken(store)


async def until_broken(store: SqliteStore) -> None:
    """Try until the file was opened anew, and raise what it says then."""
    for _ in range(20):
        await asyncio.sleep(0.06)
        try:
            await acknowledged(store)
        except ChainBroken:
            raise
        except StorageFault:
            continue
        return


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param("UPDATE records SET body = '{}' WHERE position = 4", "record 4 was changed", id="changed"),
        pytest.param("DELETE FROM records WHERE position = 4", "record 4 is missing", id="dropped"),
        pytest.param("UPDATE records SET body = x'00' WHERE position = 4", "record 4 holds values", id="not-text"),
    ],
)
async def test_a_chain_that_was_changed_does_not_open(store: SqliteStore, file: Path, harm: str, says: str) -> None:
    """A change among the last records is found on opening, and names the record."""
    for _ in range(6):
        await acknowledged(store)
    await store.close()
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TRIGGER records_are_not_changed")
        connection.execute("DROP TRIGGER records_are_not_dropped")
        connection.execute(harm)
    with pytest.raises(ChainBroken, match=says):
        await store.open()


async def test_records_are_not_changed_by_mistake(store: SqliteStore, file: Path) -> None:
    """The tables themselves refuse to change a record, and to drop a record or a hold."""
    await store.append(decision_entry())
    await store.hold(hold_request())
    await store.ready()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        for statement in ("UPDATE records SET body = '{}'", "DELETE FROM records", "DELETE FROM holds"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)


async def test_a_file_that_is_not_a_store(file: Path) -> None:
    """A file of anything else is refused, and left as it was."""
    file.write_bytes(b"these are my notes\n" * 500)
    with pytest.raises(StorageFault, match="not a database"):
        await SqliteStore(file).open()
    assert file.read_bytes() == b"these are my notes\n" * 500


async def test_pages_that_were_written_over(store: SqliteStore, file: Path) -> None:
    """Garbage in the middle of the file is a fault of whoever touches it, not a wrong answer."""
    await asyncio.gather(*[acknowledged(store) for _ in range(2_000)])
    await store.close()
    content = file.read_bytes()
    file.write_bytes(content[:8192] + os.urandom(len(content) - 8192))
    with pytest.raises(StorageFault):
        await store.open()


async def test_out_of_file_descriptors(store: SqliteStore) -> None:
    """A store that cannot open its file says so, and recovers."""
    known = [await acknowledged(store)]
    await store._write(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    padded = decision_entry()
    padded.record["padding"] = "x" * 100_000
    with pytest.raises(StorageFault):
        await store.append(padded)  # the connection is given up
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        await asyncio.sleep(0.06)
        with pytest.raises(StorageFault):
            await store.ready()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    await recovered(store, known)


FSYNC_LOAD = """
import asyncio, sys
from kyc_gate.errors import StorageFault
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry

async def main():
    store = SqliteStore(sys.argv[1])
    await store.open()
    known, faults = [], 0
    for number in range(60):
        try:
            await store.append(DecisionEntry(decision_id=f"dec_{number}", record={"type": "decision"}))
            known.append(f"dec_{number}")
        except StorageFault as error:
            faults += 1
            assert "SQLITE_IOERR" in str(error), error
            await asyncio.sleep(0.06)
    assert await store.verify()
    for decision_id in known:
        assert await store.fetch_decision(decision_id)
    await store.close()
    print(len(known), faults)

asyncio.run(main())
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_an_fsync_that_fails(file: Path) -> None:
    """After a failed fsync the file is opened anew and verified, and nothing acknowledged is lost."""
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]
    inject += ["-e", "inject=fdatasync:error=EIO:when=20..21", "-e", "inject=fdatasync:error=EIO:when=40"]
    ran = subprocess.run(
        [*inject, sys.executable, "-c", FSYNC_LOAD, str(file)], capture_output=True, text=True, timeout=60
    )
    if "ptrace" in ran.stderr:
        pytest.skip(f"strace may not trace here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    known, faults = map(int, ran.stdout.split())
    assert faults >= 1
    assert known + faults == 60


async def test_usage_stays_exact_through_faults(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds that were answered and then lost are refused at the append, and do not count."""
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 10.0)  # so that the fault meets the hold's transaction
    await store.ready()
    lost = await store.hold(hold_request())

    def broken(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(StorageFault, match="disk I/O error"):
        await store._write(broken)
    await asyncio.sleep(0.06)
    kept = await store.hold(hold_request())
    assert kept.likely == OPERATIONS
    with pytest.raises(StorageFault, match="not on file"):
        await store.append(decision_entry(hold_id=lost.hold_id, keep_hold=True))
    await store.append(decision_entry(hold_id=kept.hold_id, keep_hold=True))
    assert (await store.verify()).records == 1
