"""Notices an account whose customer tries names: several in an hour, each of which resembles somebody listed.

Who wants to know how far a name must be from a listed one changes it again and again. Every such request is held or
blocked by itself; this has a person look at the account, whatever name it bears by then.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from kyc_gate.model.case import NAMES_TRIED
from kyc_gate.model.decision import Outcome
from kyc_gate.service.settings import Settings
from kyc_gate.storage.store import CaseOpening, DecisionEntry

MOST_NAMES = 5
"""Names that an honest customer may bear in an hour: a company that mends its file needs two or three."""

WITHIN = timedelta(hours=1)

MOST_ACCOUNTS = 10_000
"""Accounts that are remembered; those not heard of for longest are forgotten first."""


class Probing:
    """Remembers which names of which account resembled somebody. Each gate remembers what it saw itself."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, dict[str, datetime]] = OrderedDict()
        self.alarms = 0
        """How often an account was told of."""

    def note(self, account: str, name: str, at: datetime) -> bool:
        """Note a name, and return whether it is one too many; the account begins anew after that."""
        recent = {each: when for each, when in self._seen.pop(account, {}).items() if when > at - WITHIN}
        recent[name] = at
        if len(recent) >= MOST_NAMES:
            self.alarms += 1
            return True
        self._seen[account] = recent
        while len(self._seen) > MOST_ACCOUNTS:
            self._seen.popitem(last=False)
        return False


def entry_of(
    decision_id: str, *, account: str, party_id: str, control_group: str, at: datetime, settings: Settings
) -> DecisionEntry:
    """Return the record of an account that tried names, and the case that somebody looks into. It holds no request."""
    id = f"names_{decision_id}"
    return DecisionEntry(
        decision_id=id,
        record={
            "type": NAMES_TRIED,
            "decision_id": id,
            "at": at.isoformat(),
            "last": decision_id,
            "account": account,
            "names": MOST_NAMES,
        },
        case=CaseOpening(
            severity="high",
            fingerprint=f"{NAMES_TRIED}:{account}",
            control_group=control_group,
            account=account,
            party_id=party_id,
            operation=NAMES_TRIED,
            rules=(NAMES_TRIED,),
            family=NAMES_TRIED,
            decision_id=id,
            at=at,
            due_at=settings.due_at(at, urgent=True),
            expires_at=None,
            likely=0,
            high=0,
            outcome=Outcome.ESCALATE,
        ),
        party_id=party_id,
    )
