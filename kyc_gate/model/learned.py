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


class Change(Record):
    """Names, as `kind:id`, that may stand for something else once a call is passed on; `kind:*` are all of a kind."""

    provider: str
    account: str
    names: tuple[str, ...]


class Forgotten(Record):
    """What was forgotten before a call was passed on: what it stood for, and which such call this is."""

    change: Change
    serial: int
    before: tuple[Learned, ...]
