"""The records of the LEI register: who an entity is, who consolidates it, and why it reports nobody."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from kyc_gate.model.record import Record

NOTHING = frozenset({"", "NULL"})
"""What stands in a field that says nothing; the files write out the word in hundreds of rows."""


def said(text: str | None) -> str | None:
    """Return what a field says, or None where it says nothing."""
    if text and text[0] > " " and text[-1] > " " and text != "NULL":
        return text
    stripped = text.strip() if text else ""
    return None if stripped in NOTHING else stripped


class Kind(StrEnum):
    """What a published file holds."""

    LEVEL1 = "lei2"
    RELATIONSHIPS = "rr"
    EXCEPTIONS = "repex"


class Address(Record, gc=False):
    """An address as it is published. `country` is an ISO 3166-1 code, `region` an ISO 3166-2 code."""

    lines: tuple[str, ...] = ()
    city: str | None = None
    region: str | None = None
    country: str | None = None
    postal_code: str | None = None

    def __str__(self) -> str:
        """Return the address on one line."""
        place = " ".join(part for part in (self.postal_code, self.city) if part)
        return ", ".join(part for part in (*self.lines, place, self.region, self.country) if part)


WEAK_REGISTRATIONS = frozenset({"LAPSED", "RETIRED", "MERGED", "PENDING_ARCHIVAL", "PENDING_TRANSFER", "CANCELLED"})
"""Registrations that nobody renewed or stands behind any more: evidence, but weaker."""

VOID_REGISTRATIONS = frozenset({"ANNULLED", "DUPLICATE", "PENDING_VALIDATION", "TRANSFERRED"})
"""Registrations that say nothing of the entity: withdrawn as wrong, double, unchecked, or kept elsewhere now."""


class Entity(Record, gc=False):
    """A level-1 record. `names` are other names in use, former ones left out; dates stand as published.

    `registration` is the state of the record, `status` that of the entity itself.
    """

    lei: str
    name: str
    names: tuple[str, ...] = ()
    legal_address: Address = Address()
    headquarters_address: Address = Address()
    jurisdiction: str | None = None
    category: str | None = None
    legal_form: str | None = None
    status: str | None = None
    registration: str | None = None
    created: str | None = None
    updated: str | None = None
    renewal: str | None = None
    registered_as: str | None = None
    successor: str | None = None

    @property
    def void(self) -> bool:
        """Whether the record says nothing of the entity."""
        return self.registration in VOID_REGISTRATIONS

    @property
    def weak(self) -> bool:
        """Whether the record is evidence that nobody renewed, or of an entity that is no longer active."""
        return self.registration in WEAK_REGISTRATIONS or self.registration is None or self.status == "INACTIVE"


DIRECT = "IS_DIRECTLY_CONSOLIDATED_BY"
ULTIMATE = "IS_ULTIMATELY_CONSOLIDATED_BY"
BRANCH = "IS_INTERNATIONAL_BRANCH_OF"
MANAGED = "IS_FUND-MANAGED_BY"
SUBFUND = "IS_SUBFUND_OF"
FEEDER = "IS_FEEDER_TO"
PARENT_TYPES = (ULTIMATE, DIRECT, BRANCH, SUBFUND, FEEDER, MANAGED)
"""Relationship types that lead upwards, the strongest first."""


TYPES = {
    ULTIMATE: "reported as ultimate parent",
    DIRECT: "reported as direct parent",
    BRANCH: "head office of the branch",
}
"""What stands at the upper end of a relationship, in plain words."""


class Relationship(Record, gc=False):
    """A level-2 record: `start` is consolidated, managed or branched by `end`.

    `status` is that of the relationship, None where the file says nothing; `registration` that of the record.
    """

    start: str
    end: str
    type: str
    status: str | None = None
    registration: str | None = None
    since: str | None = None
    until: str | None = None
    updated: str | None = None
    validated: str | None = None

    @property
    def void(self) -> bool:
        """Whether the relationship ended or its record was withdrawn."""
        return self.status == "INACTIVE" or self.registration in VOID_REGISTRATIONS or self.registration == "RETIRED"

    @property
    def weak(self) -> bool:
        """Whether the relationship stands, and nobody renewed its record or says its status."""
        return self.registration in WEAK_REGISTRATIONS or self.registration is None or self.status is None


DIRECT_EXCEPTION = "DIRECT_ACCOUNTING_CONSOLIDATION_PARENT"
ULTIMATE_EXCEPTION = "ULTIMATE_ACCOUNTING_CONSOLIDATION_PARENT"


class ReportingException(Record, gc=False):
    """Why an entity reports no parent: `category` says which one, `reasons` why."""

    lei: str
    category: str
    reasons: tuple[str, ...] = ()


REASONS = {
    "NO_LEI": "its parent has no LEI",
    "NATURAL_PERSONS": "natural persons own it",
    "NON_CONSOLIDATING": "nobody consolidates its accounts",
    "NO_KNOWN_PERSON": "it knows of nobody who owns it",
    "NON_PUBLIC": "it does not want its parent made public",
    "BINDING_LEGAL_COMMITMENTS": "a contract forbids it to say",
    "LEGAL_OBSTACLES": "a law forbids it to say",
    "CONSENT_NOT_OBTAINED": "its parent did not agree to be named",
    "DETRIMENT_NOT_EXCLUDED": "naming its parent might do harm",
    "DISCLOSURE_DETRIMENTAL": "naming its parent would do harm",
}
"""Reasons in plain words: GLEIF, level-2 reporting exceptions format 1.1 and 2.1."""

Row = Entity | Relationship | ReportingException


class Run(Protocol):
    """Some records of a file, cut out and not read yet. It may be sent to another process and be read there."""

    def rows(self) -> Iterator[Row | str]:
        """Yield each record, or in one clause what is wrong with it."""
        ...


class RowsRun(NamedTuple):
    """Records that were read already, in formats that cannot be cut without reading them."""

    read: tuple[Row | str, ...]

    def rows(self) -> Iterator[Row | str]:
        """Yield each record, or in one clause what is wrong with it."""
        return iter(self.read)


_FORMS = {
    "limited": "ltd",
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
    "and": "&",
}
_PUNCTUATION = str.maketrans(dict.fromkeys("!\"#$%'()*,./:;<=>?@[\\]^_`{|}~-+", " ") | {"&": " & ", ".": "", "'": ""})


def name_key(name: str) -> str:
    """Return `name` as one that is looked up exactly: without case, accents, punctuation and spelling of common forms.

    The legal form stays: `Acme GmbH` and `Acme Ltd` are two companies.
    """
    return " ".join([word for each in name.split() if (word := _WORDS[each])])


MOST_WORDS = 20_000
"""Words that are remembered, some 3 MB. With five times as many a name takes longer: they lie further from the core."""


LONGEST_WORD = 64
"""Characters of a word that is remembered."""


class _Words(dict[str, str]):
    """Each word that was seen lately, as it is looked up; one with a mark in it may become several, or none."""

    def __missing__(self, word: str) -> str:
        text = word.lower() if word.isascii() else _bare(word)
        found = " ".join([_FORMS.get(each, each) for each in text.translate(_PUNCTUATION).split()])
        if len(self) >= MOST_WORDS:
            self.clear()
        if len(word) <= LONGEST_WORD:
            self[word] = found
        return found


_WORDS = _Words()


def _bare(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFC", "".join(char for char in folded if not unicodedata.combining(char)))
