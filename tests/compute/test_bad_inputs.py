"""Every labelled bad input about amounts of compute is answered exactly, at its upper end, or not let through."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from conftest import data_folder
from msgspec.structs import replace

from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.api.question import read_question
from kyc_gate.cli.fields import read_record
from kyc_gate.cli.lines import read_row
from kyc_gate.cli.machines import Machines, machine_lines, seconds_of
from kyc_gate.cli.request_input import read_line, usage_after
from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.chips import chips
from kyc_gate.compute.estimate import estimate
from kyc_gate.decide.decision import decide
from kyc_gate.errors import InputError, RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import Estimate
from kyc_gate.model.match import Screening, ScreeningOutcome
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.gather import ListStanding, estimate_of, gather, standing_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = read_policy(shipped_policies() / "us-ai-diffusion")
PARTY = {"name": "Fjord AS", "headquarters": "NO", "location": "NO", "ultimate_parent": {"is_self": True}}

ROUTE = GenericRoute(
    operation="CreateJob",
    path="/v1/jobs",
    fields=GenericFields(
        accelerator="gpu",
        count="gpus",
        nodes="nodes",
        duration_hours="hours",
        declared_operations="operations",
    ),
)


def estimated(line: str) -> Estimate:
    """The estimate of one input line of `kyc-gate estimate`."""
    row = read_row(line.encode())
    given = read_record(row, Machines)
    return estimate(machine_lines(given), duration_seconds=seconds_of(given), horizon_days=30)


def outcome_of(request: dict[str, Any], usage: dict[str, Any] | None = None) -> tuple[Outcome, list[str]]:
    """The decision of `kyc-gate decide` on one line."""
    row = {"request": request, "party": PARTY, **({"usage": usage} if usage else {})}
    asked = read_line(read_row(json.dumps(row).encode()))
    assert asked.party is not None
    figures = estimate_of(asked.request, horizon_days=30, utilisation=Decimal("0.33"))
    standing = standing_of(asked.party, {asked.party.id: asked.party}, None)
    facts = gather(
        asked.request,
        as_of=NOW,
        standing=replace(standing, screening=Screening(outcome=ScreeningOutcome.CLEAR)),
        lists=ListStanding(digest=None, as_of=NOW, max_age_hours=72),
        estimated=figures,
        usage=usage_after(asked.used, figures),
        account_known=True,
    )
    decision = decide(asked.request, facts, POLICY)
    return decision.outcome, [finding.rule for finding in decision.counting]


def refused(body: object, method: str = "POST", path: bytes = b"/v1/jobs") -> int | None:
    """The status with which a configured API is refused a body, or None when it is read."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = ((b"host", b"api.example"), (b"content-length", str(len(data)).encode()))
    given = Call(method=method, raw_path=path, headers=(*headers, (b"content-type", b"application/json")), body=data)
    adapter = GenericAdapter([ROUTE])
    try:
        return None if adapter.guards(given) and adapter.read(given) else 404
    except RefusedCall as refusal:
        return refusal.status


def a_unit_is_no_number() -> None:
    """`1e25 TFLOP` is refused at every door, never read as 1e25."""
    with pytest.raises(InputError, match="declared_operations"):
        outcome_of({"model": "H100", "count": 8, "declared_operations": "1e25 TFLOP"})
    body = {"request": {"accelerators": [{"model": "H100", "count": 8}], "declared_operations": "1e25 TFLOP"}}
    with pytest.raises(InputError, match="declared_operations"):
        read_question(json.dumps(body).encode())
    assert refused({"gpu": "H100", "gpus": 8, "operations": "1e25 TFLOP"}) == 400


def a_format_lowers_nothing() -> None:
    """The ceiling takes the fastest dense format whatever is declared, and sparsity does not count."""
    found = estimated('{"model": "H100", "count": 1, "duration_seconds": 1}')
    assert found.high == 1979 * 10**12


def the_machine_says_what_is_in_it() -> None:
    """A machine type alone resolves to its chips, and a count of none is refused."""
    assert estimated('{"instance_type": "p5.48xlarge", "count": 1, "accelerators": [], "duration_hours": 1}').chips == 8
    with pytest.raises(InputError, match="count"):
        estimated('{"model": "H100", "count": 0}')
    assert refused({"gpu": "H100", "gpus": 0}) == 400


