"""Policies carried as one: a ZIP file with a manifest that names every file by its SHA-256, and signatures of it.

    manifest.json           version, dates, which policies, and path, size and digest of every file
    signatures/ab12....sig  an Ed25519 signature over the manifest's bytes, under the id of its key
    files/...               the policies, every pack that they extend, the shared data, and their cases

The SHA-256 of the manifest is the bundle's name: two bundles of one digest hold the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec.structs import replace

from kyc_gate.errors import FeedFault, InputError
from kyc_gate.feeds.archive import read_member
from kyc_gate.feeds.signature import public_key_of, require_sha256
from kyc_gate.model.record import Record, canonical_bytes
from kyc_gate.policy.read import BUNDLE, folders_read
from kyc_gate.policy.source import MAX_BYTES

FORMAT = 1

LARGEST_BUNDLE = 16 * 2**20
"""Bytes, packed or unpacked. The shipped packs with their cases have a quarter of a megabyte."""

MOST_FILES = 1_000

LEAD_IN = b"kyc_gate policy bundle, version 1\n"
"""Comes before the manifest in what is signed, so that no other signature of the same key can stand for one."""

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.toml")
_SIGNATURE = re.compile(r"signatures/([0-9a-f]{16})\.sig")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same content gives the same archive."""


class BundledFile(Record):
    """One file of a bundle: `path` is its folder and name."""

    path: str
    sha256: str
    size: int


class PolicyManifest(Record):
    """What a bundle holds. `policies` are the folders that decide, in order; the others are what they extend.

    `version` only rises. Before `effective` the bundle does not become active.
    """

    format: int
    version: int
    created: datetime
    policies: tuple[str, ...]
    files: tuple[BundledFile, ...]
    effective: datetime | None = None
    about: str = ""


