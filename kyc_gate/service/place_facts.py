"""Where a party is, and what its identity shows of it, as facts with their evidence."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from msgspec.structs import replace

from kyc_gate.model.country import CountryCode
from kyc_gate.model.facts import EvidenceFacts, ReadPlace
from kyc_gate.model.party import Party
from kyc_gate.places.countries import parse_country
from kyc_gate.places.domains import country_of_domain, is_free_mail, registered_domain
from kyc_gate.places.fold import fold
from kyc_gate.places.headquarters import resolve_headquarters
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.places.phone import countries_of_number
from kyc_gate.places.registers import country_of_register_number

CONTROLS_BEGAN = date(2022, 10, 7)
"""The day of the controls on advanced computing items, 87 FR 62186; the guidance of 2025-05-13 asks what was founded
after it."""

_REFUSALS = frozenset(
    "refused|refuses|refused to say|refuses to say|refuses to state|declined|declined to say|"
    "declined to answer|declines to state|prefer not to say|prefers not to say|would rather not say|"
    "not disclosed|undisclosed|withheld|confidential|secret|private|will not say|no answer|no comment".split("|")
)
"""What stands where a customer was asked and did not answer."""

_NONE = frozenset(("", "none", "no", "na", "no website", "null", "nil", "not available"))
"""What stands where a customer says that it has no website, after folding."""


@lru_cache(maxsize=4096)
def read_place(text: str | None) -> ReadPlace:
    """Return the country of a text about a place, with the evidence for it."""
    found = resolve_headquarters(text)
    return ReadPlace(
        text=text,
        country=found.country,
        confidence=found.confidence,
        evidence=found.evidence,
        conflict=found.conflict,
        occupied=found.occupied,
    )


CONFIDENCE_REGISTERED = 0.9
"""Of a country that the LEI register tells where the party does not: as of a country that ends an address."""


def as_decided(stated: ReadPlace, country: CountryCode | None, said: tuple[str, ...]) -> ReadPlace:
    """Return the place that is stated with the country that counts, and with what others say where that differs."""
    if country == stated.country:
        return stated
    return replace(
        stated,
        country=country,
        confidence=0.0 if country is None else CONFIDENCE_REGISTERED,
        evidence=(*stated.evidence, *said),
        conflict=stated.conflict or country is None,
    )


def evidence_of(party: Party, ip_countries: IPCountries | None) -> EvidenceFacts:
    """Return what the party's identity shows of its country, beside what it declares."""
    declared = (read_place(party.headquarters), read_place(party.location))
    countries = {
        "phone": _country_of_phone(party.phone, declared),
        "email": _code(country_of_domain(party.email)) if party.email and "@" in party.email else None,
        "website": _code(country_of_domain(party.website)),
        "payment": parse_country(party.payment_country),
        "ip": ip_countries.country(party.ip) if ip_countries else None,
        "register": _code(country_of_register_number(party.register_number)),
    }
    home = {place.country for place in declared} - {None}
    address = read_place(party.address)
    if address.country and home and address.country not in home:
        countries["address"] = address.country
    return EvidenceFacts(
        phone=countries["phone"],
        email=countries["email"],
        website=countries["website"],
        payment=countries["payment"],
        ip=countries["ip"],
        register=countries["register"],
        address=address.country,
        elsewhere=tuple(kind for kind, country in countries.items() if home and country and country not in home),
        conflict=any(place.conflict for place in (*declared, address)),
        occupied=any(place.occupied for place in (*declared, address)),
        free_mail=is_free_mail(party.email),
        email_on_website=_email_on_website(party),
        website_given=None if party.website is None else (fold(party.website) or "") not in _NONE,
        address_given=bool(party.address and party.address.strip()),
        residential=party.residential,
        incorporated_after_controls=None if party.incorporated is None else party.incorporated > CONTROLS_BEGAN,
        headquarters_refused=_refused(party),
        vetting_expired=False,
    )


def vetting_expired(vetted_until: date | None, today: date) -> bool:
    """Return whether the party's vetting ran out before today; where no end is on file it did not."""
    return vetted_until is not None and vetted_until < today


def _country_of_phone(number: str | None, declared: tuple[ReadPlace, ...]) -> CountryCode | None:
    """Return the number's country: of those that share its calling code the declared one, else one of no doubt."""
    countries = countries_of_number(number) if number else frozenset()
    home = [place.country for place in declared if place.country in countries]
    if home:
        return home[0]
    return _code(next(iter(countries))) if len(countries) == 1 else None


def _email_on_website(party: Party) -> bool | None:
    mail, site = registered_domain(party.email), registered_domain(party.website)
    return None if mail is None or site is None else mail == site


def _refused(party: Party) -> bool | None:
    """Return what is on file about a refusal; a text that is one says so, too."""
    if party.headquarters_refused is None and (fold(party.headquarters or "") or "") in _REFUSALS:
        return True
    return party.headquarters_refused


def _code(country: str | None) -> CountryCode | None:
    return CountryCode(country) if country else None
