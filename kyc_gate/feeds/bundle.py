"""Lists carried into a closed network: one ZIP file with a manifest, a digest for each list, and perhaps a signature.

    manifest.json   which files, how each was checked, and when its publisher last confirmed it
    manifest.sig    an Ed25519 signature over the manifest's bytes
    objects/ab12... the files as they were published

Names in the archive are never used as paths: members are looked up by the digests that the manifest states.
"""

from __future__ import annotations

import io
import os
import secrets
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kyc_gate.errors import FeedFault, InputError
from kyc_gate.feeds.archive import read_member
from kyc_gate.feeds.generation import Check, Held
from kyc_gate.feeds.pull import Arrived, Pulling, PullReport, Result, examined, failed, settled, tell
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.signature import private_key_of, require_sha256, require_signature
from kyc_gate.feeds.source import Source
from kyc_gate.model.record import Record, canonical_bytes

LARGEST_MANIFEST = 4 * 2**20
"""Bytes; one source takes about a thousand."""

VERSION = 1


class Carried(Record):
    """One file of a bundle, and when its publisher last confirmed it."""

    held: Held
    confirmed_at: datetime


class Manifest(Record):
    """What a bundle holds."""

    version: int
    made_at: datetime
    files: tuple[Carried, ...]


def export_bundle(shelf: Shelf, output: Path, *, key: Path | None = None) -> Manifest:
    """Write what is active on the shelf as a bundle at `output`, signed with the Ed25519 key in the PEM file `key`.

    Raises `FeedFault` when nothing is active or the shelf is damaged, `InputError` for a key that cannot be used.
    """
    generation, checks = shelf.active(), shelf.checks()
    if generation is None:
        raise FeedFault("no list is active, so there is nothing to export; run `kyc-gate lists pull`")
    manifest = Manifest(
        version=VERSION,
        made_at=datetime.now(UTC),
        files=tuple(
            Carried(held=held, confirmed_at=_confirmed(held, checks.get(held.source))) for held in generation.held
        ),
    )
    stated = canonical_bytes(manifest)
    members = {"manifest.json": stated} | ({"manifest.sig": private_key_of(key).sign(stated)} if key else {})
    members |= {f"objects/{held.sha256}": shelf.kept(held.sha256) for held in generation.held}
    _write(output, members)
    return manifest


def _confirmed(held: Held, check: Check | None) -> datetime:
    return check.confirmed_at if check and check.confirmed_at else held.fetched_at


def _write(output: Path, members: dict[str, bytes]) -> None:
    partial = output.with_name(f".{output.name}.partial-{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in members.items():
                    archive.writestr(name, data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def import_bundle(
    shelf: Shelf, file: Path, sources: tuple[Source, ...], how: Pulling, *, public_key: str | None = None
) -> PullReport:
    """Activate what a bundle holds of the configured sources, each file guarded like one that was pulled.

    Each list is as old as its publisher's last word to whoever made the bundle. With `public_key` the bundle must be
    signed. Raises `FeedFault` for a bundle that is damaged, not signed as it must be, or of another version.
    """
    try:
        data = file.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest = _manifest(archive, public_key)
            with shelf.locked():
                active, checks = shelf.active(), shelf.checks()
                carried = {each.held.source: each for each in manifest.files}
                results = [
                    _taken(archive, file, source, carried[source.name], checks.get(source.name), shelf, how, public_key)
                    for source in sources
                    if source.name in carried
                ]
                report = settled(shelf, active, checks, results, how)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise FeedFault(f"`{file}` is no whole bundle: {error}") from error
    for pulled in report.sources:
        tell(pulled)
    return report


def _manifest(archive: zipfile.ZipFile, public_key: str | None) -> Manifest:
    stated = read_member(archive, "manifest.json", LARGEST_MANIFEST)
    if public_key is not None:
        if "manifest.sig" not in archive.namelist():
            raise FeedFault("signature: the bundle is not signed, and a key is configured")
        require_signature(stated, read_member(archive, "manifest.sig", LARGEST_MANIFEST), public_key)
    try:
        manifest = msgspec.json.decode(stated, type=Manifest)
    except msgspec.DecodeError as error:
        raise FeedFault(f"the bundle's manifest cannot be read: {error}") from error
    if manifest.version != VERSION:
        raise FeedFault(f"the bundle is of version {manifest.version}, and this reads version {VERSION}")
    return manifest


def _taken(
    archive: zipfile.ZipFile,
    file: Path,
    source: Source,
    carried: Carried,
    last: Check | None,
    shelf: Shelf,
    how: Pulling,
    public_key: str | None,
) -> Result:
    """Return what becomes of one file of the bundle."""
    active = shelf.active()
    held = active.of(source.name) if active else None
    now = datetime.now(UTC)
    try:
        data = read_member(archive, f"objects/{carried.held.sha256}", int(source.largest_mb * 2**20))
        require_sha256(data, carried.held.sha256, "the bundle")
        if source.sha256 is not None:
            require_sha256(data, source.sha256, "the configuration")
        _require_newer(carried, last, held)
        arrived = Arrived(
            data=data,
            origin=f"bundle {file.name}",
            dated=carried.held.published_at,
            dated_by=carried.held.dated_by,
            signed=public_key is not None,
        )
        confirmed = min(carried.confirmed_at, now)
        return examined(source, arrived, held, last, how, now=now, confirmed=confirmed)
    except (FeedFault, InputError) as error:
        return failed(source, held, last, "failed", (str(error),))


def _require_newer(carried: Carried, last: Check | None, held: Held | None) -> None:
    """Raise `FeedFault` for a bundle from before what is held was confirmed: carrying it in would roll back."""
    confirmed = last.confirmed_at if last and held else None
    if confirmed is not None and carried.confirmed_at < confirmed:
        when, later = (f"{each:%Y-%m-%d %H:%M}" for each in (carried.confirmed_at, confirmed))
        raise FeedFault(f"rolled-back: confirmed at {when}, and what is held at {later}")
