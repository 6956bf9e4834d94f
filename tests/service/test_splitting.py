"""One run in pieces, through the gate: over strangers' accounts, just under a line, and longer than the window."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from msgspec.structs import replace

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.model.call import Call
from kyc_gate.model.decision import Outcome
from kyc_gate.service.admission import Admission
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings
from kyc_gate.service.splitting import links_of

from .conftest import NOW, MakeGate, training
from .test_gate import hours_for, rules

PATIENT = Settings(decision_seconds=30.0, max_age_hours=100_000.0)
CHIPS = 20_000


async def ask(gate: Gate, party: str, share: float, number: int = 0, **more: object) -> Admission:
    """Ask for a share of the frontier threshold."""
    hours = hours_for(share, CHIPS)
    return await gate.decide(training(party, chips=CHIPS, hours=hours, fingerprint=f"{party}-{share}-{number}", **more))


@pytest.mark.parametrize(
    ("linkage", "caught"),
    [
        pytest.param((("checkpoint_uri", "s3://models/llm-7/"),), True, id="checkpoint"),
        pytest.param((("key", "team-key"), ("image", "sha256:ab")), True, id="key-and-image"),
        pytest.param((("image", "sha256:ab"),), False, id="image-only"),
        pytest.param((("job-name", "llama-pretrain-0017"),), True, id="name-with-counter"),
        pytest.param((("job-name", "job-17"),), False, id="everybodys-name"),
        pytest.param((("subnet", "subnet-1"),), False, id="network"),
    ],
)
async def test_strangers_who_share_what_a_run_names(
    make_gate: MakeGate, linkage: tuple[tuple[str, str], ...], caught: bool
) -> None:
    """Two Norwegian and Brazilian strangers stay under the line alone, and cross it together."""
    async with make_gate(settings=PATIENT) as gate:
        first = await ask(gate, "norge", 0.06, linkage=linkage)
        assert first.outcome is Outcome.ALLOW
        again = tuple((name, value.replace("0017", "0018").rstrip("/")) for name, value in linkage)
        second = await ask(gate, "owned-by-nobody", 0.06, linkage=again, caller=_caller("acct-listed"))
        assert ("linked-accounts" in rules(second)) is caught
        if caught:
            record = await gate.store.fetch_decision(second.decision_id or "")
            assert record is not None
            evidence = record["facts"]["splitting"]["evidence"]  # type: ignore[index]
            assert "generic:acct-norge since 2026-11-24" in evidence[0]


def _caller(account: str) -> object:
    return replace(training("norge").caller, account=account)


async def test_a_public_value_links_nobody(make_gate: MakeGate) -> None:
    """What more than ten accounts name is everybody's."""
    async with make_gate(settings=PATIENT) as gate:
        for number in range(12):
            await ask(gate, "x", 0.001, number, linkage=(("role", "public"),), caller=_caller(f"stranger-{number}"))
        last = await ask(gate, "norge", 0.09, linkage=(("role", "public"),))
        assert "linked-accounts" not in rules(last)


async def test_many_jobs_just_under_a_line(make_gate: MakeGate) -> None:
    """Jobs of nine tenths of a line are a pattern from the third on, and together they cross it."""
    async with make_gate(settings=PATIENT) as gate:
        seen = [await ask(gate, "norge", 0.09, number) for number in range(5)]
        assert seen[0].outcome is Outcome.ALLOW
        assert "near-line-runs" in rules(seen[-1])
        near = "made 4 of 4 earlier requests, for 80 to 100 % of a line each, from 2026-11-24 to 2026-11-24"
        assert await evidence(gate, seen[-1]) == [f"generic:acct-norge {near}"]


