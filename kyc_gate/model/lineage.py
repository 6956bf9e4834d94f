"""Where a model comes from: the weights that a run starts from, the data that another model made, and 6ND."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from kyc_gate.model.record import Record

MOST_OPERATIONS = 10**40
"""More operations than all machines ever built could perform in an age; a larger figure is a slip of units."""


class Weights(StrEnum):
    """Whether anybody can download the parameters of a model ("published", 15 CFR 734.7). Unknown is not published."""

    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"
    UNKNOWN = "unknown"


class BaseWeights(StrEnum):
    """What is known of the weights that a run starts from: as `Weights`, or that it starts from none."""

    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"
    UNKNOWN = "unknown"
    NONE = "none"


class BaseModel(Record):
    """The model whose weights a run starts from. `operations` is all that it was trained with, its own base included.

    `name` may be the id of a model in the registry, which then says the rest; `verified` is true where the operator has
    checked what it says there, and nobody else can say so.
    """

    name: str
    weights: Weights = Weights.UNKNOWN
    operations: int | None = None
    verified: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` for operations that cannot be meant."""
        _check_operations(self.operations, "operations")


class SyntheticData(Record):
    """Training data that one model generated; its checkpoints and fine-tuned variants are the same model.

    `share` is the share (0 to 1) of the run's operations that train on it. `data_published` is true where the data
    itself can be downloaded. `generation_operations` made the data; `generator_operations` trained the generator.
    ECCN 4E091, technical note 3.
    """

    generator: str
    share: Decimal
    data_published: bool = False
    generator_weights: Weights = Weights.UNKNOWN
    generation_operations: int | None = None
    generator_operations: int | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a share out of range or operations that cannot be meant."""
        if not (self.share.is_finite() and 0 <= self.share <= 1):
            raise ValueError(f"`share` is {self.share}; a share is from 0 to 1: write 0.1 for 10 %")
        _check_operations(self.generation_operations, "generation_operations")
        _check_operations(self.generator_operations, "generator_operations")


class TrainingPlan(Record):
    """What the customer declares it will train: parameters (the active ones of a mixture), tokens and epochs."""

    parameters: int
    tokens: int
    epochs: int = 1

    def __post_init__(self) -> None:
        """Raise `ValueError` for a count that is not above 0, or that multiplies to more than can be meant."""
        for name, value in (("parameters", self.parameters), ("tokens", self.tokens), ("epochs", self.epochs)):
            if value <= 0:
                raise ValueError(f"`{name}` is {value}; it must be above 0")
        _check_operations(self.operations, "parameters x tokens x epochs")

    @property
    def operations(self) -> int:
        """6ND: two operations a parameter forward and four backward, for each token (4E091, technical note 2)."""
        return 6 * self.parameters * self.tokens * self.epochs


class Lineage(Record):
    """What a run starts from and learns from, as declared. `base` None with `from_scratch` false means: nobody said.

    `model` names the model that the run makes or continues, so that later runs can name it. `biological` is true
    for training mainly on biological sequence data, None where nobody said.
    """

    model: str | None = None
    base: BaseModel | None = None
    from_scratch: bool = False
    synthetic: tuple[SyntheticData, ...] = ()
    biological: bool | None = None
    plan: TrainingPlan | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` where a run starts from a model and from nothing."""
        if self.from_scratch and self.base is not None:
            raise ValueError("`from_scratch` is true, and `base` names a model; give one of them")


def _check_operations(value: int | None, name: str) -> None:
    if value is not None and not 0 <= value <= MOST_OPERATIONS:
        raise ValueError(f"`{name}` is out of range; it is a whole number of operations from 0 to 1e40")