class PolicyBundle(Record):
    """A bundle whose every file is the one that its manifest states. `stated` are the manifest's own bytes."""

    manifest: PolicyManifest
    stated: bytes
    files: Mapping[str, bytes]
    signatures: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest, which names everything else."""
        return hashlib.sha256(self.stated).hexdigest()


def pack_policies(
    folders: Sequence[Path],
    *,
    version: int,
    created: datetime,
    effective: datetime | None = None,
    about: str = "",
) -> PolicyBundle:
    """Return the policies in `folders` as a bundle, with every pack that they extend, the data and the cases.

    Raises `PolicyError` for a policy that cannot be read, `InputError` where two different folders have one name.
    """
    if version < 1:
        raise InputError(f"`version` is {version}; versions start at 1 and only rise")
    if not folders:
        raise InputError("a bundle holds at least one policy; name a folder")
    files: dict[str, bytes] = {}
    homes: dict[str, Path] = {}
    for folder in folders:
        *packs, data = folders_read(folder)
        for home, name in (*((pack, pack.name) for pack in packs), (data, "data")):
            if homes.setdefault(name, home) != home:
                raise InputError(f"two folders named `{name}` would be one in the bundle: `{homes[name]}` and `{home}`")
            files |= {f"{name}/{file.name}": file.read_bytes() for file in sorted(home.glob("*.toml"))}
    manifest = PolicyManifest(
        format=FORMAT,
        version=version,
        created=created,
        policies=tuple(folder.resolve().name for folder in folders),
        files=tuple(
            BundledFile(path=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
            for path, data in sorted(files.items())
        ),
        effective=effective,
        about=about,
    )
    for path in files:
        _require_path(path)
    bundle = PolicyBundle(manifest=manifest, stated=canonical_bytes(manifest), files=files, signatures={})
    return read_policy_bundle(bundle_bytes(bundle))


def bundle_bytes(bundle: PolicyBundle) -> bytes:
    """Return the archive of a bundle: the same bytes for the same content and signatures."""
    members = {"manifest.json": bundle.stated}
    members |= {f"signatures/{signer}.sig": signed for signer, signed in sorted(bundle.signatures.items())}
    members |= {f"files/{path}": data for path, data in sorted(bundle.files.items())}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, _LONG_AGO)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)
    return stream.getvalue()


def read_policy_bundle(data: bytes) -> PolicyBundle:
    """Return the bundle in an archive. Its signatures are read and not checked yet: `signers_of` does that.

    Raises `FeedFault` for an archive that is damaged or oversize, and for a file that is missing, is not named by the
    manifest, or is not the one that it names.
    """
    if len(data) > LARGEST_BUNDLE:
        raise FeedFault(f"oversize: the bundle has {len(data)} bytes, and at most {LARGEST_BUNDLE} are taken")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise FeedFault(f"the bundle is no whole archive: {error}") from error


def _read(archive: zipfile.ZipFile) -> PolicyBundle:
    names = archive.namelist()
    if len(names) != len(set(names)) or len(names) > MOST_FILES:
        raise FeedFault(f"the bundle names a file twice, or more than {MOST_FILES} files")
    # 1. The manifest.
    stated = read_member(archive, "manifest.json", LARGEST_BUNDLE)
    manifest = _manifest(stated)
    # 2. Every file that it names, and no other.
    files = {}
    for file in manifest.files:
        _require_path(file.path)
        files[file.path] = read_member(archive, f"files/{file.path}", MAX_BYTES)
        require_sha256(files[file.path], file.sha256, f"the manifest for `{file.path}`")
    # 3. The signatures.
    signed = {found[1]: read_member(archive, name, 64) for name in names if (found := _SIGNATURE.fullmatch(name))}
    known = {"manifest.json", *(f"files/{path}" for path in files), *(f"signatures/{each}.sig" for each in signed)}
    if unknown := sorted(set(names) - known):
        raise FeedFault(f"the bundle holds `{unknown[0]}`, which its manifest does not name")
    return PolicyBundle(manifest=manifest, stated=stated, files=files, signatures=signed)


def _manifest(stated: bytes) -> PolicyManifest:
    try:
        manifest = msgspec.json.decode(stated, type=PolicyManifest)
    except msgspec.DecodeError as error:
        raise FeedFault(f"the bundle's manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise FeedFault(f"the bundle has format {manifest.format}, and this release reads format {FORMAT}")
    dates = [manifest.created, *([manifest.effective] if manifest.effective else [])]
    if any(date.tzinfo is None for date in dates):
        raise FeedFault("the bundle's manifest has a time without an offset")
    folders = {file.path.partition("/")[0] for file in manifest.files}
    if not manifest.policies or not set(manifest.policies) <= folders:
        raise FeedFault("the bundle's manifest names no policy, or one that is not in the bundle")
    return manifest


def _require_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise FeedFault(f"the bundle names `{path}`; a file is a folder and a name that ends in .toml, in plain ASCII")


# Signatures


def key_id(key: Ed25519PublicKey) -> str:
    """Return the id under which a key signs: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign_bundle(bundle: PolicyBundle, key: Ed25519PrivateKey) -> PolicyBundle:
    """Return the bundle with a signature by `key` beside those that it has."""
    signed = key.sign(LEAD_IN + bundle.stated)
    return replace(bundle, signatures={**bundle.signatures, key_id(key.public_key()): signed})


def signers_of(bundle: PolicyBundle, public_keys: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of those of `public_keys` (base64) that signed the bundle, each key once.

    Raises `FeedFault` where a signature under the id of a known key is none of that key.
    """
    found = []
    for key in {key_id(each): each for each in map(public_key_of, public_keys)}.items():
        signer, known = key
        signed = bundle.signatures.get(signer)
        if signed is None:
            continue
        try:
            known.verify(signed, LEAD_IN + bundle.stated)
        except InvalidSignature:
            raise FeedFault(f"signature: the one by key {signer} does not fit the bundle") from None
        found.append(signer)
    return tuple(sorted(found))


def require_signers(bundle: PolicyBundle, public_keys: Iterable[str], least: int) -> tuple[str, ...]:
    """Return who signed the bundle. Raises `FeedFault` unless at least `least` different known keys did."""
    found = signers_of(bundle, public_keys)
    if len(found) < least:
        by = f"by {', '.join(found)}" if found else "by no known key"
        raise FeedFault(f"signature: the bundle is signed {by}, and {least} known keys must sign it")
    return found


# Policies


@contextmanager
def unpacked(bundle: PolicyBundle) -> Iterator[Path]:
    """Yield a private folder with the bundle's folders, as policies are read from; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kyc-gate-bundle-") as name:
        root = Path(name)
        unpack(bundle, root)
        yield root


def unpack(bundle: PolicyBundle, root: Path) -> None:
    """Write the bundle's folders into the folder `root`."""
    (root / BUNDLE).write_bytes(bundle.stated)
    for path, data in bundle.files.items():
        file = root / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
