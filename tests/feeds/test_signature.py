"""Signatures that the real minisign made, and those that it makes where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.signature import require_signature

MADE = Path(__file__).parent / "minisign"
"""Made by minisign 0.11 (Debian 12): a key without a password, and one file signed in both of its formats."""

DATA = (MADE / "list.jsonl").read_bytes()
KEY = (MADE / "key.pub").read_text("ascii")
FORMATS = ["prehashed", "legacy"]


@pytest.mark.parametrize("made", FORMATS)
@pytest.mark.parametrize("key", [KEY, KEY.splitlines()[-1]], ids=["file", "line"])
def test_what_minisign_signed_fits(made: str, key: str) -> None:
    """A file that minisign signed fits its signature, with the key as a file or as its last line."""
    require_signature(DATA, (MADE / f"{made}.minisig").read_bytes(), key)


@pytest.mark.parametrize("made", FORMATS)
def test_every_byte_that_minisign_signed_counts(made: str) -> None:
    """Another file, another signature or another trusted comment is refused; the untrusted comment may say anything."""
    text = (MADE / f"{made}.minisig").read_text("ascii")
    untrusted, signed, trusted, sealed = text.splitlines()
    other = (MADE / f"{next(each for each in FORMATS if each != made)}.minisig").read_text("ascii").splitlines()
    forged = {
        "file": (DATA + b" ", text),
        "comment": (DATA, "\n".join((untrusted, signed, trusted + ".", sealed))),
        "seal": (DATA, "\n".join((untrusted, signed, trusted, other[3]))),
        "format": (DATA, "\n".join((untrusted, signed.replace("RW", "RU", 1), trusted, sealed)))
        if made == "legacy"
        else (DATA, "\n".join((untrusted, signed.replace("RU", "RW", 1), trusted, sealed))),
    }
    for data, signature in forged.values():
        with pytest.raises(FeedFault, match="signature"):
            require_signature(data, signature.encode(), KEY)
    require_signature(DATA, text.replace("untrusted comment: ", "untrusted comment: of anybody, ", 1).encode(), KEY)


@pytest.mark.parametrize("options", [[], ["-l"]], ids=FORMATS)
def test_what_minisign_signs_here_fits(options: list[str], tmp_path: Path) -> None:
    """Whatever the installed minisign signs fits, its comment with a tab and with letters of another script too."""
    tool = shutil.which("minisign")
    if tool is None:
        pytest.skip("minisign is not installed")
    (tmp_path / "list.jsonl").write_bytes(DATA)

    def run(*words: str) -> None:
        subprocess.run([tool, *words], cwd=tmp_path, check=True, capture_output=True)

    run("-G", "-W", "-p", "key.pub", "-s", "key.sec")
    run("-S", *options, "-s", "key.sec", "-m", "list.jsonl", "-t", "file:list.jsonl\tсписок\u2028华")
    key, signature = (tmp_path / "key.pub").read_text("ascii"), (tmp_path / "list.jsonl.minisig").read_bytes()
    require_signature(DATA, signature, key)
    with pytest.raises(FeedFault, match="another key"):
        require_signature(DATA, signature, KEY)
