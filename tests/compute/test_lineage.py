"""`kyc_gate.compute.lineage` and `kyc_gate.compute.lineage_input`."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.compute.lineage import LineageLines, count_lineage
from kyc_gate.compute.lineage_input import parse_lineage
from kyc_gate.errors import InputError
from kyc_gate.model.lineage import BaseModel, Lineage, SyntheticData, Weights

LAW = LineageLines()
THRESHOLDS = Path(__file__).parents[2] / "policies" / "data" / "thresholds.toml"


def test_the_default_lines_are_those_of_the_text() -> None:
    """The lines that Python knows are the thresholds that policies draw from the law's data."""
    data = tomllib.loads(THRESHOLDS.read_text(encoding="utf-8"), parse_float=Decimal)
    assert data["us_4e091_derivative_operations"]["value"] == LAW.derivative_operations
    assert data["us_4e091_derivative_share"]["value"] == LAW.derivative_share
    assert data["us_4e091_synthetic_share"]["value"] == LAW.synthetic_share


@pytest.mark.parametrize(
    ("base", "allowance"),
    [
        pytest.param(10**26, 25 * 10**24, id="a-quarter-is-the-fixed-part"),
        pytest.param(10**26 + 4, 25 * 10**24 + 1, id="a-quarter-is-more"),
        pytest.param(38 * 10**24, 25 * 10**24, id="a-quarter-is-less"),
        pytest.param(None, 25 * 10**24, id="unknown-size"),
    ],
)
def test_what_derives_from_published_weights_has_an_allowance(base: int | None, allowance: int) -> None:
    """Note 1: 2.5e25 operations, or a quarter of the base's, whichever is more."""
    counted = count_lineage(Lineage(base=BaseModel(name="m", weights=Weights.PUBLISHED, operations=base)), 10**24, LAW)
    assert counted.allowance == allowance
    assert counted.total == (None if base is None else base + 10**24)


@pytest.mark.parametrize("weights", [Weights.UNPUBLISHED, Weights.UNKNOWN])
def test_other_weights_have_none(weights: Weights) -> None:
    """Not knowing whether weights are published is not the same as published."""
    counted = count_lineage(Lineage(base=BaseModel(name="m", weights=weights, operations=10**26)), 1, LAW)
    assert counted.allowance is None
    assert counted.total == 10**26 + 1