async def test_a_run_that_is_resumed_again_and_again(make_gate: MakeGate) -> None:
    """From the third request on from one checkpoint a person asks, and sees whose requests they were."""
    linkage = (("checkpoint_uri", "s3://models/llm-7/"),)
    async with make_gate(settings=PATIENT) as gate:
        seen = [await ask(gate, "norge", 0.15, number, linkage=linkage) for number in range(5)]
        found = ["restarted-run" in rules(each) for each in seen]
        assert "checkpoint of 3 earlier requests of generic:acct-norge since 2026-11-24" in await evidence(
            gate, seen[3]
        )
    assert found == [False, False, False, True, True]


async def evidence(gate: Gate, admission: Admission) -> list[str]:
    """The evidence of pieces in a decision's record."""
    record = await gate.store.fetch_decision(admission.decision_id or "")
    assert record is not None
    return record["facts"]["splitting"]["evidence"]  # type: ignore[no-any-return,index,call-overload]


class Later(Gate):
    """A gate whose clock is set by hand."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


async def test_a_run_that_outlives_the_window(make_gate: MakeGate) -> None:
    """Thirteen months of jobs reach the threshold though no twelve months do."""
    made = make_gate(settings=PATIENT)
    parts = {"store": made.store, "snapshot": made.snapshot, "parties": made._seed[0], "accounts": made._seed[1]}
    gate = Later(policies=made.policies, settings=PATIENT, **parts)  # type: ignore[arg-type]
    async with gate:
        found: set[str] = set()
        for month in range(14):
            gate.time = NOW + timedelta(days=31 * month)
            found = rules(await ask(gate, "norge", 0.078, month))
        assert "frontier-over-time" in found
        assert "frontier-training" not in found


async def test_a_policy_may_ask_for_a_longer_window(make_gate: MakeGate) -> None:
    """The longest window counts: two years of a policy, and not the one year of the configuration."""
    made = make_gate(settings=PATIENT)
    parts = {"store": made.store, "snapshot": made.snapshot, "parties": made._seed[0], "accounts": made._seed[1]}
    first, *others = made.policies
    limits = {**first.limits, "window_days": Fraction(730)}
    longer = replace(first, constants=replace(first.constants, limits=limits))
    for policies, caught in (((first, *others), False), ((longer, *others), True)):
        gate = Later(policies=policies, settings=PATIENT, **parts)  # type: ignore[arg-type]
        async with gate:
            gate.time = NOW
            await ask(gate, "emirate", 0.04, caught)
            gate.time = NOW + timedelta(days=500)
            assert ("red-flag-28" in rules(await ask(gate, "emirate", 0.04, caught))) is caught


def test_links_are_read_from_aws_calls() -> None:
    """Checkpoints, outputs, images, roles, keys, scripts and names become links; networks and public data do not."""
    body = (
        b'{"TrainingJobName":"llama-pretrain-17","RoleArn":"arn:aws:iam::1:role/r","CheckpointConfig":{"S3Uri":"s3://c"},'
        b'"OutputDataConfig":{"S3OutputPath":"s3://o"},"AlgorithmSpecification":{"TrainingImage":"img@sha256:1"},'
        b'"InputDataConfig":[{"DataSource":{"S3DataSource":{"S3Uri":"s3://public"}}}],'
        b'"ResourceConfig":{"InstanceType":"ml.p5.48xlarge","InstanceCount":1,"VolumeSizeInGB":1},'
        b'"StoppingCondition":{"MaxRuntimeInSeconds":3600}}'
    )
    scope = b"AWS4-HMAC-SHA256 Credential=AKIARZPUZDIKEVXSNCC6/20261124/us-east-1/sagemaker/aws4_request, Signature=0"
    headers = (
        (b"host", b"api.sagemaker.us-east-1.amazonaws.com"),
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"x-amz-target", b"SageMaker.CreateTrainingJob"),
        (b"authorization", scope),
    )
    asked = AWSAdapter().read(Call(method="POST", raw_path=b"/", headers=headers, body=body))
    assert asked is not None
    assert {kind for kind, _ in links_of(asked)} == {"checkpoint", "output", "image", "role", "name"}
