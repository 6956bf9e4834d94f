"""A view of the queue that somebody saved for themselves."""

from __future__ import annotations

from kyc_gate.model.record import Record

MOST_VIEWS = 30
"""Views that a person may save."""


class SavedView(Record):
    """A name, and the filters of the queue as its address has them (`{"severity": "high"}`)."""

    name: str
    filters: dict[str, str]
