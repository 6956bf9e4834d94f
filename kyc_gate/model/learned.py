"""What traffic teaches about references."""

from __future__ import annotations

from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record


class Learned(Record):
    """A reference that a passed call's answer taught: the opaque `id` stands for these lines."""

    kind: str
    id: str
    lines: tuple[Accelerators, ...]


class Definition(Record):
    """What a call defines and does not start, such as a template of machines: known once the upstream accepted it."""

    provider: str
    account: str
    learned: tuple[Learned, ...]