def no_end_is_not_nothing() -> None:
    """Without a duration a request is projected over the horizon."""
    found = estimated('{"model": "H100", "count": 8}')
    assert found.open_ended
    assert found.seconds == 30 * 86_400


def a_moment_is_a_second() -> None:
    """A duration of almost nothing counts a whole second."""
    found = estimated('{"model": "H100", "count": 8, "duration_hours": 1e-300}')
    assert found.seconds == 1
    assert found.low > 0


def ten_years_are_exact() -> None:
    """Ten years on a million chips is an exact integer."""
    found = estimated('{"model": "H100", "count": 1000000, "duration_hours": 87600}')
    assert found.high == 1979 * 10**12 * 87_600 * 3600 * 10**6


def a_claimed_utilisation_has_a_floor() -> None:
    """Nobody gets below a tenth of peak by claiming it."""
    line = read_record({"model": "H100", "count": 8}, Machines)
    claimed = estimate(machine_lines(line), duration_seconds=3600, horizon_days=30, mfu=Decimal("0.0001"))
    floor = estimate(machine_lines(line), duration_seconds=3600, horizon_days=30, mfu=Decimal("0.1"))
    assert claimed.likely == floor.likely


def the_threshold_is_exact() -> None:
    """10^26 declared reaches the threshold, and one operation less does not."""
    request = {"model": "T4", "count": 1, "duration_hours": 1}
    assert "frontier-training" in outcome_of({**request, "declared_operations": 10**26})[1]
    assert "frontier-training" not in outcome_of({**request, "declared_operations": 10**26 - 1})[1]


def two_jobs_are_one_sum() -> None:
    """9.99e25 before and 2e23 now cross the threshold together."""
    hours = 2e23 / (989.4e12 * 3600 * 0.33 * 1000)
    request = {"model": "H100", "count": 1000, "duration_hours": hours}
    outcome, rules = outcome_of(request, {"used": 9.99e25})
    assert outcome is Outcome.ESCALATE
    assert "frontier-training" in rules
    assert "frontier-training" not in outcome_of(request, {"used": 9.97e25})[1]


def spellings_are_one_chip() -> None:
    """Each spelling is its chip, and H20 is not H200."""
    named = {name: find_accelerator(name) for name in ("H 1 0 0", "h100-sxm5-80gb", "NVIDIA H100 NVL", "GH200", "H20")}
    models = [found.chip.model for found in named.values() if found]
    assert models == ["H100 SXM", "H100 SXM", "H100 NVL", "H100 SXM", "H20"]


def consumer_cards_count() -> None:
    """512 consumer cards are 512 chips."""
    assert estimated('{"model": "RTX 4090 x 512", "count": 1, "duration_hours": 1}').chips == 512


def what_is_unknown_is_the_worst_case() -> None:
    """An unknown chip is counted as no less than any other, and goes to a person."""
    found = estimated('{"model": "custom-asic-v9", "count": 1, "duration_seconds": 1}')
    assert found.high >= max(chip.peak_rate for chip in chips())
    assert "gate.unknown-accelerator" in outcome_of({"model": "custom-asic-v9", "count": 1, "duration_hours": 1})[1]


def a_range_counts_at_its_upper_end() -> None:
    """`1-64` nodes are 64, and a door that does not read ranges refuses one."""
    assert estimated('{"model": "H100", "count": 8, "nodes": "1-64", "duration_hours": 1}').chips == 512
    assert refused({"gpu": "H100", "gpus": 8, "nodes": "1-64"}) == 400


def an_array_counts_whole() -> None:
    """A thousand jobs, fifty at a time, are a thousand."""
    assert estimated('{"model": "H100", "count": 8, "array": "0-999%50", "duration_hours": 1}').chips == 8000


def a_script_beside_the_fields_is_not_passed() -> None:
    """A body with a script that nobody described may ask for more than its fields: it is refused."""
    body = {"gpu": "H100", "gpus": 1, "script": "#!/bin/sh\n#SBATCH --gres=gpu:h100:8 --array=0-99"}
    assert refused(body) == 400


