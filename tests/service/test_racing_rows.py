"""Every racing, replaying and structuring row of the catalogue of bad inputs gives the stated answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from approvals import approve_case, reject_case
from msgspec.structs import replace

from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.errors import CaseError, InputError
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.call import Call
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import Certainty, RequestKind
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import PartyKind
from kyc_gate.model.usage import RunEnd
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore

from .conftest import NOW, MakeGate, training
from .test_gate import hours_for, rules

PATIENT = Settings(decision_seconds=30.0, max_age_hours=100_000.0)
DAY = timedelta(days=1)
CHIPS = 20_000
Proof = Callable[[MakeGate, Path], Awaitable[None]]


def job(party: str = "norge", share: float = 0.05, **more: object) -> object:
    return training(party, chips=CHIPS, hours=hours_for(share, CHIPS), **more)


async def used(gate: Gate, party: str = "norge") -> int:
    group = (await gate.store.fetch_group_of(party)) or ""
    usage = await gate.store.fetch_usage(group, NOW - 365 * DAY, NOW)
    return usage.likely if usage else 0


async def parallel_jobs(make_gate: MakeGate, _: Path) -> None:
    """Thirty-two jobs at once against a line that two of them reach."""
    async with make_gate(settings=PATIENT) as gate:
        asked = [gate.decide(job("emirate", 0.04, idempotency_key=str(n), fingerprint=str(n))) for n in range(32)]
        outcomes = [admission.outcome for admission in await asyncio.gather(*asked)]
        assert outcomes.count(Outcome.ALLOW) <= 2


async def two_replicas(make_gate: MakeGate, folder: Path) -> None:
    """Two gates over one state, interleaved; on PostgreSQL `tests/storage/test_postgres.py` does the same."""
    async with make_gate(settings=PATIENT) as one:
        two = make_gate(settings=PATIENT, store=SqliteStore(folder / "gate.db", deadline_seconds=20))
        async with two:
            asked = [
                gate.decide(job("emirate", 0.06, idempotency_key=f"{n}", fingerprint=f"{n}"))
                for n, gate in enumerate((one, two) * 8)
            ]
            passed = [each for each in await asyncio.gather(*asked) if each.outcome is Outcome.ALLOW]
            assert len(passed) <= 1


async def one_key_fifty_times(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        request = job(idempotency_key="k")
        admissions = await asyncio.gather(*[gate.decide(request) for _ in range(50)])
        assert len({each.hold_id for each in admissions}) == 1
        assert sum(each.replayed for each in admissions) == 49


async def another_body(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        await gate.decide(job(idempotency_key="k", fingerprint="a"))
        before = await used(gate)
        refused = await gate.decide(job(idempotency_key="k", fingerprint="b"))
        assert refused.refusal is not None
        assert refused.refusal.status == 409
        assert await used(gate) == before


ROUTE = GenericRoute(operation="CreateJob", path="/v1/jobs", fields=GenericFields(accelerator="gpu", count="gpus"))


def platform() -> GenericAdapter:
    return GenericAdapter((ROUTE,), account_header="x-account", idempotency_header="Idempotency-Key")


def call(account: bytes = b"acct-norge", token: bytes | None = None, gpus: int = 8) -> Call:
    headers = [(b"host", b"api"), (b"content-type", b"application/json"), (b"x-account", account)]
    headers += [(b"idempotency-key", token)] if token is not None else []
    body = json.dumps({"gpu": "H100 SXM", "gpus": gpus}).encode()
    return Call(method="POST", raw_path=b"/v1/jobs", headers=tuple(headers), body=body)


async def monstrous_key(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(adapters=(platform(),), settings=PATIENT) as gate:
        for token in (b"k" * 10_240, b"a\x00b", b"a\nb"):
            answer = (await gate.admit(call(token=token))).answer
            assert answer is not None
            assert answer.status == 400
        assert await used(gate) == 0


async def anothers_key(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(adapters=(platform(),), settings=PATIENT) as gate:
        one, two = [await gate.admit(call(account, b"k")) for account in (b"acct-norge", b"acct-listed2")]
        assert one.hold_id != two.hold_id
        assert not two.replayed


async def captured_replay(make_gate: MakeGate, _: Path) -> None:
    """Without a token each sending is a job of its own."""
    async with make_gate(adapters=(platform(),), settings=PATIENT) as gate:
        first, second = [await gate.admit(call()) for _ in range(2)]
        assert first.hold_id != second.hold_id


async def client_gone(make_gate: MakeGate, _: Path) -> None:
    """An outcome that nobody knows keeps the hold, once, until the platform tells."""
    async with make_gate(adapters=(platform(),), settings=PATIENT) as gate:
        admission = await gate.admit(call(token=b"k"))
        held = await used(gate)
        await gate.settle(admission, None)
        assert await used(gate) == held > 0
        again = await gate.admit(call(token=b"k"))
        assert (again.hold_id, await used(gate)) == (admission.hold_id, held)
        later = NOW + timedelta(hours=1)
        (run,) = await gate.finish(RunEnd(ended_at=NOW, at=later, source="platform", hold_id=admission.hold_id))
        assert run.finished
        assert await used(gate) == 0


async def upstream_fails_and_retries(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(adapters=(platform(),), settings=PATIENT) as gate:
        admission = await gate.admit(call(token=b"k"))
        held = await used(gate)
        await gate.settle(admission, 500)  # it may have started all the same
        assert await used(gate) == held
        again = await gate.admit(call(token=b"k"))
        await gate.settle(again, 201)
        assert await used(gate) == held
        other = await gate.admit(call(token=b"other"))
        await gate.settle(other, 503)  # it did nothing
        await gate.store.ready()
        assert await used(gate) == held


async def cancelled_late(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        admission = await gate.decide(training("norge", hours=100))
        whole = await used(gate)
        at = NOW + timedelta(hours=99)
        await gate.finish(RunEnd(ended_at=at, at=at, source="platform", hold_id=admission.hold_id))
        assert 0.9899 < await used(gate) / whole < 0.9901


async def too_large_a_refund(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        admission = await gate.decide(training("norge", hours=100))
        whole = await used(gate)
        with pytest.raises(InputError):
            await gate.finish(RunEnd(ended_at=NOW - DAY, at=NOW, source="platform", hold_id=admission.hold_id))
        assert await used(gate) == whole


async def thousand_pieces(make_gate: MakeGate, _: Path) -> None:
    """Each far below the line; the sum crosses it long before the last."""
    async with make_gate(settings=PATIENT) as gate:
        for number in range(60):
            last = await gate.decide(job("emirate", 0.002, fingerprint=str(number)))
            if last.outcome is Outcome.ESCALATE:
                break
        assert last.outcome is Outcome.ESCALATE
        assert "red-flag-28" in rules(last)
        assert number <= 55


async def forty_accounts(make_gate: MakeGate, _: Path) -> None:
    """Companies of one parent are one control group, whatever account asks."""
    async with make_gate(settings=PATIENT) as gate:
        seen = [await gate.decide(job(f"split{number}", 0.04)) for number in range(3)]
        assert seen[0].outcome is Outcome.ALLOW
        assert "red-flag-28" in rules(seen[2])


async def resumed_under_a_new_name(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        linkage = (("checkpoint_uri", "s3://models/llm"),)
        await gate.decide(job("norge", 0.06, linkage=linkage))
        resumed = await gate.decide(job("listed2", 0.06, linkage=linkage))
        assert resumed.outcome is Outcome.ESCALATE
        assert "linked-accounts" in rules(resumed)


async def two_regions(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        asked = [
            gate.decide(job("emirate", 0.06, region=region, fingerprint=region))
            for region in ("eu-west-1", "us-east-1")
        ]
        outcomes = [each.outcome for each in await asyncio.gather(*asked)]
        assert outcomes.count(Outcome.ALLOW) <= 1


async def autoscaled(make_gate: MakeGate, _: Path) -> None:
    """Raising the size is a request like any other."""
    async with make_gate(settings=PATIENT) as gate:
        assert (await gate.decide(training("emirate", chips=8))).outcome is Outcome.ALLOW
        raised = await gate.decide(training("emirate", chips=40_960, duration_seconds=None, kind=RequestKind.SCALE))
        assert raised.outcome is Outcome.ESCALATE


async def template_edited(make_gate: MakeGate, _: Path) -> None:
    """A reference that cannot be followed now waits, whatever was approved of it before."""
    async with make_gate(settings=PATIENT) as gate:
        asked = training(
            "norge", lines=(), unresolved=("launch-template:lt-1@$Latest",), certainty=Certainty.UNRESOLVED
        )
        assert (await gate.decide(asked)).outcome is Outcome.ESCALATE


async def two_reviewers(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        waiting = await gate.decide(job("emirate", 0.2))
        case_id = waiting.case_id or ""
        results = await asyncio.gather(
            approve_case(gate.store, case_id, reviewer="vera", note="", at=NOW, expires_at=NOW + DAY),
            reject_case(gate.store, case_id, reviewer="otto", note="", at=NOW),
            return_exceptions=True,
        )
        assert sum(isinstance(each, CaseError) for each in results) == 1


async def approval_of_another(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        asked = job("emirate", 0.2, fingerprint="x")
        waiting = await gate.decide(asked)
        await approve_case(gate.store, waiting.case_id or "", reviewer="vera", note="", at=NOW, expires_at=NOW + DAY)
        assert (await gate.decide(replace(asked, fingerprint="y"))).outcome is Outcome.ESCALATE
        assert (await gate.decide(asked)).outcome is Outcome.ALLOW


async def listed_after_approval(make_gate: MakeGate, _: Path) -> None:
    """An approval covers what its reviewer saw: a match that came later blocks when the job starts."""
    async with make_gate(settings=PATIENT) as gate:
        asked = job("emirate", 0.2)
        waiting = await gate.decide(asked)
        await approve_case(gate.store, waiting.case_id or "", reviewer="vera", note="", at=NOW, expires_at=NOW + DAY)
        entry = ListEntry(list="SDN", id="2", name="Emirate Computing", kind=PartyKind.COMPANY)
        await gate.activate(merge([ListReading(name="later", format="test", entries=(entry,), problems=(), as_of=NOW)]))
        assert (await gate.decide(asked)).outcome is Outcome.BLOCK


async def own_case(make_gate: MakeGate, _: Path) -> None:
    async with make_gate(settings=PATIENT) as gate:
        case_id = (await gate.decide(job("emirate", 0.2))).case_id or ""
        for reviewer in ("emirate", "ACCT-Emirate", "generic:acct-emirate"):
            with pytest.raises(CaseError, match="another person"):
                await approve_case(gate.store, case_id, reviewer=reviewer, note="", at=NOW, expires_at=NOW + DAY)


PROOFS: dict[str, Proof] = {
    "001": parallel_jobs,
    "002": two_replicas,
    "003": two_replicas,
    "004": one_key_fifty_times,
    "005": another_body,
    "006": monstrous_key,
    "007": anothers_key,
    "008": captured_replay,
    "009": client_gone,
    "010": client_gone,
    "011": upstream_fails_and_retries,
    "012": cancelled_late,
    "013": too_large_a_refund,
    "014": thousand_pieces,
    "015": forty_accounts,
    "017": resumed_under_a_new_name,
    "018": two_regions,
    "019": autoscaled,
    "020": listed_after_approval,
    "023": template_edited,
    "025": two_reviewers,
    "026": own_case,
    "027": approval_of_another,
}
ELSEWHERE = {
    "016": "tests/service/test_splitting.py: a run that outlives the window",
    "021": "tests/service/test_generation.py: one snapshot for each decision",
    "022": "tests/service/test_generation.py: one set of policies for each decision",
    "024": "tests/gateway: upstreams are configured, and no other host is called",
}
"""Rows whose answer is proved by another test, and which."""


@pytest.mark.parametrize("number", sorted(PROOFS))
async def test_a_row_gives_its_answer(number: str, make_gate: MakeGate, tmp_path: Path) -> None:
    """The scenario of a row, played through the gate."""
    await PROOFS[number](make_gate, tmp_path)


def test_every_row_has_its_proof(shared_data: Path) -> None:
    """No row of the catalogue is left without one."""
    file = shared_data / "bad_inputs.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    numbers = {row["id"].rpartition("-")[2] for row in rows if row["category"] == "race_replay_structuring"}
    assert numbers == PROOFS.keys() | ELSEWHERE.keys()
