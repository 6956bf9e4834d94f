"""A pull: each source asked, what arrives examined, and what passes activated as one generation, all or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aiohttp
import structlog
from msgspec.structs import replace

from kyc_gate.errors import FeedFault, InputError
from kyc_gate.feeds.canaries import canary_objections
from kyc_gate.feeds.fetch import Fetched, NotModified, Progress, Tries, fetch_small, fetch_source, open_session
from kyc_gate.feeds.generation import Check, Generation, Held, Pointer
from kyc_gate.feeds.guards import OVERRULED, Limits, Objection, counts_of, names_of, objections
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.signature import require_sha256, require_signature, stated_sha256
from kyc_gate.feeds.source import Source, local_path
from kyc_gate.lists.read import read_list
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.record import Record
from kyc_gate.screening.screener import Screener

log = structlog.get_logger("kyc_gate")

AT_ONCE = 4
"""Sources fetched side by side."""

Watcher = Callable[[str], Progress | None]
"""Given a source's name, returns what is told of the bytes that arrive."""


class Pulling(Record):
    """How a pull is done. `accept` names guards that are overruled; `folder` is where local files start."""

    folder: str
    limits: Limits = Limits()
    tries: Tries = Tries()
    accept: frozenset[str] = frozenset()
    rebuild: bool = False


class Pulled(Record):
    """What became of one source: `updated`, `unchanged`, `refused` by a guard, or `failed` before one could look."""

    source: str
    outcome: str
    problems: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    entries: int = 0
    before: int = 0
    sha256: str | None = None
    published_at: datetime | None = None
    seconds: float = 0.0


class PullReport(Record):
    """What a pull did. `activated` is true when another generation is active now."""

    activated: bool
    generation: str | None
    snapshot: str | None
    sources: tuple[Pulled, ...]

    @property
    def whole(self) -> bool:
        """Whether every source is current."""
        return all(pulled.outcome in ("updated", "unchanged") for pulled in self.sources)


class Arrived(Record):
    """Bytes of a source before anybody looked into them."""

    data: bytes
    origin: str
    dated: datetime | None
    dated_by: str
    etag: str | None = None
    last_modified: str | None = None
    signed: bool = False


class Result(Record):
    """What one source contributes: how it went, its check, and a new file with its bytes where there is one."""

    pulled: Pulled
    check: Check
    held: Held | None = None
    data: bytes = b""


async def pull(shelf: Shelf, sources: Sequence[Source], how: Pulling, *, watcher: Watcher | None = None) -> PullReport:
    """Ask every source and activate what passed. Sources that failed, and those not asked, keep their last good file.

    Raises `FeedFault` when another process pulls, or when the shelf cannot be written; nothing is changed then.
    """
    with shelf.locked():
        active = _readable(shelf)
        checks = shelf.checks()
        async with open_session() as session:
            gate = asyncio.Semaphore(AT_ONCE)
            results = await asyncio.gather(
                *(_pulled(session, gate, shelf, source, active, checks, how, watcher) for source in sources)
            )
        report = await asyncio.to_thread(settled, shelf, active, checks, results, how)
    for pulled in report.sources:
        tell(pulled)
    return report


def _readable(shelf: Shelf) -> Generation | None:
    """Return the active generation; a damaged one counts as none, so that everything is fetched again."""
    try:
        return shelf.active()
    except FeedFault as error:
        log.error("lists.damaged", error=str(error))
        return None


async def _pulled(
    session: aiohttp.ClientSession,
    gate: asyncio.Semaphore,
    shelf: Shelf,
    source: Source,
    active: Generation | None,
    checks: dict[str, Check],
    how: Pulling,
    watcher: Watcher | None,
) -> Result:
    """Return what became of one source. Whatever goes wrong with it stays its own."""
    async with gate:
        started = time.monotonic()
        held = active.of(source.name) if active else None
        last = checks.get(source.name)
        intact = held if held and _intact(shelf, held) else None
        try:
            known = last if intact and _proved(source, intact) else None
            arrived = await _arrived(session, source, known, how, watcher)
            result = await asyncio.to_thread(_examined, source, arrived, intact, last, how)
        except (FeedFault, InputError) as error:
            result = failed(source, intact, last, "failed", (str(error),))
        except OSError as error:
            result = failed(source, intact, last, "failed", (f"{error.filename}: {error.strerror or error}",))
        seconds = round(time.monotonic() - started, 3)
        return replace(result, pulled=replace(result.pulled, seconds=seconds))


def _intact(shelf: Shelf, held: Held) -> bool:
    try:
        shelf.kept(held.sha256)
    except FeedFault as error:
        log.error("lists.damaged", source=held.source, error=str(error))
        return False
    return True


def _proved(source: Source, held: Held) -> bool:
    """Return whether what is held was checked in every way that the source asks for now."""
    return (source.public_key is None or held.signed) and source.sha256 in (None, held.sha256)


