"""`kyc-gate audit`: keys, checkpoints, proofs and erasure from the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from gates import make_gate

from kyc_gate.cli.main import main
from kyc_gate.model.job import ProvisioningRequest, RequestKind
from tests.audit import outsider


async def recorded(folder: Path, count: int = 3) -> list[str]:
    """Decisions of a gate, in the store that the configuration names."""
    found = []
    async with make_gate(folder) as gate:
        for _ in range(count):
            asked = ProvisioningRequest(provider="generic", service="x", operation="y", kind=RequestKind.CREATE)
            admission = await gate.decide(asked)
            assert admission.decision_id is not None
            found.append(admission.decision_id)
        path = gate.store.path  # type: ignore[attr-defined]
    (folder / "kyc-gate.toml").write_text(
        f'[gate]\nstate = "{path}"\n[audit]\nkey = "audit.key"\ncheckpoints = "out.txt"\n', encoding="utf-8"
    )
    return found


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """What a step answers in JSON."""
    assert main(["audit", *arguments, "--json"]) == status, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def config(tmp_path: Path) -> str:
    """The configuration's name; `recorded` writes it."""
    return str(tmp_path / "kyc-gate.toml")


async def test_a_log_is_signed_proved_and_checked(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key is made once; a decision is proved to an outsider; a proof that was changed is refused."""
    decisions = await recorded(tmp_path)
    capsys.readouterr()

    def steps() -> None:
        key = str(tmp_path / "audit.key")
        public = said(capsys, "keygen", "--name", "kyc.example/gate", "--output", key)["public"]
        assert Path(key).stat().st_mode & 0o077 == 0
        assert main(["audit", "keygen", "--name", "kyc.example/gate", "--output", key]) == 1
        capsys.readouterr()
        first = said(capsys, "checkpoint", "--config", config)
        assert first["size"] == 3
        proof = said(capsys, "prove", "--decision", decisions[1], "--with-personal", "--config", config)
        assert outsider.prove_record(proof["proof"], proof["record"], public) == 3
        assert "facts" in json.loads(proof["personal"])
        file = tmp_path / "proof.json"
        file.write_text(json.dumps(proof), encoding="utf-8")
        assert said(capsys, "check", "--input", str(file), "--key", public)["proved"]
        changed = {**proof, "personal": proof["personal"].replace("generic", "genuine", 1)}
        for wrong in (changed, {**proof, "record": proof["record"].replace("dec_", "dec-")}):
            file.write_text(json.dumps(wrong), encoding="utf-8")
            assert main(["audit", "check", "--input", str(file), "--key", public]) == 1
        capsys.readouterr()

        kept = tmp_path / "kept.txt"
        kept.write_text(first["note"] + "\n", encoding="utf-8")
        verified = said(capsys, "verify", "--config", config, "--checkpoints", str(kept))
        assert (verified["records"], verified["checkpoints"], verified["erased"]) == (3, 2, 0)
        exported = tmp_path / "records.jsonl"
        assert main(["audit", "export", "--without-personal", "--config", config, "--output", str(exported)]) == 0
        assert "workload" not in exported.read_text(encoding="utf-8")
        shorter = said(capsys, "verify", "--input", str(exported), "--checkpoints", str(kept), "--key", public)
        assert (shorter["records"], shorter["erased"], shorter["root"]) == (3, 3, first["root"])
        cut = exported.read_text(encoding="utf-8").splitlines()[:2]
        exported.write_text("\n".join(cut), encoding="utf-8")
        told = said(capsys, "verify", "--input", str(exported), "--checkpoints", str(kept), "--key", public, status=1)
        assert "a checkpoint was signed at 3" in told["error"]

        cosigned, witness = outsider.cosign(first["note"], "witness.example/w1", b"\x05" * 32, 1_700_000_000)
        kept.write_text(cosigned + "\n", encoding="utf-8")
        options = ("verify", "--config", config, "--checkpoints", str(kept), "--witness")
        assert said(capsys, *options, witness)["witnesses"] == [
            {"name": "witness.example/w1", "size": 3, "at": "2023-11-14T22:13:20+00:00"}
        ]
        other = outsider.cosign(first["note"], "witness.example/w2", b"\x06" * 32, 0)[1]
        assert "none of the checkpoints is cosigned" in said(capsys, *options, other, status=1)["error"]

        nothing = {"due": 0, "kept_by_hold": 0, "erased": 0}
        assert said(capsys, "erase", "--config", config) == {**nothing, "cases": nothing}
        held = said(capsys, "hold", "--everybody", "--because", "BIS letter 7", "--config", config)
        assert held["party_id"] == ""
        growth = said(capsys, "prove", "--since", "3", "--config", config)
        before = outsider.signed_text(growth["before"], public)
        now = outsider.signed_text(growth["now"], public)
        assert (before[1], now[1]) == (3, 4)
        file.write_text(json.dumps(growth), encoding="utf-8")
        assert "beginning" in said(capsys, "check", "--input", str(file), "--key", public)["says"]

    await asyncio.to_thread(steps)


async def test_a_gate_signs_what_it_records(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An open gate with a key signs, and adds each checkpoint to the file; without its key it does not start."""
    from kyc_gate import Gate
    from kyc_gate.errors import ConfigurationError

    await recorded(tmp_path)
    capsys.readouterr()
    with pytest.raises(ConfigurationError, match=r"`audit\.key`: cannot read"):
        Gate.from_config(config)
    assert main(["audit", "keygen", "--name", "kyc.example/gate", "--output", str(tmp_path / "audit.key")]) == 0
    public = capsys.readouterr().out.strip()
    async with Gate.from_config(config):
        pass
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert outsider.signed_text(text.removesuffix("\n"), public)[1] >= 3
