"""`kyc_gate.model.lineage` and `kyc_gate.model.run`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from kyc_gate.model.lineage import BaseModel, Lineage, SyntheticData, TrainingPlan, Weights
from kyc_gate.model.run import RegisteredModel, Run


def test_a_plan_counts_six_operations_a_parameter_and_token() -> None:
    """405e9 parameters on 15.6e12 tokens are 3.79e25 operations, in whole numbers."""
    assert TrainingPlan(parameters=405 * 10**9, tokens=156 * 10**11).operations == 37_908_000_000_000_000_000_000_000
    assert TrainingPlan(parameters=10, tokens=10, epochs=3).operations == 1800


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: TrainingPlan(parameters=0, tokens=1), id="no-parameters"),
        pytest.param(lambda: TrainingPlan(parameters=1, tokens=-1), id="negative-tokens"),
        pytest.param(lambda: TrainingPlan(parameters=10**30, tokens=10**30), id="beyond-all-machines"),
        pytest.param(lambda: BaseModel(name="m", operations=-1), id="negative-operations"),
        pytest.param(lambda: SyntheticData(generator="g", share=Decimal("1.1")), id="share-above-one"),
        pytest.param(lambda: SyntheticData(generator="g", share=Decimal("NaN")), id="share-nan"),
        pytest.param(lambda: Lineage(from_scratch=True, base=BaseModel(name="m")), id="scratch-and-base"),
    ],
)
def test_what_cannot_be_meant_is_no_record(made: Callable[[], object]) -> None:
    """Counts, shares and operations out of range, and contradictions, raise `ValueError`."""
    with pytest.raises(ValueError, match="`"):
        made()


def test_a_run_counts_what_was_measured_and_else_the_larger_figure() -> None:
    """A measured run counts as measured; before that the larger of declared and estimated stands."""
    assert Run(id="r", declared=5, estimated=9).operations == 9
    assert Run(id="r", declared=5, estimated=9, measured=7).operations == 7
    assert Run(id="r").operations is None


def test_a_registered_model_can_be_a_base() -> None:
    """A registered model hands its weights and operations on to runs that start from it."""
    model = RegisteredModel(id="m-1", name="Fjord 7B", weights=Weights.PUBLISHED, operations=10**23)
    assert model.as_base() == BaseModel(name="m-1", weights=Weights.PUBLISHED, operations=10**23)