async def _arrived(
    session: aiohttp.ClientSession, source: Source, last: Check | None, how: Pulling, watcher: Watcher | None
) -> Arrived | NotModified:
    """Return the bytes of a source, verified where it or its operator states how. Raises `FeedFault`."""
    if source.file is not None:
        arrived = await asyncio.to_thread(_local, source, Path(how.folder))
    else:
        told = watcher(source.name) if watcher else None
        found = await fetch_source(session, source, last, tries=how.tries, progress=told)
        if isinstance(found, NotModified):
            return found
        arrived = _from_server(found)
    return await _verified(session, source, arrived, how.tries)


def _local(source: Source, folder: Path) -> Arrived:
    path = local_path(source, folder)
    size = path.stat().st_size
    if size > source.largest_mb * 2**20:
        raise FeedFault(f"oversize: {size} bytes, and at most {source.largest_mb:g} MB are taken")
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Arrived(data=path.read_bytes(), origin=str(path), dated=modified, dated_by="file time")


def _from_server(found: Fetched) -> Arrived:
    return Arrived(
        data=found.data,
        origin=found.url,
        dated=found.modified_at,
        dated_by="server",
        etag=found.etag,
        last_modified=found.last_modified,
    )


async def _verified(session: aiohttp.ClientSession, source: Source, arrived: Arrived, tries: Tries) -> Arrived:
    """Return the bytes once every checksum and signature fits them. Raises `FeedFault` for one that does not."""
    if source.sha256 is not None:
        require_sha256(arrived.data, source.sha256, "the configuration")
    if source.sha256_url is not None:
        text = (await fetch_small(session, source, source.sha256_url, tries=tries)).decode("utf-8", "replace")
        require_sha256(arrived.data, stated_sha256(text, source.file_name), "the publisher")
    if source.signature_url is not None and source.public_key is not None:
        signature = await fetch_small(session, source, source.signature_url, tries=tries)
        require_signature(arrived.data, signature, source.public_key)
        return replace(arrived, signed=True)
    return arrived


def _examined(
    source: Source, arrived: Arrived | NotModified, held: Held | None, last: Check | None, how: Pulling
) -> Result:
    """Return what becomes of what arrived: unchanged, updated, or refused with every objection."""
    now = datetime.now(UTC)
    if isinstance(arrived, NotModified):
        return _unchanged(source, held, last, now, now)
    confirmed = min(arrived.dated, now) if source.file is not None and arrived.dated else now
    return examined(source, arrived, held, last, how, now=now, confirmed=confirmed)


def examined(
    source: Source,
    arrived: Arrived,
    held: Held | None,
    last: Check | None,
    how: Pulling,
    *,
    now: datetime,
    confirmed: datetime,
) -> Result:
    """Return what becomes of bytes that were confirmed as current at `confirmed`.

    Raises `InputError` for a file that is no list.
    """
    if held is not None and hashlib.sha256(arrived.data).hexdigest() == held.sha256:
        return _unchanged(source, held, last, now, confirmed, arrived)
    reading = read_list(source.file_name, arrived.data)
    published, dated_by = (reading.as_of, "file") if reading.as_of else (arrived.dated, arrived.dated_by)
    found = (
        *objections(source, reading, held, published_at=published, dated_by=dated_by, now=now, limits=how.limits),
        *canary_objections(Screener(merge([reading])), source.canaries),
    )
    standing = tuple(each for each in found if each.code not in how.accept or each.code not in OVERRULED)
    if standing:
        refused = failed(source, held, last, "refused", tuple(map(str, standing)))
        sha256 = hashlib.sha256(arrived.data).hexdigest()
        return replace(refused, check=replace(refused.check, refused_sha256=sha256))
    fresh = _held(source, arrived, reading, published, dated_by, now, found)
    pulled = Pulled(
        source=source.name,
        outcome="updated",
        accepted=fresh.accepted,
        entries=fresh.entries,
        before=held.entries if held else 0,
        sha256=fresh.sha256,
        published_at=published,
    )
    check = _confirmed(source, now, confirmed, "updated", arrived)
    return Result(pulled=pulled, check=check, held=fresh, data=arrived.data)


def _held(
    source: Source,
    arrived: Arrived,
    reading: ListReading,
    published: datetime | None,
    dated_by: str,
    now: datetime,
    overruled: Iterable[Objection],
) -> Held:
    return Held(
        source=source.name,
        file_name=source.file_name,
        sha256=hashlib.sha256(arrived.data).hexdigest(),
        size=len(arrived.data),
        format=reading.format,
        entries=len(reading.entries),
        names=names_of(reading),
        counts=counts_of(reading),
        problems=len(reading.problems),
        fetched_at=now,
        origin=arrived.origin,
        # A server whose clock is ahead would make its file younger than new: no age is below zero.
        published_at=min(published, now) if published else None,
        dated_by=dated_by if published else "",
        signed=arrived.signed,
        canaries=len(source.canaries),
        accepted=tuple(sorted({objection.code for objection in overruled})),
    )


