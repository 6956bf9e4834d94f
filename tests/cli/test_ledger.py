"""`kyc-gate ledger import`, `reevaluate`, `models` and `caps` over the state of a gate."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kyc_gate import Gate
from kyc_gate.cli.demo_world import write_world
from kyc_gate.cli.main import main
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.lineage import Lineage
from kyc_gate.model.usage import HoldRequest

ACCOUNT = "111122223333"
REGION = "eu-north-1"
INSTANCES = ("instance:i-1", "instance:i-2")
Ledger = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a gate over which two machines go on and say which model they make."""
    path = write_world(tmp_path, port=0, upstream="http://127.0.0.1:9")
    asyncio.run(_running(path))
    return path


async def _running(config: Path) -> None:
    request = ProvisioningRequest(
        provider="aws",
        service="ec2",
        operation="RunInstances",
        kind=RequestKind.CREATE,
        lines=(Accelerators(instance_type="p5.48xlarge", count=2),),
        region=REGION,
        data_centre="SE",
        workload=Workload.PRE_TRAINING,
        lineage=Lineage(model="Fjord-1"),
        caller=Caller(account=ACCOUNT, verified=True),
        idempotency_key="k",
        fingerprint="f" * 64,
    )
    async with Gate.from_config(config) as gate:
        admission = await gate.decide(request)
        assert admission.hold_id is not None
        await gate.store.settle(admission.hold_id)
        await gate.store.attach(admission.hold_id, f"aws:{ACCOUNT}", INSTANCES, gate.now())


