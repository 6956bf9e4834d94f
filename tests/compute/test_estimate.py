"""`kyc_gate.compute.estimate`."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.compute.estimate import declared_disagrees, estimate
from kyc_gate.errors import InputError
from kyc_gate.model.job import Accelerators, Estimate


def of(model: str, count: int, seconds: int | None, **more: Any) -> Estimate:
    """The estimate of chips of one model, projected over thirty days where no duration is given."""
    return estimate([Accelerators(model=model, count=count)], duration_seconds=seconds, horizon_days=30, **more)


def test_published_runs_lie_where_the_estimate_says(shared_data: Path) -> None:
    """From hardware and time alone: 85 % within a factor two, 95 % in the band, and no ceiling under the truth."""
    text = (shared_data / "compute" / "runs_public.jsonl").read_text(encoding="utf-8")
    runs = [json.loads(line) for line in text.splitlines()]
    _lie_as_stated([(run["accelerator"], run["chip_hours"], run["published_operations"]) for run in runs])


def test_other_published_runs_lie_there_too() -> None:
    """42 runs from papers and model cards, none of them among those above: the same shares, and no ceiling below."""
    with Path(__file__).with_name("published_runs.csv").open(encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    assert len({run["run"] for run in runs}) == len(runs) == 42
    assert all(run["source"] and run["counted"] for run in runs)
    _lie_as_stated([(run["accelerator"], float(run["chip_hours"]), float(run["operations"])) for run in runs])


def _lie_as_stated(runs: list[tuple[str, float, float]]) -> None:
    """Runs by chip, chip-hours and true operations."""
    twice = band = 0
    for model, chip_hours, truth in runs:
        found = of(model, 1, round(chip_hours * 3600))
        assert found.known, model
        assert found.high >= truth, (model, chip_hours)
        twice += truth / 2 <= found.likely <= truth * 2
        band += found.low <= truth <= found.high
    assert twice >= 0.85 * len(runs)
    assert band >= 0.95 * len(runs)


def test_the_threshold_is_reached_by_one_operation() -> None:
    """Exact integers: 10^26 reaches 10^26, and one less does not; floats would say otherwise."""
    needed = Fraction(10**26) / (Fraction(989_400_000_000_000) * Fraction(3, 10))
    chips = 10**6
    seconds = needed / chips
    below, above = (of("H100", chips, int(seconds) + more) for more in (0, 1))
    assert below.likely < 10**26 <= above.likely
    assert isinstance(above.likely, int)


@given(
    count=st.integers(1, 10**9),
    seconds=st.integers(1, 10**12),
    more=st.integers(1, 10**6),
    model=st.sampled_from(["H100", "MI300X", "v4-8", "custom-asic-v9", "A100 MIG 1g.5gb", "GB200 NVL72"]),
)
def test_more_is_never_less(count: int, seconds: int, more: int, model: str) -> None:
    """Figures are ordered integers, and more chips or more time never lowers one."""
    first = of(model, count, seconds)
    longer = of(model, count, min(seconds + more, 10**12))
    wider = of(model, min(count + more, 10**9), seconds)
    assert 0 < first.low <= first.likely <= first.high
    for other in (longer, wider):
        assert (other.low, other.likely, other.high) >= (first.low, first.likely, first.high)


@given(parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=8), seconds=st.integers(1, 10**8))
def test_a_split_run_is_never_less_than_the_whole(parts: list[int], seconds: int) -> None:
    """The sum over the parts of a run is at least the whole, in every figure."""
    whole = of("H100", sum(parts), seconds)
    split = [of("H100", part, seconds) for part in parts]
    assert sum(each.low for each in split) >= whole.low
    assert sum(each.likely for each in split) >= whole.likely
    assert sum(each.high for each in split) >= whole.high


def test_an_unknown_chip_counts_as_no_less_than_any_other() -> None:
    """What is not in the catalogue is counted at the strongest chip, and is not known."""
    unknown = of("custom-asic-v9", 1, 3600)
    assert not unknown.known
    assert unknown.tpp is None
    for model in ("WSE-3", "Rubin Ultra", "GB300", "TPU v7", "H100"):
        known = of(model, 1, 3600)
        assert unknown.likely >= known.likely
        assert unknown.high >= known.high


def test_a_machine_in_the_place_of_a_chip_counts_with_all_its_chips() -> None:
    """A machine type named as a model is not known, and counts no less than the machine does."""
    for name, chips in (("p6-b200.48xlarge", 8), ("a4x-highgpu-4g", 4), ("v5e-cpu-less", 1), ("m7i.large", 1)):
        found = of(name, 2, 3600)
        assert not found.known
        assert found.chips == 2 * chips
    named = estimate([Accelerators(instance_type="p6-b200.48xlarge", count=1)], duration_seconds=60, horizon_days=30)
    assert of("p6-b200.48xlarge", 1, 60).likely >= named.likely
    assert any("name it as `instance_type`" in said for said in of("p6-b200.48xlarge", 1, 60).basis)


def test_no_stated_end_is_projected_and_never_nothing() -> None:
    """Without a duration a request counts for the whole horizon."""
    open_ended = of("H100", 8, None)
    assert open_ended.open_ended
    assert open_ended.likely == of("H100", 8, 30 * 86_400).likely


def test_no_format_lowers_a_figure() -> None:
    """FP8, sparse or unknown, a stated precision leaves every figure as it is."""
    plain = of("H100", 8, 3600)
    for precision in ("fp8", "FP8 with sparsity", "bf16", "fp32", "int4", "nonsense"):
        stated = of("H100", 8, 3600, precision=precision)
        assert (stated.low, stated.likely, stated.high) == (plain.low, plain.likely, plain.high)


def test_a_claimed_utilisation_has_a_floor() -> None:
    """Nobody gets below a tenth by claiming it."""
    assert of("H100", 8, 3600, mfu=Decimal("0.0001")).likely == of("H100", 8, 3600, mfu=Decimal("0.10")).likely


@pytest.mark.parametrize(
    ("seconds", "more", "field"),
    [
        pytest.param(0, {}, "duration_seconds", id="no-time"),
        pytest.param(-5, {}, "duration_seconds", id="negative"),
        pytest.param(10**13, {}, "duration_seconds", id="longer-than-history"),
        pytest.param(True, {}, "duration_seconds", id="true"),
        pytest.param(float("nan"), {}, "duration_seconds", id="nan"),
        pytest.param("3600", {}, "duration_seconds", id="text"),
        pytest.param(3600, {"mfu": Decimal("NaN")}, "mfu", id="mfu-nan"),
        pytest.param(3600, {"mfu": Decimal(40)}, "mfu", id="mfu-percent"),
        pytest.param(3600, {"mfu": 0.4}, "mfu", id="mfu-float"),
        pytest.param(3600, {"utilisation": Decimal(0)}, "utilisation", id="no-utilisation"),
    ],
)
def test_what_is_no_number_is_refused(seconds: Any, more: dict[str, Any], field: str) -> None:
    """Figures that are not finite whole numbers within reason raise an error that names the field."""
    with pytest.raises(InputError, match=field):
        of("H100", 8, seconds, **more)


@pytest.mark.parametrize("count", [0, -1, True, 1.5, "8", 10**10])
def test_a_count_is_a_count(count: Any) -> None:
    """A count that is no whole number above 0 raises an error that names the line."""
    with pytest.raises(InputError, match="line 1: count"):
        of("H100", count, 3600)


def test_declared_operations_that_disagree() -> None:
    """Far fewer operations than the machines perform disagree, and so do more than they can."""
    assert declared_disagrees(33, likely=100, high=400)
    assert not declared_disagrees(34, likely=100, high=400)
    assert not declared_disagrees(400, likely=100, high=400)
    assert declared_disagrees(401, likely=100, high=400)
