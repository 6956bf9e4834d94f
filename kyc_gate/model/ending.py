"""A call or an event that ends runs."""

from __future__ import annotations

from kyc_gate.model.record import Record


class Ending(Record):
    """Runs that end: the account whose they are, and the provider's names of what ran, such as `instance:i-0abc`.

    Without an account they are that account's under which what ran was learnt.
    """

    provider: str
    account: str
    references: tuple[str, ...]
