"""What a provisioning call asks for, in one shape for every provider."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from kyc_gate.model.lineage import Lineage
from kyc_gate.model.record import Record


class RequestKind(StrEnum):
    """What a guarded operation does to the amount of compute that the account holds."""

    CREATE = "create"
    RESIZE = "resize"
    START = "start"
    RESERVE = "reserve"
    PURCHASE = "purchase"
    SUBMIT = "submit"
    SCALE = "scale"


class Certainty(StrEnum):
    """How exactly the amount could be read: exactly, as a range (the upper end is counted), or not at all."""

    EXACT = "exact"
    RANGE = "range"
    UNRESOLVED = "unresolved"


class Workload(StrEnum):
    """What a run is for. `UNKNOWN` counts as training, since nothing says that it is not."""

    PRE_TRAINING = "pre_training"
    FINE_TUNING = "fine_tuning"
    REINFORCEMENT_LEARNING = "reinforcement_learning"
    DISTILLATION = "distillation"
    DATA_GENERATION = "data_generation"
    INFERENCE = "inference"
    OTHER = "other"
    UNKNOWN = "unknown"


class Accelerators(Record):
    """One line of a request: `count` machines or chips of one kind.

    Either `instance_type` (a provider's machine type, `count` machines) or `model` (an accelerator, `count` chips) is
    given. `multiplier` holds what repeats the line: array size, replicas, parallel trials.
    """

    count: int
    instance_type: str | None = None
    model: str | None = None
    multiplier: int = 1


class Caller(Record):
    """Who sent the request, and how far that is proved.

    `verified` is true only where this process checked the proof itself or the operator configured a trusted source;
    `how` names it (`sigv4-access-key-id`, `header`, `api-token`).
    """

    account: str | None = None
    principal: str | None = None
    credential_id: str | None = None
    verified: bool = False
    how: str = ""


class Inquired(Record):
    """What the operator asked the provider about a reference, and was told: it stands for `lines`, each once.

    `means` is the reference that stands for the same for ever where there is one, `by` what was asked, and `at` when.
    """

    reference: str
    means: str
    lines: tuple[Accelerators, ...]
    by: str
    at: datetime | None = None


class ProvisioningRequest(Record):
    """A guarded call, read. Everything a decision may depend on and nothing of the wire.

    `fingerprint` is the SHA-256 of what the request means (account, operation, every meaningful parameter) without
    signatures, dates and idempotency tokens: the same request sent again has the same fingerprint.
    `unresolved` names each reference that could not be followed (a launch template, an opaque instance id).
    `duration_seconds` is None for machines without a stated end. `references` are the names that the request itself
    gives to what it starts, as `kind:id`, so that the call that ends it can be recognised.
    `repeats` is how often each reference of `unresolved` is asked for. `replaces` names what the lines are the whole
    of, where the call changes something that may run already: only what goes beyond it is new. `inquired` are answers
    of the provider that the lines rest on.
    """

    provider: str
    service: str
    operation: str
    kind: RequestKind
    lines: tuple[Accelerators, ...] = ()
    certainty: Certainty = Certainty.EXACT
    unresolved: tuple[str, ...] = ()
    duration_seconds: int | None = None
    workload: Workload = Workload.UNKNOWN
    declared_operations: int | None = None
    region: str | None = None
    place_of_use: str | None = None
    data_centre: str | None = None
    caller: Caller = Caller()
    linkage: tuple[tuple[str, str], ...] = ()
    idempotency_key: str | None = None
    references: tuple[str, ...] = ()
    repeats: int = 1
    replaces: str | None = None
    dry_run: bool = False
    fingerprint: str = ""
    lineage: Lineage | None = None
    inquired: tuple[Inquired, ...] = ()


class Estimate(Record):
    """Operations that a request can perform: integers, any precision, forward and backward passes alike.

    `low` and `likely` assume a share of peak, `high` is the ceiling at full peak of the fastest format.
    `tpp` is total processing performance per chip (the highest in the request), None when a chip is unknown.
    """

    low: int
    likely: int
    high: int
    tpp: float | None
    total_tpp: float | None
    chips: int
    known: bool
    seconds: int
    open_ended: bool
    basis: tuple[str, ...] = ()
