"""Clearances: resemblances that two people found to be somebody else."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.record import Record


class Pair(Record):
    """A party and a list entry that it resembles, each with the fingerprint of what is known of it.

    `party_form` covers the party and everybody behind it, `entry_form` the entry as published. `queried` is the name
    that resembled.
    """

    party_id: str
    list: str
    entry_id: str
    queried: str
    listed: str
    party_form: str
    entry_form: str
    score: float = 0.0


class Clearance(Record):
    """A pair settled as a false positive by two people, until it expires, is taken back, or either side changes."""

    id: str
    pair: Pair
    reason: str
    case_id: str
    proposed_by: str
    approved_by: str
    at: datetime
    expires_at: datetime
    evidence: tuple[str, ...] = ()
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_because: str = ""

    def stands(self, at: datetime) -> bool:
        """Return whether the clearance is neither ended nor expired at `at`."""
        return self.ended_at is None and at < self.expires_at

    def covers(self, pair: Pair) -> bool:
        """Return whether the clearance is of this very pair, both sides unchanged."""
        mine = self.pair
        return (mine.party_id, mine.list, mine.entry_id, mine.queried, mine.party_form, mine.entry_form) == (
            pair.party_id,
            pair.list,
            pair.entry_id,
            pair.queried,
            pair.party_form,
            pair.entry_form,
        )
