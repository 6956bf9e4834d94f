"""Bundles on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kyc_gate.cli.main import main


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, list[str]]:
    """A bundle of the shipped policies, signed by one of two keys, and both public keys."""
    public = []
    for name in ("one", "two"):
        assert main(["policy", "keygen", "--output", str(tmp_path / f"{name}.pem"), "--json"]) == 0
        public.append(str(told(capsys)["public_key"]))
    made = tmp_path / "policies.zip"
    command = ["policy", "bundle", "us-in-force", "us-ai-diffusion", "--output", str(made), "--version", "3", "--json"]
    assert main([*command, "--key", str(tmp_path / "one.pem")]) == 0
    assert told(capsys)["version"] == 3
    return made, public


def test_two_people_sign_one_bundle(
    bundle: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One signature is not two; with the second key it is."""
    made, public = bundle
    verify = ["policy", "verify", str(made), *(part for key in public for part in ("--public-key", key))]
    assert main([*verify, "--signatures", "2"]) == 1
    assert "2 known keys must sign it" in capsys.readouterr().err
    assert main(["policy", "sign", str(made), "--key", str(tmp_path / "two.pem")]) == 0
    capsys.readouterr()
    assert main([*verify, "--signatures", "2", "--json"]) == 0
    assert len(told(capsys)["signers"]) == 2  # type: ignore[arg-type]


def test_a_private_key_is_private_and_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only its owner may read the key, and a second one does not take its place."""
    file = tmp_path / "key.pem"
    assert main(["policy", "keygen", "--output", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert main(["policy", "keygen", "--output", str(file)]) == 1
    assert "never overwritten" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_commands_read_a_bundle_and_verify_it(
    bundle: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bundle stands for a folder: unsigned trust is told, a stranger's signature is an error, a damaged file too."""
    made, public = bundle
    assert main(["policy", "diff", f"{made}:us-in-force", "us-in-force"]) == 0
    assert "not checked" in capsys.readouterr().err
    trusted = tmp_path / "trusted"
    monkeypatch.setenv("KYC_GATE_POLICY_KEYS", str(trusted))
    trusted.write_text(f"# who signs\n{public[0]}\n")
    assert main(["policy", "diff", f"{made}:us-in-force", "us-in-force"]) == 0
    assert "not checked" not in capsys.readouterr().err
    trusted.write_text(public[1])
    assert main(["policy", "diff", f"{made}:us-in-force", "us-in-force"]) == 1
    assert "no known key" in capsys.readouterr().err
    made.write_bytes(made.read_bytes()[:-100])
    assert main(["policy", "diff", f"{made}:us-in-force", "us-in-force"]) == 1
    assert "no whole archive" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--version", "0"], "versions start at 1"),
        (["--version", "1", "--effective", "2026-12-01"], "without an offset"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A version below 1 and a time without an offset are refused."""
    command = ["policy", "bundle", "gate-base", "--output", str(tmp_path / "x.zip"), *more]
    try:
        status = main(command)
    except SystemExit as stopped:
        status = int(str(stopped.code))
    assert status in (1, 2)
    assert said in capsys.readouterr().err
