"""Parties, their names, their owners, and the accounts through which they rent."""

from __future__ import annotations

from datetime import date, datetime
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


def check_share(share: Decimal | None) -> None:
    """Raise `ValueError` for a share that is not from 0 to 1."""
    if share is not None and not (share.is_finite() and 0 <= share <= 1):
        raise ValueError(f"`share` is {share}; a share is from 0 to 1: write 0.5 for 50 %")


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
        check_share(self.share)


class BeneficialOwner(Record):
    """A natural person behind a party: who holds a quarter or more (`share`, 0 to 1), or controls it otherwise.

    `born` and `country` tell people of one name apart. `party_id` names a person on file. `us_person` says whether it
    is a US person (a citizen, a permanent resident, somebody in the United States); None until somebody says.
    """

    name: str
    share: Decimal | None = None
    controls: bool = False
    born: str | None = None
    country: str | None = None
    party_id: str | None = None
    listed_on: tuple[str, ...] = ()
    us_person: bool | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a share out of range."""
        check_share(self.share)


class Access(Record):
    """One access to the service, or to its administration: the IP address it came from, and when."""

    ip: str
    at: datetime


class Manager(Record):
    """A senior manager or technical leader of a party; `also_at` names other organisations that the person serves."""

    name: str
    title: str | None = None
    party_id: str | None = None
    also_at: tuple[str, ...] = ()
    listed_on: tuple[str, ...] = ()


class UltimateParent(Record):
    """The last owner up the chain, as the customer or the operator declares it.

    A party that has no owner above it says so with `is_self`: silence means *unknown*, not "none".
    """

    name: str | None = None
    headquarters: str | None = None
    party_id: str | None = None
    is_self: bool = False


class Party(Record):
    """A natural or legal person that is checked. Country fields hold what was declared, in any spelling.

    `lei` is the party's Legal Entity Identifier. `managers` and `beneficial_owners` are None until somebody says who
    they are. `card_token` is what the operator's payment processor calls the card that pays.

    `address`, `phone`, `email` and `website` are as the party gave them; a website of `none` says that it has none.
    `payment_country` is where its payments come from and `ip` where it signed up from, as the operator saw them.
    `register_number` is its number in a company register, `incorporated` the day it was founded, `residential` whether
    its address is a home. `headquarters_refused` says that it was asked and would not tell. `vetted_until` is the last
    day on which the operator's own vetting counts.

    `trade_names` are the names under which it does business, screened like its own; None until somebody says.
    `jurisdiction` is where a company is organised. `payment_sources` are the operator's names (tokens, not numbers) of
    what pays. `access` are addresses from which it was used or administered. `us_person` is as for `BeneficialOwner`.
    """

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
    lei: str | None = None
    managers: tuple[Manager, ...] | None = None
    beneficial_owners: tuple[BeneficialOwner, ...] | None = None
    email: str | None = None
    card_token: str | None = None
    address: str | None = None
    phone: str | None = None
    website: str | None = None
    payment_country: str | None = None
    ip: str | None = None
    register_number: str | None = None
    incorporated: date | None = None
    residential: bool | None = None
    headquarters_refused: bool | None = None
    vetted_until: date | None = None
    trade_names: tuple[str, ...] | None = None
    jurisdiction: str | None = None
    payment_sources: tuple[str, ...] = ()
    access: tuple[Access, ...] = ()
    us_person: bool | None = None


class Account(Record):
    """What the provider bills. Many accounts may be one party; `payer_party_id` names another that pays for this one.

    `email` is the account's own address, and `card_token` the payment processor's name of the card that pays.
    """

    provider: str
    id: str
    party_id: str
    payer_party_id: str | None = None
    email: str | None = None
    card_token: str | None = None
