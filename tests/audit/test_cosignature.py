"""What witnesses say of a checkpoint is read as C2SP has them write it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from kyc_gate.audit.checkpoint import Signer, read_checkpoint
from kyc_gate.audit.cosignature import Seen, read_cosignatures, read_witness
from kyc_gate.errors import ChainBroken, ConfigurationError
from tests.audit import outsider

SIGNER = Signer(name="kyc.example", seed=b"\x01" * 32)
NOTE = SIGNER.sign(12, b"\x02" * 32).note
AT = datetime(2026, 11, 27, tzinfo=UTC)
COSIGNED, KEY = outsider.cosign(NOTE, "witness.example/w1", b"\x03" * 32, int(AT.timestamp()))
OTHER = outsider.cosign(NOTE, "witness.example/w2", b"\x04" * 32, 0)[1]


def test_a_witness_is_heard() -> None:
    """Name and time come back, the log's own signature still counts, and other witnesses do not matter."""
    witness = read_witness(KEY)
    assert read_cosignatures(COSIGNED, [witness]) == (Seen(witness="witness.example/w1", at=AT),)
    assert read_cosignatures(COSIGNED, [read_witness(OTHER)]) == ()
    assert read_cosignatures(NOTE, [witness]) == ()
    assert read_checkpoint(COSIGNED, [SIGNER.verifier]).size == 12


def test_the_published_example_is_read() -> None:
    """The example of the specification names its witness and its time where we look for them."""
    blob = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    given = base64.b64decode(blob)
    assert len(given) == 4 + 8 + 64
    assert datetime.fromtimestamp(int.from_bytes(given[4:12], "big"), tz=UTC).date().isoformat() == "2023-03-20"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("\n12\n", "\n13\n", id="size"),
        pytest.param("AgIC", "AwIC", id="root"),
    ],
)
def test_what_a_witness_did_not_sign_is_found(before: str, after: str) -> None:
    """Another size, another root, another time, and a line that is too short are not its word."""
    with pytest.raises(ChainBroken, match=r"witness\.example/w1"):
        read_cosignatures(COSIGNED.replace(before, after, 1), [read_witness(KEY)])


def test_a_line_that_was_cut_or_dated_anew_is_found() -> None:
    """A cosignature holds its time: another one, or none, is wrong."""
    head, _, encoded = COSIGNED.rstrip("\n").rpartition(" ")
    given = base64.b64decode(encoded)
    later = given[:4] + (int.from_bytes(given[4:12], "big") + 1).to_bytes(8, "big") + given[12:]
    for wrong in (later, given[:-1], given[:4]):
        with pytest.raises(ChainBroken, match=r"witness\.example/w1"):
            read_cosignatures(f"{head} {base64.b64encode(wrong).decode()}\n", [read_witness(KEY)])


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(SIGNER.verifier.text, id="the-log-s-own-kind"),
        pytest.param(KEY.replace("w1", "w3"), id="another-name"),
        pytest.param(KEY[:-4], id="cut"),
    ],
)
def test_a_key_that_is_no_witness_is_refused(key: str) -> None:
    """The key of a log counts for no witness: what it signs holds no time."""
    with pytest.raises(ConfigurationError):
        read_witness(key)
