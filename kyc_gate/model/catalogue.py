"""What decisions and parties are found by: short cards drawn from what is on record, and questions to ask of them."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.party import Party
from kyc_gate.model.record import Record


class DecisionCard(Record):
    """What a decision is found by. `kind` is the type of its record: `decision`, or what else opened a case.

    `rules` are those with a finding, whether or not it counted, and `counting` those whose finding bore on the outcome.
    `provider`, `account`, `party_id` and `operation` are None where the record does not say, or was erased (`erased`);
    an empty `party_id` says that nobody is on file.
    """

    position: int
    id: str
    at: datetime
    kind: str = "decision"
    outcome: str = ""
    acted: str = ""
    provider: str | None = None
    account: str | None = None
    party_id: str | None = None
    operation: str | None = None
    rules: tuple[str, ...] = ()
    counting: tuple[str, ...] = ()
    erased: bool = False

    @property
    def account_name(self) -> str | None:
        """The account as it is written everywhere: `PROVIDER:ACCOUNT`."""
        return None if self.account is None else f"{self.provider}:{self.account}"


class DecisionQuery(Record):
    """Which decisions to find, the newest first. What is None asks for nothing.

    `since` is included and `until` is not. `not_of` are parties whose decisions are left out; with any, so are those
    of which nobody knows any more whose they are. `after` is where the page before ended.
    """

    account: str | None = None
    party_id: str | None = None
    outcome: str | None = None
    rule: str | None = None
    provider: str | None = None
    operation: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    not_of: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50


class DecisionPage(Record):
    """Decisions that were found. `after` is where the next page begins; None where there is nothing more.

    `searched_back_to` is set where the search stopped before the page was full, since it had looked at enough.
    `behind` is how many records are not in the catalogue yet.
    """

    found: tuple[DecisionCard, ...]
    after: str | None = None
    searched_back_to: datetime | None = None
    behind: int = 0


class PartyQuery(Record):
    """Which parties to find: those with words that begin with each of `terms`, in a country (ISO 3166-1 alpha-2).

    `terms` are in comparison form. `not_of` are parties that are left out. `after` is where the page before ended.
    """

    terms: tuple[str, ...] = ()
    country: str | None = None
    not_of: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50


class PartyPage(Record):
    """Parties that were found. `after`, `stopped` and `behind` are as for `DecisionPage`."""

    found: tuple[Party, ...]
    after: str | None = None
    stopped: bool = False
    behind: int = 0
