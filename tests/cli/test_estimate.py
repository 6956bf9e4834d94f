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
    # 8 chips x 86,400 s x 989.4e12 dense 16-bit operations a second x 0.33
    assert figures[1] == pytest.approx(8 * 86_400 * 989.4e12 * 0.33, rel=1e-9)
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
        pytest.param({"accelerators": [{"model": "H1000", "count": 1}]}, "accelerators[0].model", id="unknown-chip"),
        pytest.param({"instance_type": "p5.48xlarj", "count": 1}, "instance_type", id="unknown-machine"),
        pytest.param({"accelerators": []}, "accelerators", id="nothing"),
        pytest.param({"accelerators": [{"model": "H100", "count": -1}]}, "accelerators[0].count", id="negative"),
        pytest.param({"accelerators": [{"model": "H100", "count": 1.5}]}, "accelerators[0].count", id="half-a-chip"),
        pytest.param({"model": "H100", "count": 1, "duration_hours": -1}, "duration_hours", id="negative-time"),
        pytest.param({"model": "H100", "count": 1, "mfu": 40}, "mfu", id="percent"),
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
