"""`kyc-gate estimate`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .conftest import Ran


def test_the_shape_and_the_order_of_figures(kyc_gate: Callable[..., Ran]) -> None:
    """Operations are exact integers with low <= likely <= high, and TPP is the chip's."""
    ran = kyc_gate(
        "estimate", given='{"id": "a", "accelerators": [{"model": "H100", "count": 8}], "duration_hours": 24}\n'
    )
    (row,) = ran.rows
    assert ran.status == 0
    assert list(row) == ["id", "operations", "tpp", "basis"]
    assert list(row["operations"]) == ["low", "likely", "high"]
    figures = list(row["operations"].values())
    assert figures == sorted(figures)
    assert all(isinstance(figure, int) for figure in figures)
    # 8 chips x 86,400 s x 989.4e12 dense 16-bit operations a second x 0.30
    assert figures[1] == pytest.approx(8 * 86_400 * 989.4e12 * 0.30, rel=1e-9)
    assert row["tpp"] == pytest.approx(15_832, rel=0.01)


def test_an_instance_type_counts_its_chips(kyc_gate: Callable[..., Ran]) -> None:
    """A p5.48xlarge is eight H100, so both ways of asking give the same figures."""
    hours = '"duration_hours": 24'
    ran = kyc_gate(
        "estimate",
        given=f'{{"instance_type": "p5.48xlarge", "count": 1, "provider": "aws", {hours}}}\n'
        f'{{"accelerators": [{{"model": "H100", "count": 8}}], {hours}}}\n',
    )
    assert ran.rows[0]["operations"] == ran.rows[1]["operations"]


def test_no_end_is_projected_over_the_horizon(kyc_gate: Callable[..., Ran]) -> None:
    """Machines without a stated end count for the whole horizon."""
    open_ended = '{"accelerators": [{"model": "H100", "count": 1}]}'
    stated = json.dumps({"accelerators": [{"model": "H100", "count": 1}], "duration_hours": 10 * 24})
    ran = kyc_gate("estimate", "--horizon-days", "10", given=f"{open_ended}\n{stated}\n")
    assert ran.rows[0]["operations"] == ran.rows[1]["operations"]


def test_mfu_replaces_the_likely_share(kyc_gate: Callable[..., Ran]) -> None:
    """A run's own utilisation moves the likely figure in proportion and leaves the ceiling."""
    line = '{{"accelerators": [{{"model": "H100", "count": 1}}], "duration_hours": 1, "mfu": {}}}'
    ran = kyc_gate("estimate", given=f"{line.format(0.2)}\n{line.format(0.4)}\n")
    first, second = (row["operations"] for row in ran.rows)
    assert second["likely"] == 2 * first["likely"]
    assert second["high"] == first["high"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        pytest.param({"accelerators": []}, "accelerators", id="nothing"),
        pytest.param({"accelerators": [{"model": "H100", "count": -1}]}, "accelerators[0].count", id="negative"),
        pytest.param({"accelerators": [{"model": "H100", "count": 1.5}]}, "accelerators[0].count", id="half-a-chip"),
        pytest.param({"model": "H100", "count": 1, "duration_hours": -1}, "duration_hours", id="negative-time"),
        pytest.param({"model": "H100", "count": 1, "mfu": 40}, "mfu", id="percent"),
        pytest.param({"model": "H100", "count": True}, "count", id="true-chips"),
        pytest.param({"model": "H100", "count": "8"}, "count", id="text-count"),
        pytest.param({"model": "H100", "count": 10**10}, "count", id="more-than-were-made"),
        pytest.param({"model": "H100", "count": 1, "duration_hours": "24"}, "duration_hours", id="text-time"),
        pytest.param({"model": "H100", "count": 1, "array": "9-0"}, "array", id="array-backwards"),
        pytest.param({"model": "H100", "count": 1, "nodes": "all"}, "nodes", id="nodes-in-words"),
        pytest.param({"model": "H100", "count": 1, "retries": -1}, "retries", id="retries-below-none"),
        pytest.param(
            {"model": "H100", "count": 1, "declared_operations": "1e25 TFLOP"}, "declared_operations", id="unit"
        ),
        pytest.param({"model": "H100", "count": 1, "ends_at": "2026-12-01T00:00:00Z"}, "ends_at", id="no-start"),
    ],
)
def test_what_cannot_be_estimated_is_never_nothing(
    line: dict[str, object], field: str, kyc_gate: Callable[..., Ran]
) -> None:
    """A line that cannot be estimated names its field, has no figures, and the status is 1."""
    ran = kyc_gate("estimate", given=json.dumps(line))
    assert ran.status == 1
    assert ran.rows[0]["field"] == field
    assert "operations" not in ran.rows[0]
    assert ran.err.startswith("kyc-gate: standard input line 1: ")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 60])
