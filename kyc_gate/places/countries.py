"""A country code or name, in any common spelling, to its ISO 3166-1 alpha-2 code: exact after folding, or unknown."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import pycountry

from kyc_gate.model.country import CountryCode
from kyc_gate.places.fold import fold
from kyc_gate.places.gazetteer import CITY, COUNTRY, OBSCURE_NAME, gazetteer
from kyc_gate.places.official_names import OFFICIAL_NAMES
from kyc_gate.places.place_key import place_key
from kyc_gate.places.spellings import AMBIGUOUS, FORMER_CODES, OTHER_CODES, SPELLINGS

TOWN = 25_000
"""People of a town that is better known by its name than a country is by its name in one other language."""

MILLIONS = 2_000_000
"""People of a city that is as well known as a country by a name that is not its own."""

_TITLES = ("republic of ", "kingdom of ", "commonwealth of ", "federal republic of ")
"""Titles that may stand before an otherwise known name; `state of` may not, since Georgia is one."""


_BEFORE_NAMES = ("the ", *_TITLES)


def parse_country(text: str | None) -> CountryCode | None:
    """Return the country that `text` names by code or name, or None when it names none or more than one.

    Never guesses: `Korea`, `Congo`, `Georgia`, blanks and `N/A` are unknown, and so is a spelling with letters of
    another script mixed in. Hong Kong is HK and Macau is MO; what they count as is for a policy to say.
    """
    if text is None:
        return None
    key = place_key(text)
    if not key or (key == "na" and text.strip() != "NA"):  # `n/a` folds to Namibia's code
        return None
    if len(key) <= 3 and key.isascii() and not unicodedata.normalize("NFKC", text).isascii():
        return None  # `Sé` is a town, and no code has an accent
    return country_of(key) or (_turned(text) if text.count(",") == 1 else None)


def _turned(text: str) -> CountryCode | None:
    """The country of `Korea, North` and `Congo, Democratic Republic of the`, which stand as in an index."""
    head, _, tail = text.partition(",")
    key = place_key(f"{tail.strip()} {head.strip()}")
    return country_of(key) if key and tail.strip() and "," not in tail else None


@lru_cache(maxsize=8192)
def country_of(key: str) -> CountryCode | None:
    """Return the country that a key of `place_key` names by code or name, or None."""
    found = _names().get(key) or _names().get(_plain(key))
    return found or (None if key in AMBIGUOUS_KEYS else _in_other_languages(key))


def country_name(code: str) -> str | None:
    """Return the everyday English name of a country by its alpha-2 code, or None for a code that ISO has not."""
    country = pycountry.countries.get(alpha_2=code)
    return getattr(country, "common_name", None) or getattr(country, "name", None)


def is_country_code(text: str) -> bool:
    """Return whether `text` is written as a code of two or three letters, not as a name."""
    return is_code(fold(text) or "")


def is_code(key: str) -> bool:
    """Return whether a key is a code of two or three letters that a country has."""
    return key in _codes()


def _in_other_languages(key: str) -> CountryCode | None:
    """The country by a name of CLDR; one in a rare language only where no other place is called so."""
    found = gazetteer().places(key)
    for place in found:
        if place.kind == COUNTRY:
            # `Franca` is a city of Brazil before it is France without its cedilla.
            towns = [other for other in found if other.kind == CITY and other.country != place.country]
            # In other scripts no town's name is its first: Taiyuan, as large as a country, is Taiwan in Amharic.
            doubtful = any(
                town.people >= (TOWN if town.first else MILLIONS) for town in towns if town.first or not key.isascii()
            )
            return None if doubtful else CountryCode(place.country)
    if len(found) == 1 and found[0].kind == OBSCURE_NAME:
        return CountryCode(found[0].country)
    return None


def _plain(key: str) -> str:
    """Return a folded name without article and title: `the republic of x`, `x the` and `x` are one."""
    if not key.startswith(_BEFORE_NAMES) and not key.endswith(" the"):
        return key
    plain = key.removeprefix("the ").removesuffix(" the")
    for title in _TITLES:
        if plain.startswith(title):
            return plain.removeprefix(title).removeprefix("the ")
    return plain


@lru_cache(maxsize=1)
def _names() -> Mapping[str, CountryCode]:
    """Spellings of ISO 3166-1 and our own, folded; our own win. Names in other languages are in the table of places."""
    table = _unanimous(_published())
    table.update(_codes())
    for ours in (OFFICIAL_NAMES, SPELLINGS):
        table.update({_folded(name): CountryCode(code) for code, names in ours.items() for name in names})
    for name in AMBIGUOUS:
        table.pop(_folded(name), None)
    return MappingProxyType(table)


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, CountryCode]:
    codes = {country.alpha_2.casefold(): CountryCode(country.alpha_2) for country in pycountry.countries}
    codes |= {country.alpha_3.casefold(): CountryCode(country.alpha_2) for country in pycountry.countries}
    codes |= {other.casefold(): CountryCode(code) for other, code in OTHER_CODES.items()}
    return MappingProxyType({key: code for key, code in codes.items() if key.upper() not in FORMER_CODES})


def _published() -> Iterator[tuple[str, str]]:
    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            yield from ((variant, country.alpha_2) for variant in _variants(getattr(country, attribute, "")))


def _variants(name: str) -> Iterator[str]:
    """The name as it stands; `X, Kind of` also as `Kind of X` and as `X`; `X (kind)` also without the brackets."""
    if not name:
        return
    yield name
    head, comma, tail = name.partition(", ")
    if comma:
        yield f"{tail} {head}"
        yield head
    if "(" in name and name.index("("):
        yield name.split("(", 1)[0]


def _unanimous(pairs: Iterator[tuple[str, str]]) -> dict[str, CountryCode]:
    """The spellings that stand for one country only."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, code in pairs:
        key = _folded(name)
        # A translated name of one or two letters would take the place of a code.
        if len(key) > 2 or not key.isascii():
            found[key].add(code)
    return {
        key: CountryCode(codes.pop()) for key, codes in found.items() if len(codes) == 1 and key not in AMBIGUOUS_KEYS
    }


def _folded(name: str) -> str:
    return place_key(name) or ""


AMBIGUOUS_KEYS = frozenset(_folded(name) for name in AMBIGUOUS)