def data(generator: str, share: str, **more: object) -> SyntheticData:
    """Unpublished data of a generator whose own training is known, unless the test says otherwise."""
    given = {"generation_operations": 10, "generator_operations": 1000, "generator_weights": Weights.UNPUBLISHED}
    return SyntheticData(generator=generator, share=Decimal(share), **{**given, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("synthetic", "added"),
    [
        pytest.param((data("g", "0.10"),), 0, id="a-tenth-is-not-above-a-tenth"),
        pytest.param((data("g", "0.1000001"),), 1010, id="above-a-tenth"),
        pytest.param((data("g", "0.5", data_published=True),), 0, id="published-data"),
        pytest.param((data("g", "0.5", generator_weights=Weights.PUBLISHED),), 10, id="published-generator"),
        pytest.param((data("g", "0.5", generator_weights=Weights.UNKNOWN),), 1010, id="unknown-is-not-published"),
        pytest.param((data("g", "0.06"), data("G ", "0.06")), 1020, id="checkpoints-are-one-model"),
        pytest.param((data("g", "0.06"), data("h", "0.06")), 0, id="two-models-each-below"),
        pytest.param((data("g", "0.2"), data("h", "0.2", generator_operations=5000)), 5010, id="only-the-largest"),
        pytest.param((data("g", "0.2", generator_operations=None),), None, id="unknown-training"),
        pytest.param((data("g", "0.2", generation_operations=None),), None, id="unknown-generation"),
        pytest.param((data("g", "0.2"), data("h", "0.2", generator_operations=None)), None, id="which-is-unknown"),
    ],
)
def test_synthetic_data_of_one_generator(synthetic: tuple[SyntheticData, ...], added: int | None) -> None:
    """Technical note 3: above a tenth, making the data counts, and training an unpublished generator."""
    counted = count_lineage(Lineage(from_scratch=True, synthetic=synthetic), 7, LAW)
    assert counted.synthetic == added
    assert counted.total == (None if added is None else added + 7)


def test_nothing_is_counted_twice() -> None:
    """A generator that is also the base is counted once."""
    lineage = Lineage(
        base=BaseModel(name="G", weights=Weights.UNPUBLISHED, operations=1000), synthetic=(data("g", "0.5"),)
    )
    assert count_lineage(lineage, 7, LAW).total == 1000 + 7 + 10


@given(
    base=st.integers(0, 10**28),
    additional=st.integers(0, 10**28),
    published=st.booleans(),
    share=st.fractions(0, 1),
)
def test_stricter_lines_free_nothing_more(base: int, additional: int, published: bool, share: Fraction) -> None:
    """The total never hangs on the lines of note 1, and a smaller share never gives a larger allowance."""
    weights = Weights.PUBLISHED if published else Weights.UNPUBLISHED
    lineage = Lineage(base=BaseModel(name="m", weights=weights, operations=base))
    law, other = (
        count_lineage(lineage, additional, lines) for lines in (LAW, LineageLines(derivative_share=share / 4))
    )
    assert law.total == other.total == base + additional
    if law.allowance is not None and other.allowance is not None:
        assert other.allowance <= law.allowance


def test_a_lineage_is_read_from_json() -> None:
    """Whole numbers may have an exponent, and shares stay exact."""
    lineage = parse_lineage(
        {
            "model": "fjord-2",
            "base": {"name": "Open 1T", "weights": "published", "operations": Decimal("1e26")},
            "synthetic": [{"generator": "g", "share": Decimal("0.11"), "generation_operations": 10**24}],
            "plan": {"parameters": 7e9, "tokens": Decimal("2e12")},
            "biological": False,
        }
    )
    assert lineage.base == BaseModel(name="Open 1T", weights=Weights.PUBLISHED, operations=10**26)
    assert lineage.synthetic[0].share == Decimal("0.11")
    assert lineage.plan is not None
    assert lineage.plan.operations == 84 * 10**21


@pytest.mark.parametrize(
    ("written", "field"),
    [
        pytest.param([], "lineage", id="no-object"),
        pytest.param({"bse": {}}, "bse", id="unknown-field"),
        pytest.param({"base": {"name": "m", "weights": "open"}}, "lineage.base.weights", id="weights"),
        pytest.param({"base": {"name": "m", "operations": "1e25 TFLOP"}}, "lineage.base.operations", id="unit"),
        pytest.param({"base": {"name": "m", "operations": True}}, "lineage.base.operations", id="true"),
        pytest.param({"base": {"name": "m", "operations": float("nan")}}, "lineage.base.operations", id="nan"),
        pytest.param({"base": {"name": "m", "operations": Decimal("1e999999")}}, "lineage.base.operations", id="huge"),
        pytest.param({"base": {"name": "m", "operations": -1}}, "operations", id="negative"),
        pytest.param({"base": {"name": "m", "operations": Decimal("0.5")}}, "lineage.base.operations", id="half"),
        pytest.param({"base": {"name": "m\n"}}, "lineage", id="unprintable"),
        pytest.param({"synthetic": [{"generator": "g", "share": 2}]}, "share", id="share"),
        pytest.param({"plan": {"parameters": 0, "tokens": 1}}, "parameters", id="no-parameters"),
    ],
)
def test_a_lineage_that_cannot_be_meant_is_refused(written: object, field: str) -> None:
    """What is no lineage raises one line that names the field."""
    with pytest.raises(InputError, match=field) as caught:
        parse_lineage(written)
    assert "\n" not in str(caught.value)
