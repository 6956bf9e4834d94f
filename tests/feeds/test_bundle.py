"""Lists carried into a closed network as one file."""

from __future__ import annotations

import base64
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from kyc_gate.errors import FeedFault, InputError
from kyc_gate.feeds.bundle import export_bundle, import_bundle
from kyc_gate.feeds.pull import Pulling, PullReport
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Canary, Source
from tests.feeds.publisher import companies, lines, pulled

ROWS = companies(100)
SOURCE = Source(name="own", file="own.jsonl", canaries=(Canary(name=ROWS[0]["name"]),))
KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


@pytest.fixture
async def outside(tmp_path: Path) -> Path:
    """A folder with lists on its shelf, and a bundle of them, signed."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "own.jsonl").write_bytes(lines(ROWS))
    await pulled(folder, SOURCE)
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    export_bundle(Shelf(folder / "shelf"), folder / "lists.bundle", key=folder / "key.pem")
    return folder


def carried(tmp_path: Path, bundle: Path, source: Source = SOURCE, **more: Any) -> PullReport:
    """Import a bundle into the shelf inside."""
    return import_bundle(Shelf(tmp_path / "inside"), bundle, (source,), Pulling(folder=str(tmp_path)), **more)


def changed(bundle: Path, name: str, data: bytes | None) -> Path:
    """Return a copy of a bundle in which one member is another, or gone."""
    copy = bundle.with_name("changed.bundle")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(copy, "w") as new:
        for member in old.namelist():
            if not member.startswith(name):
                new.writestr(member, old.read(member))
            elif data is not None:
                new.writestr(member, data)
    return copy


async def test_a_bundle_carries_the_lists(tmp_path: Path, outside: Path) -> None:
    """The snapshot inside is that outside, and each list is as old as it is outside."""
    report = carried(tmp_path, outside / "lists.bundle", public_key=PUBLIC)
    assert report.activated
    active = Shelf(outside / "shelf").active()
    assert active is not None
    assert report.snapshot == active.snapshot
    inside, there = Shelf(tmp_path / "inside").checks()["own"], Shelf(outside / "shelf").checks()["own"]
    assert inside.confirmed_at == there.confirmed_at
    assert carried(tmp_path, outside / "lists.bundle").sources[0].outcome == "unchanged"


async def test_a_bundle_without_the_right_signature_is_refused(tmp_path: Path, outside: Path) -> None:
    """Where a key is configured, a bundle unsigned, changed after signing, or signed by another is refused whole."""
    bundle = outside / "lists.bundle"
    other = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    with zipfile.ZipFile(bundle) as archive:
        manifest = archive.read("manifest.json")
    forged = changed(bundle, "manifest.json", manifest.replace(b'"version":1', b'"version":1 '))
    for file, key in ((changed(bundle, "manifest.sig", None), PUBLIC), (bundle, other), (forged, PUBLIC)):
        with pytest.raises(FeedFault, match="signature"):
            carried(tmp_path, file, public_key=key)
    assert Shelf(tmp_path / "inside").active() is None


@pytest.mark.parametrize("data", [lines(companies(100, salt="x")), b"", None], ids=["swapped", "empty", "gone"])
async def test_a_file_that_is_not_its_digest_is_refused(tmp_path: Path, outside: Path, data: bytes | None) -> None:
    """A list in the bundle that was swapped, emptied or taken out is refused."""
    report = carried(tmp_path, changed(outside / "lists.bundle", "objects/", data))
    assert report.sources[0].outcome == "failed"
    assert not report.activated


async def test_the_guards_look_at_a_bundle(tmp_path: Path, outside: Path) -> None:
    """What the guards and canaries refuse in a pull they refuse in a bundle."""
    strict = replace(SOURCE, canaries=(Canary(name="Absent Harbour Works"),), least=1000)
    report = carried(tmp_path, outside / "lists.bundle", strict)
    assert [problem.partition(":")[0] for problem in report.sources[0].problems] == ["too-few", "canary"]


async def test_an_older_bundle_does_not_roll_back(tmp_path: Path, outside: Path) -> None:
    """A bundle that was made before what is held was confirmed changes nothing."""
    carried(tmp_path, outside / "lists.bundle")
    shelf = Shelf(tmp_path / "inside")
    with shelf.locked():
        later = datetime.now(UTC) + timedelta(minutes=5)
        shelf.save_checks([replace(check, confirmed_at=later) for check in shelf.checks().values()])
    report = carried(tmp_path, outside / "lists.bundle")
    assert report.sources[0].problems[0].startswith("rolled-back")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 and so on", b"{}"], ids=["empty", "cut", "no-zip"])
async def test_what_is_no_bundle_is_refused(tmp_path: Path, data: bytes) -> None:
    """A file that is no whole bundle is refused in one line."""
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(FeedFault, match="no whole bundle"):
        carried(tmp_path, tmp_path / "file")


def test_a_key_that_is_none_is_refused(tmp_path: Path, outside: Path) -> None:
    """Signing needs an Ed25519 key in PEM."""
    (tmp_path / "key").write_text("secret", encoding="utf-8")
    with pytest.raises(InputError, match="no private key"):
        export_bundle(Shelf(outside / "shelf"), tmp_path / "b", key=tmp_path / "key")
