"""The result of comparing a party with the lists."""

from __future__ import annotations

from enum import StrEnum

from kyc_gate.model.record import Record


class ScreeningOutcome(StrEnum):
    """`NOT_SCREENED` is not `CLEAR`: no list was active, or the name could not be used."""

    CLEAR = "clear"
    POSSIBLE = "possible"
    MATCH = "match"
    NOT_SCREENED = "not_screened"


class Match(Record):
    """A compared pair with its score (0.0 to 1.0) and an explanation that names both strings compared."""

    list: str
    entry_id: str
    name: str
    score: float
    queried: str
    explanation: str


class Screening(Record):
    """What a party resembles, best match first, in the snapshot with this digest.

    `complete` is false when a name among those asked about could not be screened.
    """

    outcome: ScreeningOutcome
    matches: tuple[Match, ...] = ()
    snapshot: str | None = None
    complete: bool = True
