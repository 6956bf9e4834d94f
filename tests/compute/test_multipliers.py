"""`kyc_gate.compute.multipliers`."""

from __future__ import annotations

import pytest

from kyc_gate.compute.multipliers import Repeats, multiplier_of
from kyc_gate.errors import InputError


@pytest.mark.parametrize(
    ("repeats", "times"),
    [
        pytest.param(Repeats(), 1, id="nothing"),
        pytest.param(Repeats(nodes="1-64"), 64, id="range-at-its-upper-end"),
        pytest.param(Repeats(nodes=4), 4, id="nodes"),
        pytest.param(Repeats(array="0-999%50"), 1000, id="throttle-does-not-lessen"),
        pytest.param(Repeats(array="1,3,5-9:2"), 5, id="indices-and-steps"),
        pytest.param(Repeats(array=7), 7, id="array-size"),
        pytest.param(Repeats(replicas=2, max_replicas=50), 50, id="elastic-at-its-most"),
        pytest.param(Repeats(retries=3), 4, id="retries-after-the-first"),
        pytest.param(Repeats(retries=0), 1, id="no-retries"),
        pytest.param(Repeats(parallel_trials=8, nodes="2"), 16, id="trials"),
    ],
)
def test_repeats_multiply(repeats: Repeats, times: int) -> None:
    """Whatever repeats a line counts at its upper end."""
    assert multiplier_of(repeats) == times


@pytest.mark.parametrize(
    ("repeats", "field"),
    [
        (Repeats(nodes="64-1"), "nodes"),
        (Repeats(nodes="0x8"), "nodes"),
        (Repeats(nodes=0), "nodes"),
        (Repeats(array=""), "array"),
        (Repeats(array="1,,3"), "array"),
        (Repeats(array="0-9%x"), "array"),
        (Repeats(array="0-9:0"), "array"),
        (Repeats(retries=-1), "retries"),
        (Repeats(replicas=10**6, parallel_trials=10**6), "multiplier"),
    ],
)
def test_repeats_that_cannot_be_meant(repeats: Repeats, field: str) -> None:
    """What is no count raises an error that names the field."""
    with pytest.raises(InputError, match=f"`{field}`"):
        multiplier_of(repeats)
