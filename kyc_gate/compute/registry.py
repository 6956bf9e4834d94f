"""Models on file, and a declared lineage completed by what the file says of the models that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from kyc_gate.model.lineage import BaseModel, Lineage, SyntheticData, Weights
from kyc_gate.model.run import RegisteredModel

Models = Mapping[str, RegisteredModel]
"""Models on file, by id and by name."""


def models_by_name(models: Iterable[RegisteredModel]) -> Models:
    """Return the models under every id and name. Raises `ValueError` where two models share one."""
    found: dict[str, RegisteredModel] = {}
    for model in models:
        for key in {_folded(model.id), _folded(model.name)}:
            if key in found:
                raise ValueError(f"model `{model.id}`: `{key}` is the id or name of model `{found[key].id}` too")
            found[key] = model
    return MappingProxyType(found)


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
    known = models.get(_folded(base.name))
    if known is None:
        return base
    return BaseModel(
        name=base.name,
        weights=_weights(known, base.weights),
        operations=_larger(known.operations, base.operations),
        verified=known.verified,
    )


def _data(data: SyntheticData, models: Models) -> SyntheticData:
    known = models.get(_folded(data.generator))
    if known is None:
        return data
    return replace(
        data,
        generator_weights=_weights(known, data.generator_weights),
        generator_operations=_larger(known.operations, data.generator_operations),
    )


def _weights(known: RegisteredModel, claimed: Weights) -> Weights:
    return claimed if known.weights is Weights.UNKNOWN else known.weights


def _larger(first: int | None, second: int | None) -> int | None:
    return max((each for each in (first, second) if each is not None), default=None)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
