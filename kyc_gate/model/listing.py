"""Restricted-party lists: an entry, what its publisher says of it, and the merged snapshot that a decision names."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.model.record import Record

# `gc=False`: these records hold texts and tuples of such records, so they cannot form a cycle. A million of them are
# smaller by 16 MB, and the collector never walks them.


class Identifier(Record, gc=False, omit_defaults=True):
    """A number that stands for one party: `kind` is one of `IDENTIFIER_KINDS`, or the publisher's words."""

    kind: str
    value: str
    country: str = ""


IDENTIFIER_KINDS = frozenset(
    ("lei", "bic", "imo", "mmsi", "registration", "tax", "passport", "national-id", "crypto", "duns", "isin", "ticker")
)
"""The kinds that are comparable across lists. For `crypto`, `country` is empty and `value` is the address alone."""


class Address(Record, gc=False, omit_defaults=True):
    """A place of a listed party. `street` is the whole text where the publisher does not part it.

    `country` is an ISO 3166-1 alpha-2 code, or the published text where that names no country, or several.
    """

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class Details(Record, gc=False, omit_defaults=True):
    """What the publisher says of an entry besides who it is: shown to a reviewer, and read by rules.

    `citation` is the notice or regulation; `subject` the publisher's word for what is listed (`vessel`, `aircraft`);
    `parents` are names of organisations that the entry is said to belong to.
    """

    remarks: str = ""
    citation: str = ""
    license_requirement: str = ""
    license_policy: str = ""
    source_url: str = ""
    title: str = ""
    subject: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    birth_places: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


NO_DETAILS = Details()
"""The one instance that entries without details share."""


class ListEntry(Record, gc=False, omit_defaults=True):
    """One record of a published list. `list` is its short code (`SDN`, `EL`, `DPL`, ...), `id` the list's own id.

    `countries` are those of its addresses and registration, `nationalities` those of a person; both are ISO 3166-1
    alpha-2 codes, or the published text where that names no country. Dates are ISO 8601 and as precise as published
    (`1975`, `1975-03`, `1975-03-12`). `end_date` is when the listing ends or ended: such an entry is kept, and whoever
    reads the match decides. An alias in the party's own script has the kind `original script`.
    """

    list: str
    id: str
    name: str
    aliases: tuple[Alias, ...] = ()
    kind: PartyKind = PartyKind.UNKNOWN
    countries: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    addresses: tuple[Address, ...] = ()
    birth_dates: tuple[str, ...] = ()
    nationalities: tuple[str, ...] = ()
    websites: tuple[str, ...] = ()
    start_date: str = ""
    end_date: str = ""
    details: Details = NO_DETAILS


class ListSnapshot(Record):
    """The merged lists at one digest. `as_of` is the oldest publication or retrieval time among its lists.

    `problems` names each row that could not be read, with its line; `notes` what else was left out or not given.
    """

    digest: str
    entries: tuple[ListEntry, ...]
    lists: tuple[str, ...]
    as_of: datetime | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
