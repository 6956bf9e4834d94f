"""Facts of where a model comes from, and of what was declared beside what the machines can do. Plain functions."""

from __future__ import annotations

from msgspec.structs import replace

from kyc_gate.compute.estimate import declared_disagrees
from kyc_gate.compute.lineage import LineageLines, count_lineage
from kyc_gate.compute.registry import Models, complete_lineage
from kyc_gate.model.facts import Facts, LineageFacts
from kyc_gate.model.job import Estimate, ProvisioningRequest, Workload
from kyc_gate.model.lineage import BaseModel, BaseWeights, Lineage
from kyc_gate.model.run import DeclaredRun
from kyc_gate.model.usage import Usage

MAKES_NOTHING = (Workload.INFERENCE,)
"""Workloads that leave a model as it is."""


def with_models(request: ProvisioningRequest, models: Models) -> ProvisioningRequest:
    """Return the request with its lineage completed by the models on file."""
    if request.lineage is None or not models:
        return request
    return replace(request, lineage=complete_lineage(request.lineage, models))


def declared_operations(request: ProvisioningRequest) -> int | None:
    """Return what the customer declares, from a figure or from parameters and tokens; the larger where both stand."""
    plan = request.lineage.plan if request.lineage else None
    figures = (request.declared_operations, plan.operations if plan else None)
    return max((figure for figure in figures if figure is not None), default=None)


def declared_run(request: ProvisioningRequest, facts: Facts, hold_id: str, estimated: Estimate) -> DeclaredRun | None:
    """Return the run as part of the model that it says it makes; None where it says none, or makes none."""
    lineage = request.lineage
    if lineage is None or lineage.model is None or request.workload in MAKES_NOTHING:
        return None
    return DeclaredRun(
        hold_id=hold_id,
        model=lineage.model,
        operations=max(estimated.likely, declared_operations(request) or 0),
        base=lineage.base,
        synthetic=facts.lineage.synthetic_operations,
    )


def disagrees(request: ProvisioningRequest, estimated: Estimate, usage: Usage | None) -> bool | None:
    """Return whether declared operations and machines do not fit; None where one of them is not known.

    A run may be asked for in parts, so what it declares may be as much as the control group's machines can do.
    """
    declared = declared_operations(request)
    if declared is None or not estimated.known or estimated.chips == 0:
        return None
    return declared_disagrees(declared, estimated.likely, max(estimated.high, usage.high if usage else 0))


def lineage_facts(
    request: ProvisioningRequest, usage: Usage | None, lines: LineageLines, *, resolved: bool
) -> tuple[LineageFacts, int | None]:
    """Return the facts of the lineage, and all operations that count for the model.

    The run itself counts with the likely operations of its control group, or with what is declared where that is more.
    """
    lineage = request.lineage or Lineage()
    additional = _additional(request, usage) if resolved else None
    counted = count_lineage(lineage, additional, lines)
    base = lineage.base
    facts = LineageFacts(
        declared=base is not None or bool(lineage.synthetic),
        from_scratch=lineage.from_scratch,
        base_model=base.name if base else None,
        base_weights=_weights(base, lineage),
        base_operations=counted.base if base else None,
        base_on_file=base is not None and base.verified,
        additional_operations=counted.additional,
        allowance_operations=counted.allowance,
        synthetic_share=float(counted.synthetic_share),
        synthetic_operations=counted.synthetic,
        biological=lineage.biological,
    )
    return facts, counted.total


def _additional(request: ProvisioningRequest, usage: Usage | None) -> int | None:
    if usage is None:
        return None
    return max(usage.likely, declared_operations(request) or 0)


def _weights(base: BaseModel | None, lineage: Lineage) -> str:
    if base is not None:
        return base.weights.value
    return BaseWeights.NONE.value if lineage.from_scratch else BaseWeights.UNKNOWN.value
