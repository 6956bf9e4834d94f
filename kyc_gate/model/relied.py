"""What a decision takes for granted although other calls may change it."""

from __future__ import annotations

from kyc_gate.model.learned import Learned
from kyc_gate.model.record import Record


class Relied(Record):
    """Names and runs of one account: where one changed before the decision is written, nothing is written.

    `learned` is what names stood for. `asked` are names, as `kind:id`, that the provider was asked about, and nobody
    had changed after the change with number `serial`. `runs` are ids of holds whose run goes on under `replaces`.
    """

    provider: str
    account: str
    learned: tuple[Learned, ...] = ()
    asked: tuple[str, ...] = ()
    serial: int = 0
    replaces: str = ""
    runs: tuple[str, ...] = ()
