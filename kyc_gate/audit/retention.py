"""How long what a record says of people is kept: by class, and never less than the law asks.

Sources: 31 CFR 501.601, ten years since 12 March 2025 (90 FR 13286); 15 CFR 762.6(a), five years; 15 CFR 762.6(b), a
record that an agency asked for is not destroyed, whatever its age.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from kyc_gate.errors import ConfigurationError
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record


class Retention(StrEnum):
    """A class of records. What may fall under several is of the one that is kept longest."""

    OFAC = "ofac"
    EAR = "ear"


LEAST_YEARS = {Retention.OFAC: 10, Retention.EAR: 5}
"""What the law asks, in years from the record."""


class Periods(Record):
    """Years for which each class is kept."""

    ofac: int = LEAST_YEARS[Retention.OFAC]
    ear: int = LEAST_YEARS[Retention.EAR]

    def __post_init__(self) -> None:
        """Raise `ConfigurationError` for a period shorter than the law's."""
        for each in Retention:
            if self.years(each) < LEAST_YEARS[each]:
                raise ConfigurationError(
                    f"`audit.years_{each}` is {self.years(each)}; the law asks for {LEAST_YEARS[each]} at least"
                )

    def years(self, retention: Retention) -> int:
        """Return the years of a class."""
        return self.ofac if retention is Retention.OFAC else self.ear

    def before(self, retention: Retention, now: datetime) -> datetime:
        """Return the moment up to which records of the class may be erased at `now`. 29 February waits a day."""
        year = now.year - self.years(retention)
        try:
            return now.replace(year=year)
        except ValueError:
            return now.replace(year=year, day=28)


class LegalHold(Record):
    """An order to keep what is on record of a party, or of everybody (`party_id` is empty), whatever its age."""

    id: str
    party_id: str
    because: str
    by: str
    placed_at: datetime
    released_at: datetime | None = None


def retention_of(facts: Facts) -> Retention:
    """Return the class of a decision: the EAR's only where the party and all behind it were screened, and clear.

    Whichever list it is that they resemble, OFAC's is the longer, and so the safe one. What two people cleared
    resembles a list all the same.
    """
    screening, owners = facts.screening, facts.ownership
    if screening.possible is None or screening.outcome == "not_screened":
        return Retention.OFAC
    touched = (*screening.possible, *owners.minority_lists, *facts.managers.lists, *facts.cleared)
    if touched or owners.sdn_share or owners.sdn_outstanding or not screening.complete:
        return Retention.OFAC
    return Retention.EAR
