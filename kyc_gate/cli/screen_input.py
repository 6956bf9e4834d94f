"""One input line of `kyc-gate screen`: the names, identifiers and hosts that its fields give."""

from __future__ import annotations

from kyc_gate.cli.fields import FieldError
from kyc_gate.model.listing import IDENTIFIER_KINDS, Identifier
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.model.record import Record
from kyc_gate.places.headquarters import resolve_headquarters
from kyc_gate.screening.asked import Asked
from kyc_gate.screening.screener import host_label


class ScreenInput(Record):
    """One input line. Names are made of `name`, of `first_name` and `last_name`, of `company` and what goes on in
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
    """Return what the line asks. `country` is taken where the line names none.

    Raises `FieldError` for a line that gives nothing to screen.
    """
    names = _names(given)
    hosts = tuple(text for text in (given.email, given.website) if text and text.strip())
    if not names:
        # A company's own domain names it; a mail provider's names nobody.
        names = [host for host in hosts if host_label(host)]
    if not names:
        raise FieldError("name", "no name to screen; give `name`, `company`, or `first_name` and `last_name`")
    placed = resolve_headquarters(given.country).country or resolve_headquarters(given.address).country
    return Asked(
        names=tuple(names),
        country=placed or country,
        kind=given.kind or PartyKind.UNKNOWN,
        identifiers=_identifiers(given),
        hosts=hosts,
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
            raise FieldError("identifiers", f"field `identifiers`: `{kind}` is not a kind; the kinds are {known}")
    country = resolve_headquarters(given.country).country or ""
    return tuple(Identifier(kind=kind, value=value, country=country) for kind, value in given.identifiers.items())
