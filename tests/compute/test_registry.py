"""`kyc_gate.compute.registry` and `kyc_gate.service.model_file`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kyc_gate.compute.registry import complete_lineage, declared_models, models_by_name
from kyc_gate.errors import ConfigurationError
from kyc_gate.model.lineage import BaseModel, Lineage, SyntheticData, Weights
from kyc_gate.model.run import DeclaredRun, RegisteredModel
from kyc_gate.service.model_file import read_models

OWN = RegisteredModel(id="own-1t", name="Own 1T", weights=Weights.UNPUBLISHED, operations=10**26, verified=True)
MODELS = models_by_name([OWN, RegisteredModel(id="noted", name="Noted")])


@pytest.mark.parametrize("name", ["own-1t", "OWN  1T"])
def test_the_file_stands_above_a_claim(name: str) -> None:
    """A base on file has the file's weights, and the larger figure of operations."""
    claimed = Lineage(base=BaseModel(name=name, weights=Weights.PUBLISHED, operations=10**20))
    assert complete_lineage(claimed, MODELS).base == BaseModel(
        name=name, weights=Weights.UNPUBLISHED, operations=10**26, verified=True
    )
    larger = Lineage(base=BaseModel(name=name, operations=10**27))
    completed = complete_lineage(larger, MODELS).base
    assert completed is not None
    assert completed.operations == 10**27


def test_a_model_of_which_the_file_says_nothing_keeps_the_claim() -> None:
    """What the file does not know, and models that are not on file, stay as declared."""
    for name in ("noted", "elsewhere"):
        claimed = Lineage(base=BaseModel(name=name, weights=Weights.PUBLISHED, operations=5))
        assert complete_lineage(claimed, MODELS) == claimed


def test_makers_of_data_are_completed_too() -> None:
    """A generator on file has the file's weights and operations."""
    lineage = Lineage(from_scratch=True, synthetic=(SyntheticData(generator="Own 1T", share=Decimal("0.2")),))
    (data,) = complete_lineage(lineage, MODELS).synthetic
    assert (data.generator_weights, data.generator_operations) == (Weights.UNPUBLISHED, 10**26)


def test_files_are_read_strictly(tmp_path: Path) -> None:
    """Exponents are whole numbers; a wrong line names file, line and field; two models of one name are an error."""
    file = tmp_path / "models.jsonl"
    file.write_text('# ours\n{"id": "a", "name": "A", "weights": "published", "operations": 1e26}\n')
    assert read_models([file])["a"].operations == 10**26
    for line, says in (
        ('{"id": "a"}', "line 1"),
        ('{"id": "a", "name": "A", "weights": "open"}', "model.weights"),
        ('{"id": "a", "name": "A", "operations": -1}', "operations"),
        ('{"id": "a", "name": "A"}\n{"id": "b", "name": "a"}', "id or name"),
        ("[]", "line 1"),
    ):
        file.write_text(line)
        with pytest.raises(ConfigurationError, match=says):
            read_models([file])
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_models([tmp_path / "none.jsonl"])


def test_a_declared_model_adds_up_its_runs() -> None:
    """All runs, the largest base and the data count; a model continued from itself counts once; unknown is a least."""
    runs = [
        DeclaredRun(hold_id="1", model="M", operations=5, base=BaseModel(name="b", operations=100)),
        DeclaredRun(hold_id="2", model="m", operations=7, base=BaseModel(name="M", operations=105), synthetic=3),
    ]
    (model,) = declared_models(runs)
    assert (model.operations, model.runs) == (115, ("1", "2"))
    (unknown,) = declared_models([*runs, DeclaredRun(hold_id="3", model="M", operations=1, synthetic=None)])
    assert (unknown.operations, unknown.least) == (None, 116)
    claimed = Lineage(base=BaseModel(name="m", operations=1))
    completed = complete_lineage(claimed, models_by_name([unknown])).base
    assert completed is not None
    assert completed.operations == 116
