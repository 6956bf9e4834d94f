"""A party to screen as callers give it, in fields, and the answer as they read it."""

from __future__ import annotations

from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.model.listing import IDENTIFIER_KINDS, Identifier
from kyc_gate.model.match import Match, Screening, ScreeningOutcome
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.model.record import Record, plain
from kyc_gate.names.normalize import normalize_name
from kyc_gate.places.headquarters import resolve_headquarters
from kyc_gate.screening.asked import Asked
from kyc_gate.screening.screener import host_label


class UnusableField(InputError):
    """A field that leaves nothing to screen, or nothing that could be relied on. `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ScreenInput(Record):
    """One party. Names are made of `name`, of `first_name` and `last_name`, of `company` and what goes on in
    other fields. `address` gives the country where `country` does not.

    `identifiers` are records of `kind`, `value` and `country`, or an object of values by kind.
    """

    id: str | int | None = None
    name: str | None = None
    aliases: tuple[str | Alias, ...] = ()
    country: str | None = None
    kind: PartyKind | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    company_line2: str | None = None
    trading_as: str | None = None
    parent: str | None = None
    department: str | None = None
    division: str | None = None
    billing_contact: str | None = None
    email: str | None = None
    website: str | None = None
    address: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    identifiers: tuple[Identifier, ...] | dict[str, str] = ()


_GOES_ON = ("company_line2", "department", "division", "address1", "address2", "city")
"""Fields in which a company's name may go on, when a form is too short for it or somebody hides half of it."""

_STANDS_ALONE = ("trading_as", "parent", "billing_contact", "address1", "address2")
"""Fields that may hold a whole name of somebody."""


def asked_of(given: ScreenInput, country: str | None = None) -> Asked:
    """Return what is asked. `country` is taken where the input names none.

    Raises `UnusableField` for input that gives nothing to screen.
    """
    names = _names(given)
    hosts = tuple(text for text in (given.email, given.website) if text and text.strip())
    if not names:
        # A company's own domain names it; a mail provider's names nobody.
        names = [host for host in hosts if host_label(host)]
    if not names:
        raise UnusableField("name", "no name to screen; give `name`, `company`, or `first_name` and `last_name`")
    placed = resolve_headquarters(given.country).country or resolve_headquarters(given.address).country
    return Asked(
        names=tuple(names),
        country=placed or country,
        kind=given.kind or PartyKind.UNKNOWN,
        identifiers=_identifiers(given),
        hosts=hosts,
        address=" ".join(part for part in (given.address, given.address1, given.address2, given.city) if part),
    )


def _names(given: ScreenInput) -> list[str]:
    """Return every name that the line gives, each once, the main name first."""
    person = " ".join(part for part in (given.first_name, given.middle_name, given.last_name) if part)
    names = [given.name, person, given.company]
    fields = {name: getattr(given, name) for name in (*_GOES_ON, *_STANDS_ALONE)}
    first = given.company or given.name or ""
    names += [f"{first} {fields[name]}" for name in _GOES_ON if first and _may_name(fields[name])]
    names += [fields[name] for name in _STANDS_ALONE if _may_name(fields[name])]
    if _may_name(given.address):
        names += [given.address, f"{first} {given.address}"]
    names += [alias if isinstance(alias, str) else alias.name for alias in given.aliases]
    return list(dict.fromkeys(name.strip() for name in names if name and name.strip()))


def _may_name(text: str | None) -> bool:
    """Return whether a text beside the name may hold part of one: an address with a number or of a country does not."""
    if not text or not text.strip():
        return False
    return not any(map(str.isdigit, text)) and resolve_headquarters(text).country is None


def _identifiers(given: ScreenInput) -> tuple[Identifier, ...]:
    if isinstance(given.identifiers, tuple):
        return given.identifiers
    for kind in given.identifiers:
        if kind not in IDENTIFIER_KINDS:
            known = ", ".join(sorted(IDENTIFIER_KINDS))
            raise UnusableField("identifiers", f"field `identifiers`: `{kind}` is not a kind; the kinds are {known}")
    country = resolve_headquarters(given.country).country or ""
    return tuple(Identifier(kind=kind, value=value, country=country) for kind, value in given.identifiers.items())


def screening_row(id: str | int | None, asked: Asked, found: Screening) -> dict[str, Any]:
    """Return the answer as other programs read it.

    Raises `UnusableField` where nothing was screened, or where nothing was found and a name was cut: that is not clear.
    """
    if found.outcome is ScreeningOutcome.NOT_SCREENED:
        raise UnusableField("name", f"`{asked.names[0][:80]}` holds no letter or digit that could be compared")
    if not found.complete and found.outcome is ScreeningOutcome.CLEAR:
        _refuse_cut(asked.names)
    return {
        "id": id,
        "query": asked.names[0],
        "outcome": found.outcome.value,
        "matches": [_match_row(match) for match in found.matches if match.outcome is not ScreeningOutcome.CLEAR],
        "recall_bound": found.recall_bound,
        "complete": found.complete,
        "scorer": found.scorer,
        "snapshot": found.snapshot,
        "as_of": found.as_of,
    }


def _refuse_cut(names: tuple[str, ...]) -> None:
    for name in names:
        normalized = normalize_name(name)
        if normalized.usable and normalized.problem is not None:
            raise UnusableField("name", f"`{name[:80]}` is {normalized.problem}; give the name alone")


def _match_row(match: Match) -> dict[str, Any]:
    return {
        "list": match.list,
        "entry_id": match.entry_id,
        "name": match.name,
        "score": match.score,
        "explanation": match.explanation,
        "outcome": match.outcome.value,
        "kind": match.kind.value,
        "queried": match.queried,
        "words": [plain(pair) for pair in match.words],
        "only_asked": list(match.only_asked),
        "only_listed": list(match.only_listed),
        "guard": match.guard,
        "evidence": [plain(one) for one in match.evidence],
        "clean_per_million": match.clean_per_million,
        "treasury": match.treasury,
    }