@pytest.fixture
def ledger(config: Path, capsys: pytest.CaptureFixture[str]) -> Ledger:
    """Run a step of `kyc-gate ledger` and return its status, its rows, and what it said on standard error."""

    def run(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        status = main(["ledger", *arguments, "--config", str(config), "--json"])
        said = capsys.readouterr()
        return status, [json.loads(line) for line in said.out.splitlines()], said.err

    return run


def _terminated(*ids: str, account: str = ACCOUNT, later: timedelta = timedelta(0)) -> dict[str, Any]:
    return {
        "eventName": "TerminateInstances",
        "eventTime": (datetime.now(UTC) + later).isoformat(),
        "awsRegion": REGION,
        "recipientAccountId": account,
        "requestParameters": {"instancesSet": {"items": [{"instanceId": id} for id in ids]}},
    }


@pytest.mark.parametrize("written", ["lines", "file", "pretty", "gzip"])
def test_events_end_what_they_name(ledger: Ledger, config: Path, written: str) -> None:
    """However CloudTrail's records are written down, each machine that they name stops counting."""
    events = [_terminated("i-1"), _terminated("i-2", "i-9")]
    text = {
        "lines": "\n".join(map(json.dumps, events)),
        "pretty": json.dumps({"Records": events}, indent=2),
    }.get(written, json.dumps({"Records": events}))
    file = config.parent / "events"
    file.write_bytes(gzip.compress(text.encode()) if written == "gzip" else text.encode())
    before = ledger("reevaluate")[1][0]["runs"]
    status, (done,), _ = ledger("import", str(file))
    assert (status, before) == (0, 1)
    assert (done["events"], done["ended"], done["unknown"]) == (2, 2, 1)
    assert ledger("reevaluate")[1][0]["runs"] == 0


def test_events_of_others_end_nothing(ledger: Ledger, config: Path) -> None:
    """A record of another account ends no run, whatever ids it names."""
    file = config.parent / "events"
    file.write_text(json.dumps(_terminated("i-1", account="999999999999")))
    assert ledger("import", str(file))[1] == [{"events": 1, "ended": 0, "unknown": 1}]
    assert ledger("reevaluate")[1][0]["runs"] == 1


def test_a_bad_event_is_one_line_that_names_it(ledger: Ledger, config: Path) -> None:
    """Nothing is imported from a file with a line that cannot be read, and the line is named."""
    file = config.parent / "events"
    file.write_text(json.dumps(_terminated("i-1")) + "\n" + json.dumps({**_terminated("i-2"), "eventTime": "noon"}))
    status, rows, said = ledger("import", str(file))
    assert (status, rows) == (1, [])
    assert said.endswith("line 2: `eventTime` `noon` is not a time such as `2026-11-24T12:00:00Z`\n")
    assert ledger("reevaluate")[1][0]["runs"] == 1


def test_an_event_from_before_the_run_ends_nothing(ledger: Ledger, config: Path) -> None:
    """What stopped a machine before it started anew is not what stops it now; the rest of the file is imported."""
    file = config.parent / "events"
    old = _terminated("i-1", later=timedelta(hours=-1))
    file.write_text(json.dumps(old) + "\n" + json.dumps(_terminated("i-2")))
    assert ledger("import", str(file))[1] == [{"events": 2, "ended": 1, "unknown": 1}]
    assert ledger("reevaluate")[1][0]["runs"] == 1


def test_only_a_hold_that_waits_lapses(ledger: Ledger, config: Path) -> None:
    """A hold whose outcome nobody will know lapses once, by its decision's id too; what the cloud accepted does not."""
    running, waiting = asyncio.run(_waiting(config))
    because = ("--because", "the queue was emptied")
    status, (lapsed,), _ = ledger("expire", waiting, *because)
    assert (status, lapsed["state"]) == (0, "expired")
    assert ledger("expire", waiting, *because)[2].endswith("is expired, and counts no more\n")
    assert "POST /v1/runs/hold_" in ledger("expire", running, *because)[2]
    assert "there is no hold `dec_0`" in ledger("expire", "dec_0", *because)[2]


async def _waiting(config: Path) -> tuple[str, str]:
    """The decision whose run goes on, and one whose call the cloud did not answer."""
    async with Gate.from_config(config) as gate:
        (run,) = await gate.store.fetch_open_runs()
        found = await gate.store.fetch_decision(run.decision_id or "")
        assert found is not None
        request = msgspec.convert(found["request"], ProvisioningRequest)
        unanswered = await gate.decide(replace(request, idempotency_key="unanswered"))
        assert unanswered.decision_id is not None
        return run.decision_id or "", unanswered.decision_id


def test_a_run_that_may_not_go_on_opens_a_case_once(ledger: Ledger, config: Path) -> None:
    """Deciding again counts what else the control group uses by now; a second look opens nothing new."""
    assert ledger("reevaluate")[1] == [{"runs": 1, "waiting": 0, "cases": []}]
    asyncio.run(_grown(config))
    ((first,), (again,)) = (ledger("reevaluate")[1], ledger("reevaluate")[1])
    assert (first["waiting"], len(first["cases"])) == (1, 1)
    assert (again["waiting"], again["cases"]) == (1, [])


async def _grown(config: Path) -> None:
    """Let another account of the same control group hold twice the threshold."""
    async with Gate.from_config(config) as gate:
        (group,) = await gate.store.fetch_groups()
        await gate.store.hold(
            HoldRequest(
                control_group=group,
                account="aws:444455556666",
                party_id="fjordlys",
                key="other",
                fingerprint="e" * 64,
                likely=2 * 10**26,
                high=2 * 10**26,
                at=gate.now(),
                window_days=365,
            )
        )


def test_models_are_listed_with_what_made_them(ledger: Ledger) -> None:
    """A run that says which model it makes is found under the model's name, with its operations."""
    status, (model,), _ = ledger("models")
    assert status == 0
    assert (model["name"], len(model["runs"])) == ("Fjord-1", 1)
    # 16 chips x 30 days x 989.4e12 dense 16-bit operations a second x 0.33, unless the catalogue says otherwise
    assert model["operations"] == pytest.approx(16 * 30 * 86_400 * 989.4e12 * 0.33, rel=1e-3)


def test_caps_count_the_machines_that_run(ledger: Ledger, config: Path) -> None:
    """The installed base is that of the runs that go on, at their site and in the country of the data centre."""
    status, rows, _ = ledger("caps", "--headquarters", "US", "--as-of", "2026-11-24")
    found = {(row["account"], row["subject"]): row for row in rows}
    assert status == 0
    assert found["cluster", f"aws/{REGION}"]["used"] == pytest.approx(16 * 1978.9e12, rel=1e-3)
    assert found["aia_filing", "fjordlys"]["used"] == pytest.approx(16 * 15_832, rel=1e-3)
    file = config.parent / "events"
    file.write_text(json.dumps(_terminated("i-1", "i-2")))
    ledger("import", str(file))
    assert ledger("caps", "--headquarters", "US")[1] == []


def test_caps_take_one_source(ledger: Ledger) -> None:
    """Machines of a file and of the state would count twice."""
    with pytest.raises(SystemExit, match="2"):
        ledger("caps", "--input", "-")