def test_numbers_that_are_none_are_refused(number: str, kyc_gate: Callable[..., Ran]) -> None:
    """A duration that is no finite number within reason is refused in one line, without a traceback."""
    ran = kyc_gate("estimate", given=f'{{"model": "H100", "count": 1, "duration_hours": {number}}}')
    assert ran.status == 1
    assert "operations" not in ran.rows[0]
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "name", "near"),
    [
        pytest.param({"accelerators": [{"model": "H1000", "count": 1}]}, "H1000", "H100 SXM", id="chip"),
        pytest.param({"instance_type": "p5.48xlarj", "count": 1}, "p5.48xlarj", "p5.48xlarge", id="machine"),
        pytest.param({"instance_type": "H10O", "count": 1}, "H10O", "H100 SXM", id="chip-for-a-machine"),
    ],
)
def test_an_unknown_name_counts_as_the_strongest_and_says_which_are_near(
    line: dict[str, object], name: str, near: str, kyc_gate: Callable[..., Ran]
) -> None:
    """A name that is not in the catalogue is counted at the strongest chip, and answered with the nearest names."""
    ran = kyc_gate("estimate", given=f"{json.dumps(line)}\n" + json.dumps({"model": "WSE-3", "count": 1}))
    unknown, strongest = ran.rows
    assert unknown["known"] is False
    assert unknown["unknown"][0]["name"] == name
    assert near in unknown["unknown"][0]["nearest"]
    assert unknown["operations"]["likely"] >= strongest["operations"]["likely"]
    assert near in ran.err
    assert unknown["tpp"] is None


def test_what_repeats_a_line_multiplies_it(kyc_gate: Callable[..., Ran]) -> None:
    """Nodes at their upper end, the whole array, replicas at their most, trials and retries all multiply."""
    repeats = {
        "nodes": "1-64",
        "array": "0-999%50",
        "replicas": 2,
        "max_replicas": 3,
        "parallel_trials": 5,
        "retries": 1,
    }
    one = {"model": "H100", "count": 1, "duration_hours": 1}
    many = {"accelerators": [{"model": "H100", "count": 1, **repeats}], "duration_hours": 1}
    ran = kyc_gate("estimate", given="\n".join(map(json.dumps, (one, many, {**one, **repeats}))))
    alone, inside, outside = (row["operations"]["high"] for row in ran.rows)
    assert inside == outside == alone * 64 * 1000 * 3 * 5 * 2


def test_a_reservation_lasts_to_its_end(kyc_gate: Callable[..., Ran]) -> None:
    """A start and an end give the same figures as the hours between them."""
    stated = {"model": "H100", "count": 8, "duration_hours": 24}
    reserved = {"model": "H100", "count": 8, "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z"}
    first, second = kyc_gate("estimate", given=f"{json.dumps(stated)}\n{json.dumps(reserved)}").rows
    assert first == second


def test_declared_operations_stand_beside_the_estimate(kyc_gate: Callable[..., Ran]) -> None:
    """6ND is computed in whole numbers, and says whether it fits what the machines can do."""
    machines = {"model": "H100", "count": 16384, "duration_hours": 1882}
    fits = {**machines, "parameters": 405e9, "tokens": 15.6e12}
    small = {**machines, "parameters": 7e9, "tokens": 2e12}
    ran = kyc_gate("estimate", given=f"{json.dumps(fits)}\n{json.dumps(small)}")
    assert ran.rows[0]["declared"] == {"operations": 37_908 * 10**21, "disagrees": False}
    assert ran.rows[1]["declared"] == {"operations": 84 * 10**21, "disagrees": True}


def test_one_machine_on_the_command_line(kyc_gate: Callable[..., Ran]) -> None:
    """A machine type or a counted accelerator can be asked for without a file."""
    (typed,) = kyc_gate("estimate", "p5.48xlarge", "--count", "2", "--hours", "24").rows
    (counted,) = kyc_gate("estimate", "16x H100", "--hours", "24").rows
    assert typed["operations"] == counted["operations"]
    assert typed["chips"] == counted["chips"] == 16


@pytest.mark.parametrize("hours", ["1e9999", "1e99999999", "1e-99999999", "nan", "-1e46"])
def test_hours_out_of_range_are_one_line(hours: str, kyc_gate: Callable[..., Ran]) -> None:
    """A number that no machine could run for is refused in one line, however large it is."""
    ran = kyc_gate("estimate", "H100", f"--hours={hours}")
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert f"`--hours`: `{hours}` is" in ran.err


def test_a_horizon_has_an_end(kyc_gate: Callable[..., Ran]) -> None:
    """A projection over longer than the longest run is a slip."""
    ran = kyc_gate("estimate", "H100", "--horizon-days", str(10**24))
    assert ran.status == 1
    assert "horizon_days must be a whole number from 1 to 11574074" in ran.err
