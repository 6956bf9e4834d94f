"""What a change of something that runs already adds to it: only that is new, the rest counts since it began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.errors import FactsErased
from kyc_gate.model.call import Call
from kyc_gate.model.job import Accelerators, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.learned import Definition
from kyc_gate.model.usage import MeteredRun
from kyc_gate.service.runs import recorded_of
from kyc_gate.storage.runs import SINGULAR
from kyc_gate.storage.store import Store


def definition_of(adapter: Adapter, call: Call) -> Definition | None:
    """Return what the call defines. Raises `RefusedCall` for a definition that cannot be read one way only."""
    defines = getattr(adapter, "definition", None)
    found: Definition | None = defines(call) if defines else None
    return found


SPREADING = "cluster-zones"
"""References that say over how many places each machine spreads, in place of machines."""


def repeated(lines: Iterable[Accelerators], times: int) -> list[Accelerators]:
    """Return the lines of one of something, `times` over."""
    return [replace(line, multiplier=line.multiplier * times) for line in lines]


async def growth_of(store: Store, request: ProvisioningRequest) -> tuple[ProvisioningRequest, tuple[str, ...]]:
    """Return a request that changes something with the lines that go beyond what runs without an end under its name.

    With it come the ids of the holds whose runs it was measured against.

    What is not known to run is new. A single machine that changes is counted whole, and what it ran before ends. Where
    nothing is new the request has no lines and names nothing, so that what runs goes on as it is.
    """
    if request.replaces is not None and request.replaces.partition(":")[0] in _LIMITED:
        return await _longer(store, request)
    if request.replaces is None or request.certainty is Certainty.UNRESOLVED or request.duration_seconds is not None:
        return request, ()
    running, holds = await _running(store, f"{request.provider}:{request.caller.account or ''}", request.replaces)
    if not running:
        return request, ()
    beyond = _amounts(request.lines) - running
    if not beyond:
        return replace(request, lines=(), references=()), holds
    if request.replaces.partition(":")[0] in SINGULAR:
        return request, ()
    lines = [Accelerators(instance_type=type, model=model, count=count) for (type, model), count in beyond.items()]
    return replace(request, lines=tuple(lines)), holds


_LIMITED = frozenset({"slurm-job"})
"""Kinds of what runs to a limit that a change may move."""


async def _longer(store: Store, request: ProvisioningRequest) -> tuple[ProvisioningRequest, tuple[str, ...]]:
    """Return a request that changes a job with nothing new in it where its run on record is as large and as long."""
    if request.certainty is Certainty.UNRESOLVED or request.replaces is None:
        return request, ()
    account = f"{request.provider}:{request.caller.account or ''}"
    for run in await store.fetch_runs_named(account, request.replaces):
        recorded = await _recorded(store, run)
        if recorded is None or _amounts(request.lines) - _amounts(recorded.lines):
            continue
        limit, before = request.duration_seconds, recorded.duration_seconds
        if request.kind is RequestKind.START or before is None or (limit is not None and limit <= before):
            return replace(request, lines=(), references=()), (run.hold_id,)
    return request, ()


async def _recorded(store: Store, run: MeteredRun) -> ProvisioningRequest | None:
    """Return the request behind a run, None where it was erased or says not all: what is not known to run is new."""
    try:
        recorded = await recorded_of(store, run)
    except FactsErased:
        return None
    known = recorded is not None and recorded[0].certainty is not Certainty.UNRESOLVED
    return recorded[0] if recorded is not None and known else None


def _amounts(lines: Iterable[Accelerators]) -> Counter[tuple[str | None, str | None]]:
    found: Counter[tuple[str | None, str | None]] = Counter()
    for line in lines:
        found[(line.instance_type, line.model)] += line.count * line.multiplier
    return found


async def _running(
    store: Store, account: str, reference: str
) -> tuple[Counter[tuple[str | None, str | None]], tuple[str, ...]]:
    """Return what counts without an end under the name, as it was let through, and the ids of its holds.

    A run that is known under other names, too, may have ended in part, and is left out; so is one whose record was
    erased: what is not known to run is new.
    """
    found: Counter[tuple[str | None, str | None]] = Counter()
    holds = []
    for run in await store.fetch_runs_named(account, reference):
        recorded = await _recorded(store, run) if run.ends_at is None and run.references == (reference,) else None
        if recorded is not None:
            found += _amounts(recorded.lines)
            holds.append(run.hold_id)
    return found, tuple(holds)
