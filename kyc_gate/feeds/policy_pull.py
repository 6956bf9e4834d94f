"""A bundle of policies over HTTPS: asked for only if it changed, verified before it is put in its place."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from kyc_gate.errors import FeedFault, InputError
from kyc_gate.feeds.fetch import NotModified, Tries, fetch_source, open_session
from kyc_gate.feeds.generation import Check
from kyc_gate.feeds.policy_bundle import LARGEST_BUNDLE, PolicyBundle, read_policy_bundle, require_signers
from kyc_gate.feeds.source import Source
from kyc_gate.model.record import Record

PULL_SECONDS = 120.0
"""All tries together."""


class PulledBundle(Record):
    """What a pull came to. `changed` is false where the server says that what is there is current."""

    changed: bool
    digest: str
    version: int
    signers: tuple[str, ...]
    url: str


class _Noted(Record):
    """What the server said of the file beside this note, and that file's own digest."""

    url: str
    bundle: str
    etag: str | None = None
    last_modified: str | None = None


async def pull_bundle(
    url: str,
    output: Path,
    *,
    keys: tuple[str, ...],
    signatures: int = 1,
    unsafe_older: bool = False,
    tries: Tries | None = None,
) -> PulledBundle:
    """Fetch the bundle at `url` into `output`, where `keys` signed it as often as they must; else nothing changes.

    Raises `FeedFault` for what cannot be fetched or verified, and for a version before the one that is there.
    """
    here, note = _held(output), output.with_name(f"{output.name}.etag")
    source = Source(
        name="policy-bundle",
        urls=(url,),
        lists=("POLICIES",),
        largest_mb=LARGEST_BUNDLE / 2**20,
        seconds=PULL_SECONDS,
        unsafe_plain_http=url.startswith("http://"),
    )
    last = _last(note, url, here)
    async with open_session() as session:
        found = await fetch_source(session, source, last, tries=tries or Tries())
    if isinstance(found, NotModified):
        if here is None:
            raise FeedFault(f"`{url}` says that nothing changed, and there is no bundle `{output}`")
        return _told(here, require_signers(here, keys, signatures), url, changed=False)
    bundle = read_policy_bundle(found.data)
    signers = require_signers(bundle, keys, signatures)
    if here is not None and bundle.manifest.version < here.manifest.version and not unsafe_older:
        raise FeedFault(
            f"rolled-back: version {bundle.manifest.version} is older than {here.manifest.version}, that of `{output}`"
        )
    _put(output, found.data)
    noted = _Noted(url=url, bundle=bundle.digest, etag=found.etag, last_modified=found.last_modified)
    _put(note, msgspec.json.encode(noted))
    return _told(bundle, signers, url, changed=here is None or here.digest != bundle.digest)


def _told(bundle: PolicyBundle, signers: tuple[str, ...], url: str, *, changed: bool) -> PulledBundle:
    return PulledBundle(
        changed=changed, digest=bundle.digest, version=bundle.manifest.version, signers=signers, url=url
    )


def _held(output: Path) -> PolicyBundle | None:
    """Return the bundle that is there. Raises `InputError` for a file that is none: it is not overwritten."""
    try:
        data = output.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return read_policy_bundle(data)
    except FeedFault as error:
        raise InputError(f"`{output}` is there and is no bundle ({error}); remove it first") from error


def _last(note: Path, url: str, here: PolicyBundle | None) -> Check | None:
    """Return what the server said last, if it was about this address and the file that is still there."""
    try:
        noted = msgspec.json.decode(note.read_bytes(), type=_Noted)
    except (OSError, msgspec.DecodeError):
        return None
    if here is None or (noted.url, noted.bundle) != (url, here.digest):
        return None
    return Check(
        source="policy-bundle",
        tried_at=here.manifest.created,
        outcome="updated",
        etag=noted.etag,
        last_modified=noted.last_modified,
        url=url,
    )


def _put(file: Path, data: bytes) -> None:
    """Write a file beside its place, and put it there whole."""
    partial = file.with_name(f".{file.name}.partial-{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
