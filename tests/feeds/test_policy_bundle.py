"""Bundles of policies: the same content gives the same bytes, and nothing else is taken."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kyc_gate.errors import FeedFault, InputError
from kyc_gate.feeds.policy_bundle import (
    PolicyBundle,
    bundle_bytes,
    pack_policies,
    read_policy_bundle,
    require_signers,
    sign_bundle,
    signers_of,
    unpacked,
)
from kyc_gate.policy.read import read_policy, shipped_policies

MADE = datetime(2026, 11, 1, tzinfo=UTC)
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (1, 2))


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@pytest.fixture(scope="module")
def packed() -> PolicyBundle:
    """The two policies that ship."""
    folders = [shipped_policies() / name for name in ("us-in-force", "us-ai-diffusion")]
    return pack_policies(folders, version=3, created=MADE)


def changed(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with its members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_it_holds_all_that_its_policies_are_read_from(packed: PolicyBundle) -> None:
    """A policy read from a bundle has the digest that it has in its folder, what it extends and the data included."""
    assert packed.manifest.policies == ("us-in-force", "us-ai-diffusion")
    with unpacked(packed) as root:
        for name in packed.manifest.policies:
            assert read_policy(root / name).reference == read_policy(shipped_policies() / name).reference
    assert not root.exists()


def test_the_same_content_gives_the_same_bytes(packed: PolicyBundle) -> None:
    """Packing is repeatable to the byte, and reading gives back what was packed."""
    again = pack_policies([shipped_policies() / name for name in packed.manifest.policies], version=3, created=MADE)
    assert bundle_bytes(again) == bundle_bytes(packed)
    assert read_policy_bundle(bundle_bytes(packed)) == packed


def test_different_keys_count_once_each(packed: PolicyBundle) -> None:
    """Signatures are counted by key, however often a key is named or signs."""
    twice = sign_bundle(sign_bundle(packed, KEY), KEY)
    assert len(signers_of(twice, [public(KEY), public(KEY), public(OTHER)])) == 1
    with pytest.raises(FeedFault, match="2 known keys must sign it"):
        require_signers(twice, [public(KEY), public(KEY)], 2)
    both = sign_bundle(twice, OTHER)
    assert len(require_signers(read_policy_bundle(bundle_bytes(both)), [public(KEY), public(OTHER)], 2)) == 2
    assert both.digest == packed.digest


def test_a_signature_is_of_this_bundle_alone(packed: PolicyBundle) -> None:
    """A signature carried over from another bundle does not fit, and is told rather than passed over."""
    other = pack_policies([shipped_policies() / "us-in-force"], version=4, created=MADE)
    forged = PolicyBundle(
        manifest=other.manifest, stated=other.stated, files=other.files, signatures=sign_bundle(packed, KEY).signatures
    )
    with pytest.raises(FeedFault, match="does not fit the bundle"):
        signers_of(forged, [public(KEY)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda members: members.update({"files/us-in-force/policy.toml": b"# nothing"}), "checksum", id="a-file"
        ),
        pytest.param(lambda members: members.pop("files/data/groups.toml"), "lacks", id="a-file-less"),
        pytest.param(lambda members: members.update({"files/data/more.toml": b""}), "does not name", id="a-file-more"),
        pytest.param(lambda members: members.update({"manifest.json": b"{}"}), "manifest cannot", id="no-manifest"),
        pytest.param(
            lambda members: members.update(
                {"manifest.json": members["manifest.json"].replace(b"data/groups.toml", b"../../etc/cron.toml")}
            ),
            "a file is a folder and a name",
            id="a-way-out",
        ),
        pytest.param(
            lambda members: members.update(
                {"manifest.json": members["manifest.json"].replace(b'"format":1', b'"format":2')}
            ),
            "format 2",
            id="a-later-format",
        ),
    ],
)
def test_what_was_changed_is_not_taken(
    packed: PolicyBundle, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    """A bundle with any file changed, missing, added, or named outside of its folders is refused."""
    with pytest.raises(FeedFault, match=said):
        read_policy_bundle(changed(bundle_bytes(packed), change))


@pytest.mark.parametrize("cut", [0, 1, 100, 20_000])
def test_what_was_cut_off_is_not_taken(packed: PolicyBundle, cut: int) -> None:
    """A bundle that is cut off anywhere is refused in one line."""
    with pytest.raises(FeedFault, match="no whole archive"):
        read_policy_bundle(bundle_bytes(packed)[:cut])


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    """Two different policies that would be one folder of the bundle are an error that names both."""
    import shutil

    shutil.copytree(shipped_policies(), tmp_path / "policies")
    copy = tmp_path / "policies" / "us-in-force"
    with pytest.raises(InputError, match="two folders named `gate-base`"):
        pack_policies([shipped_policies() / "us-in-force", copy], version=1, created=MADE)