def _unchanged(
    source: Source,
    held: Held | None,
    last: Check | None,
    now: datetime,
    confirmed: datetime,
    arrived: Arrived | None = None,
) -> Result:
    """Return that what is held is current. A "not modified" for something that is not held is a fault."""
    if held is None:
        return failed(source, held, last, "failed", ("the server says `not modified` of what is not held",))
    pulled = Pulled(
        source=source.name,
        outcome="unchanged",
        entries=held.entries,
        before=held.entries,
        sha256=held.sha256,
        published_at=held.published_at,
    )
    check = _confirmed(source, now, confirmed, "unchanged", arrived)
    if arrived is None and last is not None:
        check = replace(check, etag=last.etag, last_modified=last.last_modified, url=last.url)
    return Result(pulled=pulled, check=check)


def _confirmed(source: Source, now: datetime, confirmed: datetime, outcome: str, arrived: Arrived | None) -> Check:
    return Check(
        source=source.name,
        tried_at=now,
        outcome=outcome,
        confirmed_at=confirmed,
        etag=arrived.etag if arrived else None,
        last_modified=arrived.last_modified if arrived else None,
        url=arrived.origin if arrived and source.file is None else None,
    )


def failed(source: Source, held: Held | None, last: Check | None, outcome: str, problems: tuple[str, ...]) -> Result:
    """Return a failure that keeps what is held, and what was known of it, with its outcome and problems."""
    now = datetime.now(UTC)
    check = last or Check(source=source.name, tried_at=now, outcome=outcome)
    check = replace(check, tried_at=now, outcome=outcome, problems=problems, failures=check.failures + 1)
    entries = held.entries if held else 0
    pulled = Pulled(source=source.name, outcome=outcome, problems=problems, entries=entries, before=entries)
    return Result(pulled=pulled, check=check)


def settled(
    shelf: Shelf, active: Generation | None, checks: dict[str, Check], results: Sequence[Result], how: Pulling
) -> PullReport:
    """Write what changed, activate it, and note every check."""
    fresh = {result.held.source: result for result in results if result.held is not None}
    kept = [held for held in (active.held if active else ()) if held.source not in fresh and _intact(shelf, held)]
    everything = sorted((*kept, *(result.held for result in fresh.values() if result.held)), key=lambda h: h.source)
    current = active is not None and not how.rebuild and active.software == software()
    changed = bool(fresh) or (bool(everything) and not current)
    generation = active
    if changed:
        generation = activated(shelf, tuple(everything), {name: result.data for name, result in fresh.items()})
    shelf.save_checks({**checks, **{result.check.source: result.check for result in results}}.values())
    return PullReport(
        activated=changed,
        generation=generation.id if generation else None,
        snapshot=generation.snapshot if generation else None,
        sources=tuple(result.pulled for result in results),
    )


def forget(shelf: Shelf, names: Iterable[str]) -> Generation:
    """Take the files of these sources off the active lists. Raises `FeedFault` for a source that is not held."""
    with shelf.locked():
        active = shelf.active()
        gone = set(names)
        unknown = sorted(gone - {held.source for held in (active.held if active else ())})
        if active is None or unknown:
            raise FeedFault(f"no list of `{unknown[0]}` is held; `kyc-gate lists status` names those that are")
        left = tuple(held for held in active.held if held.source not in gone)
        if not left:
            raise FeedFault("these are all the lists that are active; pull others first")
        generation = activated(shelf, left, {})
        shelf.save_checks(check for check in shelf.checks().values() if check.source not in gone)
        log.warning("lists.forgotten", sources=sorted(gone))
        return generation


def activated(shelf: Shelf, held: tuple[Held, ...], fresh: dict[str, bytes]) -> Generation:
    """Keep the new files, merge all, and make them the active generation. The caller holds the lock."""
    for data in fresh.values():
        shelf.keep(data)
    readings = [_reading(each, fresh.get(each.source) or shelf.kept(each.sha256)) for each in held]
    snapshot = merge(readings)
    shelf.keep_snapshot(snapshot)
    now = datetime.now(UTC)
    generation = Generation(held=held, snapshot=snapshot.digest, made_at=now, software=software())
    shelf.activate(generation, Pointer(generation=generation.id, activated_at=now))
    log.info("lists.stored", generation=generation.id[:12], snapshot=snapshot.digest[:12], lists=snapshot.lists)
    return generation


def _reading(held: Held, data: bytes) -> ListReading:
    return replace(read_list(held.file_name, data), as_of=held.published_at or held.fetched_at)


def software() -> str:
    """Return the version of this package, or an empty text where it is not installed."""
    try:
        return version("kyc-gate")
    except PackageNotFoundError:
        return ""


def tell(pulled: Pulled) -> None:
    """Log what became of one source: nothing is kept or overruled in silence."""
    if pulled.outcome in ("updated", "unchanged"):
        log.info("lists.pulled", source=pulled.source, outcome=pulled.outcome, entries=pulled.entries)
    else:
        log.error("lists.kept", source=pulled.source, outcome=pulled.outcome, problems=list(pulled.problems))
    if pulled.accepted:
        log.warning("lists.overruled", source=pulled.source, guards=list(pulled.accepted))
