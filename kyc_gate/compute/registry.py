"""Models on file, models that declared runs made, and a lineage completed by what is known of those that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from kyc_gate.model.lineage import MOST_OPERATIONS, BaseModel, Lineage, SyntheticData, Weights
from kyc_gate.model.run import DeclaredRun, RegisteredModel

Models = Mapping[str, RegisteredModel]
"""Models on file, by id and by name."""


def models_by_name(models: Iterable[RegisteredModel]) -> Models:
    """Return the models under every id and name. Raises `ValueError` where two models share one."""
    found: dict[str, RegisteredModel] = {}
    for model in models:
        for key in {folded_name(model.id), folded_name(model.name)}:
            if key in found:
                raise ValueError(f"model `{model.id}`: `{key}` is the id or name of model `{found[key].id}` too")
            found[key] = model
    return MappingProxyType(found)


def declared_models(runs: Iterable[DeclaredRun]) -> tuple[RegisteredModel, ...]:
    """Return the models that runs made, by control group and name.

    Each has the operations of all its runs, of the largest base among them and of their synthetic data. Weights that a
    run makes are unpublished until a file of the operator says otherwise.
    """
    made: dict[tuple[str, str], list[DeclaredRun]] = {}
    for run in runs:
        made.setdefault((run.control_group, folded_name(run.model)), []).append(run)
    return tuple(_made(runs) for _, runs in sorted(made.items()))


def _made(runs: list[DeclaredRun]) -> RegisteredModel:
    first = runs[0]
    bases = [run.base for run in runs if run.base and folded_name(run.base.name) != folded_name(first.model)]
    parts = [base.operations for base in bases] + [run.synthetic for run in runs]
    own = sum(run.operations for run in runs)
    least = min(
        own
        + max((base.operations or 0 for base in bases), default=0)
        + max((run.synthetic or 0 for run in runs), default=0),
        MOST_OPERATIONS,
    )
    return RegisteredModel(
        id=first.model,
        name=first.model,
        weights=Weights.UNPUBLISHED,
        operations=None if None in parts else least,
        least=least,
        base=max(bases, key=lambda base: base.operations or 0, default=None),
        control_group=first.control_group,
        runs=tuple(run.hold_id for run in runs),
    )


def names_to_complete(lineage: Lineage, models: Models) -> tuple[str, ...]:
    """Return the folded names of the models that a lineage starts or learns from, and that `models` does not know."""
    names = [lineage.base.name] if lineage.base else []
    names += [data.generator for data in lineage.synthetic]
    return tuple(sorted({folded_name(name) for name in names} - models.keys()))


def complete_lineage(lineage: Lineage, models: Models) -> Lineage:
    """Return the lineage with what the file says of its base and of the models that made its data.

    What is on file stands above what is claimed, apart from operations, of which the larger figure stands.
    """
    return replace(
        lineage,
        base=_base(lineage.base, models) if lineage.base else None,
        synthetic=tuple(_data(data, models) for data in lineage.synthetic),
    )


def _base(base: BaseModel, models: Models) -> BaseModel:
    known = models.get(folded_name(base.name))
    if known is None:
        return base
    return BaseModel(
        name=base.name,
        weights=_weights(known, base.weights),
        operations=_larger(known, base.operations),
        verified=known.verified,
    )


def _data(data: SyntheticData, models: Models) -> SyntheticData:
    known = models.get(folded_name(data.generator))
    if known is None:
        return data
    return replace(
        data,
        generator_weights=_weights(known, data.generator_weights),
        generator_operations=_larger(known, data.generator_operations),
    )


def _weights(known: RegisteredModel, claimed: Weights) -> Weights:
    return claimed if known.weights is Weights.UNKNOWN else known.weights


def _larger(known: RegisteredModel, claimed: int | None) -> int | None:
    if claimed is None:
        return known.operations
    return max(known.operations or 0, known.least, claimed)


def folded_name(name: str) -> str:
    """Return a model's name as names are compared: without regard to case and spacing."""
    return " ".join(name.casefold().split())
