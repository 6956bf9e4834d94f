"""Free text about where a party is headquartered, to a country with its evidence, or unknown."""

from __future__ import annotations

import re
import unicodedata

from kyc_gate.model.country import CountryCode
from kyc_gate.model.record import Record
from kyc_gate.places.countries import is_country_code, parse_country
from kyc_gate.places.fold import LONGEST_TEXT

MOST_COMPONENTS = 16
"""Parts of an address, read from the end. A longer text is not an address."""

CONFIDENCE_WHOLE = 1.0
CONFIDENCE_LAST = 0.9

_SEPARATORS = re.compile(r"[,;|\n\r()\[\]]+")
_TRAILING_CODES = frozenset({"UK", "US"})
"""Codes of two letters that no state or province shares, so that they may end an address."""

_PARTS_OF_CHINA = frozenset({"HK", "MO"})
"""`Kowloon, Hong Kong, China` is Hong Kong: the narrower of the two names stands."""

_TERRITORY_MARKS = {
    "US": re.compile(r"\b(?:AS|GU|MP|PR|UM|VI|FM|MH|PW),? +\d{5}\b"),
    "FR": re.compile(r"\b9[78]\d{3}\b"),
}
"""Postal codes of territories that write the mother country's name last; they are none of the countries that
Supplement No. 5 to Part 740 names, so such an address is unknown."""


class Headquarters(Record):
    """Where a party is headquartered, as far as the text says.

    `country` is None when it is unknown. `confidence` is 1.0 for a text that is a country as a whole, 0.9 for an
    address that ends in one, and 0.0 for unknown. `evidence` says what was read, one clause each.
    """

    country: CountryCode | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()


def resolve_headquarters(text: str | None) -> Headquarters:
    """Return the country that `text` places a headquarters in; unknown rather than guessed.

    A city alone is unknown, and so is `City, CA`: two letters after a comma may be a state. Parts that name
    different countries leave the answer unknown.
    """
    if text is None or not text.strip():
        return _unknown("no headquarters is stated")
    if len(text) > LONGEST_TEXT:
        return _unknown(f"the text is longer than {LONGEST_TEXT} characters")
    whole = parse_country(text)
    if whole is not None:
        return _known(whole, CONFIDENCE_WHOLE, f"`{text.strip()}` is {whole}")
    return _from_parts(_parts(text))


def _from_parts(parts: list[str]) -> Headquarters:
    if len(parts) < 2:
        return _unknown(f"`{parts[0]}` is not a country code or name" if parts else "the text has no words")
    if len(parts) > MOST_COMPONENTS:
        return _unknown(f"the text has more than {MOST_COMPONENTS} parts")
    country = _closing_country(parts[-1])
    if country is None:
        return _unknown(f"`{parts[-1]}` at the end is not surely a country")
    others = {named: part for part in parts[:-1] if (named := _named(part)) is not None and named != country}
    if country == "CN" and len(others) == 1 and (part_of := next(iter(others))) in _PARTS_OF_CHINA:
        return _known(part_of, CONFIDENCE_LAST, f"`{others[part_of]}` before `{parts[-1]}` is {part_of}")
    if (marks := _TERRITORY_MARKS.get(country)) and any(marks.search(part) for part in parts[:-1]):
        return _unknown(f"`{parts[-1]}` is {country}, yet the postal code is a territory's")
    if others:
        conflict = ", ".join(f"`{part}` is {named}" for named, part in others.items())
        return _unknown(f"`{parts[-1]}` is {country}, yet {conflict}")
    return _known(country, CONFIDENCE_LAST, f"`{parts[-1]}` at the end is {country}")


def _closing_country(part: str) -> CountryCode | None:
    """The country that ends an address: a name, UK, US, or three capital letters; never two others (`CA`, `DE`)."""
    bare = re.sub(r"[.\s]", "", part)
    if is_country_code(part) and not (bare.upper() in _TRAILING_CODES or (len(bare) == 3 and bare.isupper())):
        return None
    return parse_country(part)


def _named(part: str) -> CountryCode | None:
    """The country that a part in the middle names in full; codes there are states, units or initials."""
    return None if is_country_code(part) else parse_country(part)


def _parts(text: str) -> list[str]:
    compatible = unicodedata.normalize("NFKC", text)
    return [part.strip() for part in _SEPARATORS.split(compatible) if part.strip(" .-")]


def _known(country: CountryCode, confidence: float, evidence: str) -> Headquarters:
    return Headquarters(country=country, confidence=confidence, evidence=(evidence,))


def _unknown(evidence: str) -> Headquarters:
    return Headquarters(evidence=(evidence,))
