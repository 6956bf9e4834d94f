"""Parties, their names, their owners, and the accounts through which they rent."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from kyc_gate.model.record import Record


class PartyKind(StrEnum):
    """What sort of person a party is; `UNKNOWN` until somebody says."""

    COMPANY = "company"
    PERSON = "person"
    GOVERNMENT = "government"
    UNKNOWN = "unknown"


class Alias(Record):
    """Another name of a party or list entry; `weak` if the list says that it is a poor identifier."""

    name: str
    weak: bool = False
    kind: str = ""


class Owner(Record):
    """A direct owner of a party, with the share it holds (0 to 1), or None where the share is not known.

    `party_id` names a party of the directory; `listed_on` names lists that the owner is known to be on.
    """

    name: str
    share: Decimal | None = None
    party_id: str | None = None
    headquarters: str | None = None
    listed_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a share out of range, which would take away from what others hold."""
        if self.share is not None and not (self.share.is_finite() and 0 <= self.share <= 1):
            raise ValueError(f"`share` is {self.share}; a share is from 0 to 1: write 0.5 for 50 %")


class UltimateParent(Record):
    """The last owner up the chain, as the customer or the operator declares it.

    A party that has no owner above it says so with `is_self`: silence means *unknown*, not "none".
    """

    name: str | None = None
    headquarters: str | None = None
    party_id: str | None = None
    is_self: bool = False


class Party(Record):
    """A natural or legal person that is checked. Country fields hold what was declared, in any spelling."""

    id: str
    name: str
    aliases: tuple[Alias, ...] = ()
    kind: PartyKind = PartyKind.UNKNOWN
    location: str | None = None
    headquarters: str | None = None
    ultimate_parent: UltimateParent | None = None
    owners: tuple[Owner, ...] | None = None
    place_of_use: str | None = None
    reseller: bool | None = None
    military_end_use: bool | None = None
    wmd_end_use: bool | None = None
    verified: bool = False


class Account(Record):
    """What the provider bills. Many accounts may be one party; `payer` names another party that pays for this one."""

    provider: str
    id: str
    party_id: str
    payer_party_id: str | None = None
