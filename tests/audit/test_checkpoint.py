"""Checkpoints are the notes that others read and sign."""

from __future__ import annotations

import base64

import pytest

from kyc_gate.audit.checkpoint import Signer, new_signer, read_checkpoint, read_signer, read_verifier
from kyc_gate.errors import ChainBroken, ConfigurationError
from tests.audit import outsider

# The key pair and the signature of the example in the documentation of golang.org/x/mod/sumdb/note.
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
GO_SUM = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def test_keys_are_those_of_other_tools() -> None:
    """Published keys are read and written letter by letter, and the published signature is the one that we make."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signer = read_signer(PRIVATE)
    assert signer.text == PRIVATE
    assert signer.verifier.text == PUBLIC
    assert read_verifier(PUBLIC) == signer.verifier
    assert read_verifier(GO_SUM).text == GO_SUM
    signature = Ed25519PrivateKey.from_private_bytes(signer.seed).sign(TEXT.encode())
    assert base64.b64encode(signer.verifier.id + signature).decode() == SIGNATURE


def test_what_is_signed_is_read_by_us_and_by_an_outsider() -> None:
    """Origin, size and root come back, and another signature beside ours does not matter."""
    signer, witness = new_signer("kyc.example/gate"), new_signer("witness.example")
    made = signer.sign(5, b"\x07" * 32)
    assert made.note.split("\n")[:2] == ["kyc.example/gate", "5"]
    assert outsider.signed_text(made.note, signer.verifier.text) == ("kyc.example/gate", 5, b"\x07" * 32)
    assert read_checkpoint(made.note, [signer.verifier]) == made
    cosigned = made.note + witness.sign(5, b"\x07" * 32).note.rpartition("\n\n")[2]
    assert read_checkpoint(cosigned, [signer.verifier]).root == made.root


SIGNER = Signer(name="kyc.example", seed=b"\x01" * 32)
NOTE = SIGNER.sign(12, b"\x02" * 32).note


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(NOTE.replace("\n12\n", "\n13\n"), id="size"),
        pytest.param(NOTE.replace("\n12\n", "\n012\n"), id="leading-zero"),
        pytest.param(NOTE.replace("AgIC", "AwIC", 1), id="root"),
        pytest.param(NOTE.replace("kyc.example\n", "kyc.example2\n", 1), id="origin"),
        pytest.param(NOTE.rstrip("\n"), id="no-line-end"),
        pytest.param(NOTE.replace("\n\n", "\n"), id="no-blank-line"),
        pytest.param(NOTE.replace("\u2014", "-"), id="no-dash"),
        pytest.param(NOTE.partition("\n\n")[0] + "\n\n", id="unsigned"),
        pytest.param(new_signer("kyc.example").sign(12, b"\x02" * 32).note, id="another-key-of-that-name"),
        pytest.param("x" * 100_000, id="long"),
    ],
)
def test_what_was_changed_is_refused(note: str) -> None:
    """A note that differs in anything from what was signed is none."""
    with pytest.raises(ChainBroken):
        read_checkpoint(note, [SIGNER.verifier])


@pytest.mark.parametrize("text", ["", "x", PUBLIC, PRIVATE[:-4], PRIVATE.replace("c74f20a3", "c74f20a4")])
def test_a_key_that_was_cut_off_is_refused(text: str) -> None:
    """The error does not repeat the key."""
    with pytest.raises(ConfigurationError) as raised:
        read_signer(text)
    assert "AYEK" not in str(raised.value)
