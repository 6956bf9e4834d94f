"""A country code or name, in any common spelling, to its ISO 3166-1 alpha-2 code: exact after folding, or unknown."""

from __future__ import annotations

import gettext
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import pycountry

from kyc_gate.model.country import CountryCode
from kyc_gate.places.fold import fold
from kyc_gate.places.spellings import AMBIGUOUS, FORMER_CODES, OTHER_CODES, SPELLINGS

_LANGUAGES = (
    "ar az be bg bn bs ca cs da de el eo es et eu fa fi fr gl he hi hr hu hy id is it ja ka kk ko lt lv mk ms mt nb nl "
    "nn pl pt pt_BR ro ru sk sl sq sr sv sw ta th tr uk ur vi zh_CN zh_HK zh_TW"
)
"""Languages whose country names are known: those of pycountry's catalogues that parties write in."""

_TITLES = ("republic of ", "kingdom of ", "commonwealth of ", "federal republic of ")
"""Titles that may stand before an otherwise known name; `state of` may not, since Georgia is one."""


def parse_country(text: str | None) -> CountryCode | None:
    """Return the country that `text` names by code or name, or None when it names none or more than one.

    Never guesses: `Korea`, `Congo`, `Georgia`, blanks and `N/A` are unknown, and so is a spelling with letters of
    another script mixed in. Hong Kong is HK and Macau is MO; what they count as is for a policy to say.
    """
    if text is None:
        return None
    key = fold(text)
    if not key or (key == "na" and text.strip() != "NA"):  # `n/a` folds to Namibia's code
        return None
    return _names().get(key) or _names().get(_plain(key))


def is_country_code(text: str) -> bool:
    """Return whether `text` is written as a code of two or three letters, not as a name."""
    key = fold(text) or ""
    return key in _codes()


def _plain(key: str) -> str:
    """Return a folded name without article and title: `the republic of x`, `x the` and `x` are one."""
    plain = key.removeprefix("the ").removesuffix(" the")
    for title in _TITLES:
        if plain.startswith(title):
            return plain.removeprefix(title).removeprefix("the ")
    return plain


@lru_cache(maxsize=1)
def _names() -> Mapping[str, CountryCode]:
    """Every known spelling, folded. Own spellings win over published names, published over translated ones."""
    table = _unanimous(_translated())
    table.update(_unanimous(_published()))
    table.update(_codes())
    table.update({_folded(name): CountryCode(code) for code, names in SPELLINGS.items() for name in names})
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


def _translated() -> Iterator[tuple[str, str]]:
    for language in _LANGUAGES.split():
        file = Path(pycountry.LOCALES_DIR) / language / "LC_MESSAGES" / "iso3166-1.mo"
        if not file.is_file():  # a packager left this language out: its spellings are unknown, which is safe
            continue
        with file.open("rb") as stream:
            catalogue = gettext.GNUTranslations(stream)
        for country in pycountry.countries:
            for attribute in ("name", "official_name", "common_name"):
                english = getattr(country, attribute, "")
                # `Конго` is as ambiguous as `Congo`: where the English head word is, its translation is left out.
                if english and _folded(english.partition(", ")[0]) not in _AMBIGUOUS_KEYS:
                    yield from ((variant, country.alpha_2) for variant in _variants(catalogue.gettext(english)))


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
        key: CountryCode(codes.pop()) for key, codes in found.items() if len(codes) == 1 and key not in _AMBIGUOUS_KEYS
    }


def _folded(name: str) -> str:
    return fold(name) or ""


_AMBIGUOUS_KEYS = frozenset(_folded(name) for name in AMBIGUOUS)
