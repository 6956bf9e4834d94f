"""`policy backtest` over a store that a gate wrote."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from kyc_gate.cli.main import main
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind, Workload
from kyc_gate.policy.read import shipped_policies
from kyc_gate.service.gate import Gate

CONFIG = """
[gate]
policies = ["us-in-force", "us-ai-diffusion"]
decision_seconds = 20

[directory]
parties = ["parties.jsonl"]
accounts = ["accounts.jsonl"]

[lists]
files = ["list.jsonl"]
"""
PARTY = {
    "id": "emirate",
    "name": "Emirate Computing",
    "kind": "company",
    "location": "United Arab Emirates",
    "headquarters": "United Arab Emirates",
    "ultimate_parent": {"is_self": True},
    "owners": [],
    "military_end_use": False,
    "wmd_end_use": False,
    "verified": True,
}


def asked(number: int, hours: int) -> ProvisioningRequest:
    return ProvisioningRequest(
        provider="generic",
        service="jobs",
        operation="CreateTrainingJob",
        kind=RequestKind.CREATE,
        lines=(Accelerators(model="H100 SXM", count=8),),
        duration_seconds=hours * 3600,
        workload=Workload.PRE_TRAINING,
        caller=Caller(account="acct-emirate"),
        fingerprint=f"{number:064x}",
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose store holds six decisions."""
    (tmp_path / "parties.jsonl").write_text(json.dumps(PARTY))
    (tmp_path / "accounts.jsonl").write_text('{"provider": "generic", "id": "acct-emirate", "party_id": "emirate"}')
    (tmp_path / "list.jsonl").write_text('{"id": "1", "name": "Sealed Machinery Works", "list": "SDN"}')
    file = tmp_path / "kyc-gate.toml"
    file.write_text(CONFIG)

    async def decided() -> None:
        async with Gate.from_config(file) as gate:
            for number in range(6):
                await gate.decide(asked(number, 24 if number % 2 else 1))

    asyncio.run(decided())
    return file


def candidate(folder: Path, old: str, new: str) -> str:
    """The shipped `us-ai-diffusion` with one text changed."""
    packs = Path(shutil.copytree(shipped_policies(), folder / "packs"))
    file = packs / "us-ai-diffusion" / "policy.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return str(packs / "us-ai-diffusion")


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_policies_of_today_give_what_is_on_record(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a candidate it is a check that every decision comes out as it did."""
    assert main(["policy", "backtest", "--config", str(config), "--json"]) == 0
    found = told(capsys)
    assert found["coverage"] == {"decisions": 6, "replayed": 6, "reasons": {}}
    assert found["determinism"] == {"checked": 6, "same": 6, "elsewhere": 0, "differing": []}


def test_a_candidate_that_asks_earlier_is_stricter(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lower line holds what passed: status 3, with the rule, the examples and a page."""
    new = candidate(tmp_path, "approach_share = 0.10", "approach_share = 0.0000001")
    page = tmp_path / "report.html"
    command = ["policy", "backtest", "--config", str(config), "--policy", new, "--html", str(page), "--json"]
    assert main(command) == 3
    found = told(capsys)
    assert found["status"] == 3
    assert found["rules"][0]["new_only"] > 0  # type: ignore[index]
    assert "Only stricter." in page.read_text()


def test_nothing_older_than_asked_for_is_counted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A time in the future leaves nothing to replay, which is no fault."""
    assert main(["policy", "backtest", "--config", str(config), "--since", "2999-01-01", "--json"]) == 0
    assert told(capsys)["coverage"] == {"decisions": 0, "replayed": 0, "reasons": {}}


def test_a_span_that_cannot_be_read_is_a_usage_error(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the shapes that can be read."""
    with pytest.raises(SystemExit, match="2"):
        main(["policy", "backtest", "--config", str(config), "--since", "a while"])
    assert "write `30d`" in capsys.readouterr().err
