"""The registry of runs and models, as customers declared them, that later runs can name."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from kyc_gate.model.job import Workload
from kyc_gate.model.lineage import MOST_OPERATIONS, BaseModel, Lineage, Weights
from kyc_gate.model.record import Record


class RunState(StrEnum):
    """Where a run stands. An ended run keeps counting over its window."""

    DECLARED = "declared"
    RUNNING = "running"
    ENDED = "ended"


class Run(Record):
    """One run on file: who runs it, what it is for, what it starts from, and the operations known of it.

    `declared` is what the customer declares (6ND), `estimated` the likely figure of the machines, `measured` the true
    usage once the platform reported it; None means that nobody said.
    """

    id: str
    account: str | None = None
    party_id: str | None = None
    control_group: str = ""
    workload: Workload = Workload.UNKNOWN
    lineage: Lineage | None = None
    declared: int | None = None
    estimated: int | None = None
    measured: int | None = None
    state: RunState = RunState.DECLARED
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def operations(self) -> int | None:
        """The figure that counts: what was measured, else the larger of what was declared and estimated."""
        if self.measured is not None:
            return self.measured
        return max((each for each in (self.declared, self.estimated) if each is not None), default=None)


class DeclaredRun(Record):
    """One run that was let through, as part of the model that it said it makes.

    `operations` are the run's own: what is declared, or the likely figure of its machines where that is more. `base` is
    what it starts from, completed from what was on file; `synthetic` what its data adds, None where that is not known.
    """

    hold_id: str
    model: str
    operations: int
    base: BaseModel | None = None
    synthetic: int | None = 0
    control_group: str = ""
    account: str = ""


class RegisteredModel(Record):
    """A model that runs may start from. `operations` is all that it was trained with, its base included.

    `least` is what is known of the operations where all of them are not.

    `base` is None for a model from scratch. `verified` is true where the operator checked that the weights are
    published, or the operations; what only a customer says stays a claim.
    """

    id: str
    name: str
    weights: Weights = Weights.UNKNOWN
    operations: int | None = None
    least: int = 0
    base: BaseModel | None = None
    control_group: str | None = None
    runs: tuple[str, ...] = ()
    verified: bool = False
    registered_at: datetime | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for operations that cannot be meant, and for a model without id or name."""
        if not (self.id.strip() and self.name.strip()):
            raise ValueError("`id` and `name` must not be empty")
        if self.operations is not None and not 0 <= self.operations <= MOST_OPERATIONS:
            raise ValueError("`operations` is out of range; it is a whole number of operations from 0 to 1e40")

    def as_base(self) -> BaseModel:
        """Return the model as the base of another run."""
        return BaseModel(name=self.id, weights=self.weights, operations=self.operations, verified=self.verified)