def a_quantity_is_not_guessed() -> None:
    """`8000m`, `8e0` and `0x8` are texts; a count is a whole number."""
    for text in ("8000m", "8e0", "0x8"):
        assert refused({"gpu": "H100", "gpus": text}) == 400


def parallelism_multiplies() -> None:
    """A thousand pods of eight, which may grow fifty-fold, count at their most."""
    line = '{"model": "H100", "count": 8, "nodes": 1000, "replicas": 1, "max_replicas": 50, "duration_hours": 1}'
    assert estimated(line).chips == 8 * 1000 * 50


def a_change_below_a_guarded_path_is_not_passed() -> None:
    """Scaling what was approved is refused where nobody described it."""
    assert refused({"spec": {"replicas": 100}}, "PATCH", b"/v1/jobs/j-1/scale") == 405


def a_list_of_jobs_is_not_passed_as_one() -> None:
    """A document that holds many jobs is refused where one is described, and lines are each counted."""
    assert refused({"kind": "List", "items": [{"gpu": "H100", "gpus": 8}] * 100}) == 400
    assert refused([{"gpu": "H100", "gpus": 8}] * 100) == 400
    many = {"accelerators": [{"model": "H100", "count": 8}] * 100, "duration_hours": 1}
    assert estimated(json.dumps(many)).chips == 800


def an_expression_is_no_count() -> None:
    """A count that an expression computes elsewhere is refused."""
    assert refused({"gpu": "H100", "gpus": "[parameters('n')]"}) == 400


def each_call_counts() -> None:
    """Ten calls of one module count ten times: the sum of the parts is never less than the whole."""
    part = estimated('{"model": "H100", "count": 1, "duration_seconds": 7}')
    whole = estimated('{"model": "H100", "count": 10, "duration_seconds": 7}')
    assert 10 * part.likely >= whole.likely
    assert 10 * part.low >= whole.low


ANSWERS: dict[str, Callable[[], None]] = {
    "unit confusion x1e12": a_unit_is_no_number,
    "peak-rate table by precision": a_format_lowers_nothing,
    "missing accelerator on a GPU instance type resolves from type": the_machine_says_what_is_in_it,
    "unbounded duration = escalate, not zero": no_end_is_not_nothing,
    "denormal": a_moment_is_a_second,
    "overflow-safe Decimal": ten_years_are_exact,
    "claimed utilisation floor": a_claimed_utilisation_has_a_floor,
    "use int/Decimal: 10**26 >= 1e26 is False (measured)": the_threshold_is_exact,
    "sum in exact integers": two_jobs_are_one_sum,
    "alias table; unknown accelerator escalates": spellings_are_one_chip,
    "consumer cards count too": consumer_cards_count,
    "unknown = worst case": what_is_unknown_is_the_worst_case,
    "range upper bound": a_range_counts_at_its_upper_end,
    "array size x nodes, throttle ignored for totals": an_array_counts_whole,
    "max of both": a_script_beside_the_fields_is_not_passed,
    "quantity grammar": a_quantity_is_not_guessed,
    "multipliers": parallelism_multiplies,
    "scale is screened": a_change_below_a_guarded_path_is_not_passed,
    "each item": a_list_of_jobs_is_not_passed_as_one,
    "evaluate or escalate": an_expression_is_no_count,
    "per API call ledger": each_call_counts,
}
"""What proves each answer that the labelled rows state."""


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=lambda answer: answer.__name__)
def test_amounts_are_exact_or_wait(answer: Callable[[], None]) -> None:
    """Each trap about an amount of compute is counted exactly, at its upper end, or not let through."""
    answer()


def test_every_labelled_row_has_its_answer() -> None:
    """Each labelled row about amounts of compute states an answer that is proved here."""
    file = data_folder() / "bad_inputs.jsonl"
    if not file.is_file():
        pytest.skip(f"the labelled cases are not at {file}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    stated = {row["expected"]["must"] for row in rows if row["category"] == "compute_estimate"}
    assert stated
    assert stated <= ANSWERS.keys()
