"""`kyc_gate.service.lineage_facts`, and lineage from a question to a decision."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from kyc_gate.api.question import read_question
from kyc_gate.compute.registry import models_by_name
from kyc_gate.errors import InputError
from kyc_gate.model.decision import Outcome
from kyc_gate.model.lineage import Weights
from kyc_gate.model.run import RegisteredModel
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.shaping import LAW, lineage_lines
from kyc_gate.service.gate import Gate

from .conftest import MakeGate


def asked(lineage: dict[str, Any], workload: str = "fine_tuning", **more: Any) -> bytes:
    """A question for eight H100 over a day, of the Norwegian company."""
    request = {
        "account": "acct-norge",
        "accelerators": [{"model": "H100", "count": 8}],
        "duration_hours": 24,
        "workload": workload,
        "lineage": lineage,
        **more,
    }
    return json.dumps({"request": request}).encode()


OPEN = {"name": "Open 1T", "weights": "published", "operations": 1e26}
SECRET = {
    "generator": "Big 2T", "share": 0.5, "generation_operations": 1e23,
    "generator_weights": "unpublished", "generator_operations": 2e26,
}  # fmt: skip
FREE = {**SECRET, "generator_weights": "published"}
OWN = {"name": "Own 1T", "weights": "unpublished", "operations": 1e26}


@pytest.mark.parametrize(
    ("lineage", "outcome"),
    [
        pytest.param({"base": OPEN}, Outcome.ALLOW, id="published-base"),
        pytest.param({"base": {"name": "Open 1T", "weights": "published"}}, Outcome.ALLOW, id="published-unknown-size"),
        pytest.param({"base": OPEN, "synthetic": [SECRET]}, Outcome.ESCALATE, id="published-base-distills-unpublished"),
        pytest.param({"base": OPEN, "synthetic": [{**SECRET, "share": 0.1}]}, Outcome.ALLOW, id="by-up-to-a-tenth"),
        pytest.param({"base": OPEN, "synthetic": [FREE]}, Outcome.ALLOW, id="published-base-distills-published"),
        pytest.param({"base": OWN}, Outcome.ESCALATE, id="unpublished-base"),
        pytest.param({"base": {"name": "m"}}, Outcome.ESCALATE, id="unknown-base"),
        pytest.param({"base": {**OPEN, "operations": 1e25}}, Outcome.ALLOW, id="small-base"),
        pytest.param({"from_scratch": True}, Outcome.ALLOW, id="from-scratch"),
        pytest.param(
            {"base": OPEN, "plan": {"parameters": 1e12, "tokens": 4.2e12}},
            Outcome.ESCALATE,
            id="declared-above-allowance",
        ),
        pytest.param(
            {"synthetic": [{"generator": "g", "share": 0.2}]}, Outcome.ESCALATE, id="synthetic-of-unknown-generator"
        ),
        pytest.param({"synthetic": [{"generator": "g", "share": 0.1}]}, Outcome.ALLOW, id="synthetic-up-to-a-tenth"),
    ],
)
async def test_lineage_decides(gate: Gate, lineage: dict[str, Any], outcome: Outcome) -> None:
    """The same eight machines pass or wait by what the run starts from and learns from."""
    request, party, _ = read_question(asked(lineage))
    admission = await gate.decide(request, party=party)
    assert admission.outcome is outcome, [finding.rule for finding in admission.decision.counting]  # type: ignore[union-attr]


async def test_models_on_file_stand_above_what_is_claimed(make_gate: MakeGate) -> None:
    """A base that the operator knows as unpublished waits, though it is declared published and small."""
    known = RegisteredModel(id="own-1t", name="Own 1T", weights=Weights.UNPUBLISHED, operations=10**26, verified=True)
    claim = {"base": {"name": "Own 1T", "weights": "published", "operations": 1}}
    async with make_gate(models=models_by_name([known])) as gate:
        request, party, _ = read_question(asked(claim))
        admission = await gate.decide(request, party=party)
    assert admission.outcome is Outcome.ESCALATE
    with pytest.raises(InputError, match="verified"):
        read_question(asked({"base": {**OPEN, "verified": True}}))


async def test_models_that_runs_made_complete_a_later_lineage(make_gate: MakeGate) -> None:
    """A later run that names the model gets its operations and unpublished weights, whatever it claims; a file
    outranks that, and another customer's run of that name is another model."""

    async def base_of(gate: Gate, account: str = "acct-norge") -> tuple[object, object]:
        claim = {"base": {"name": "MINE", "weights": "published", "operations": 1}}
        request, party, _ = read_question(asked(claim, account=account))
        admission = await gate.decide(request, party=party)
        record = await gate.store.fetch_decision(admission.decision_id or "")
        assert record is not None
        facts: Any = record["facts"]
        return facts["lineage"]["base_weights"], facts["lineage"]["base_operations"]

    async with make_gate() as gate:
        assert await base_of(gate) == ("published", 1)
        for _ in range(2):
            made = {"model": "Mine", "from_scratch": True}
            request, party, _ = read_question(asked(made, declared_operations=4e24))
            assert (await gate.decide(request, party=party)).outcome is Outcome.ALLOW
        assert await base_of(gate) == ("unpublished", 8 * 10**24)
        assert await base_of(gate, "acct-emirate") == ("published", 1)
    known = RegisteredModel(id="mine", name="Mine", weights=Weights.PUBLISHED, operations=3, verified=True)
    async with make_gate(models=models_by_name([known])) as gate:
        assert await base_of(gate) == ("published", 3)


async def test_inference_on_a_large_model_is_not_training(gate: Gate) -> None:
    """A base over the threshold does not hold an inference job."""
    request, party, _ = read_question(asked({"base": OWN}, workload="inference"))
    assert (await gate.decide(request, party=party)).outcome is Outcome.ALLOW


def test_policies_draw_the_lines_and_the_strictest_stands() -> None:
    """Limits of policies are used, the law's where none draws one, and the smaller of two."""
    policy = read_policy(shipped_policies() / "us-ai-diffusion")
    assert lineage_lines([]) == LAW
    assert lineage_lines([policy]).derivative_operations == LAW.derivative_operations
    assert lineage_lines([policy]).synthetic_share == Fraction(Decimal("0.10"))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"declared_operations": "1e25 TFLOP"}, id="unit"),
        pytest.param({"declared_operations": "1e999999999"}, id="a-billion-digits"),
        pytest.param({"duration_hours": "NaN"}, id="nan"),
        pytest.param({"lineage": {"base": {"name": "m", "operations": "1e26"}}}, id="text-operations"),
    ],
)
def test_a_text_is_no_number(more: dict[str, Any]) -> None:
    """A text where a number is meant is refused by name, and never computed with."""
    with pytest.raises(InputError, match="not a text"):
        read_question(asked({}, **more) if "lineage" not in more else asked(**more))
