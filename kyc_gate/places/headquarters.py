"""Free text about where a party is headquartered, to a country with its evidence, or unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from msgspec.structs import replace

from kyc_gate.model.country import CountryCode
from kyc_gate.model.record import Record
from kyc_gate.places.countries import country_of, is_country_code, parse_country
from kyc_gate.places.demonyms import country_of_demonym
from kyc_gate.places.fold import LONGEST_TEXT
from kyc_gate.places.gazetteer import CITY, LARGE, NAMESAKE, SUBDIVISION, SUBDIVISION_CODE, Place, gazetteer
from kyc_gate.places.hints import Hint, read_hints, without_hints
from kyc_gate.places.meaning import (
    DOMINANCE,
    is_foreign,
    is_metropolis,
    is_short,
    may_say_alone,
    meant,
    namesake,
    outweighs,
    rival,
    six_digit_town,
    told_apart,
)
from kyc_gate.places.occupied import BY_CODE
from kyc_gate.places.place_key import place_key
from kyc_gate.places.postal import country_of_postal_code, has_six_digits, postal_code_fits
from kyc_gate.places.reading import (
    UNMISTAKABLE,
    Reading,
    ambiguous_keys,
    is_word,
    places_named,
    read_part,
    split_parts,
)
from kyc_gate.places.writing import countries_writing

MOST_COMPONENTS = 24
"""Parts of an address. A longer text is not an address."""

LONGEST_LIST = 4096
MOST_ADDRESSES = 24
"""Characters and addresses of a text that lists several, as published lists do. A party states one, or a few."""

NEAREST_PARTS = 3
"""Parts at the end of an address that are searched for a place; of the others only a whole part counts."""

CONFIDENCE_WHOLE = 1.0
CONFIDENCE_DEMONYM = 0.8
CONFIDENCE_LAST = 0.9
CONFIDENCE_SUBDIVISION = 0.85
CONFIDENCE_CODE = 0.8
CONFIDENCE_CITY = 0.7
CORROBORATED = 0.05
"""What each kind of reading is worth, and what weaker evidence that agrees adds. An order, not a probability."""

_REST_OF_A_NAME = re.compile(
    r"(?:north|south|the|(?:\w+ )?(?:republic|province|state|kingdom|people\S*|islands?)|democratic|islamic|arab"
    r"|british|us|u\.s\.|federa\w+|plurinational|bolivarian|united|r\.?\s?o\.?\s?c|p\.?\s?r\.?\s?c|d\.?\s?r|sar|china|former)\b",
    re.IGNORECASE,
)
"""What stands after the comma of a country's name: `Korea, North`, `Taiwan, Province of China`, `Macau, SAR`."""

_CONTINENTS = frozenset(
    "europe|eu|european union|asia|africa|north america|south america|latin america|oceania|middle east|emea|apac|mena|"
    "southeast asia|east asia|central asia|channel islands|earth|world".split("|")
)
"""What may stand after a country and adds nothing."""

LONGEST_PART = 5
"""Characters of a name that two parts make together: `N/A` is not Namibia."""

PARTS_OF: dict[str, frozenset[str]] = {
    "CN": frozenset({"HK", "MO"}),
    "US": frozenset({"AS", "GU", "MP", "PR", "UM", "VI"}),
    "FR": frozenset({"BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"}),
    "GB": frozenset({"AI", "BM", "FK", "GG", "GI", "IM", "JE", "KY", "MS", "PN", "SH", "TC", "VG"}),
    "NL": frozenset({"AW", "BQ", "CW", "SX"}),
    "DK": frozenset({"FO", "GL"}),
    "FI": frozenset({"AX"}),
    "NO": frozenset({"BV", "SJ"}),
    "AU": frozenset({"CC", "CX", "HM", "NF"}),
    "NZ": frozenset({"CK", "NU", "TK"}),
}
"""Territories with a code of their own whose addresses may end in another country's name: the narrower one stands."""

_IN_BRACKETS = re.compile(r"[^,()\d]+\([^,()\d]+\)\s*")
"""How a territory is told by its mother country: `Saint Martin (France)`."""

_TERRITORY_MARKS = {
    "US": re.compile(r"\b(AS|GU|MP|PR|UM|VI|FM|MH|PW),? +\d{5}\b"),
    "FR": re.compile(r"\b(9[78]\d)\d{2}\b"),
}
"""Postal codes of territories that write the mother country's name last; they are none of the countries that
Supplement No. 5 to Part 740 names."""

_TERRITORIES = {
    **{code: code for code in ("AS", "GU", "MP", "PR", "UM", "VI")},
    "972": "MQ", "973": "GF", "974": "RE", "975": "PM", "976": "YT", "986": "WF", "987": "PF", "988": "NC",
}  # fmt: skip
"""What such a code says. 971 is Guadeloupe, Saint Barthelemy or Saint Martin, and states in free association with the
United States are none of its parts: there the two contradict each other."""


class Headquarters(Record):
    """Where a party is headquartered, as far as the text says.

    `country` is None when it is unknown. `confidence` is 1.0 for a text that is a country as a whole, lower for what
    was inferred, and 0.0 for unknown. `evidence` says what was read, one clause each. `conflict` is true where parts
    of the text contradict each other; `occupied` names a region that it lies in and that two states claim.
    """

    country: CountryCode | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    conflict: bool = False
    occupied: str | None = None


_DIGIT = re.compile(r"\d")


def resolve_headquarters(text: str | None) -> Headquarters:
    """Return the country that `text` places a headquarters in; unknown rather than guessed.

    A city alone counts where its name means one country; two letters count where the city before them lies in the
    state, or in the country, that they stand for. Parts that contradict each other leave the answer unknown.
    """
    if text is None or not text.strip():
        return _unknown("no headquarters is stated")
    if len(text) > LONGEST_LIST:
        return _unknown(f"the text is longer than {LONGEST_LIST} characters")
    plain = _REFERENCE.sub("", text) if "(" in text else text
    addresses = _ALSO.split(plain) if ";" in plain or ". " in plain or ".\n" in plain else [plain]
    if len(addresses) > MOST_ADDRESSES:
        return _unknown(f"the text has more than {MOST_ADDRESSES} addresses")
    if len(addresses) > 1:
        return _of_several([resolve_headquarters(address) for address in addresses])
    if len(text) > LONGEST_TEXT:
        return _unknown(f"an address is longer than {LONGEST_TEXT} characters")
    if is_word(text.strip()) or text.strip() in ("na", "Na"):
        return _unknown(f"`{text.strip()}` is written like a word, not like a country")
    # An address with a number is no country's name.
    whole = None if _DIGIT.search(text) else parse_country(text)
    if whole is not None:
        return _known(whole, CONFIDENCE_WHOLE, f"`{text.strip()}` is {whole}")
    hints = read_hints(text)
    found = _from_parts(split_parts(without_hints(addresses[0]) if hints else addresses[0]), addresses[0])
    found = _fitted(found, addresses[0])
    return _weighed(found, hints) if hints else found


def _fitted(found: Headquarters, text: str) -> Headquarters:
    """Return what a city or a code alone said, unless the postal code beside it is none of that country's."""
    if found.country is None or found.confidence > CONFIDENCE_CODE:
        return found
    fits = postal_code_fits(text, found.country)
    if fits is None:
        return found
    if fits:
        return replace(found, confidence=round(found.confidence + CORROBORATED, 2))
    return Headquarters(evidence=(*found.evidence, f"the postal code is none of {found.country}"), conflict=True)


_ALSO = re.compile(r";\s+(?i:and|or|also)\b:?|\.\s+(?:And|Or|Also|also)\b:?")
_REFERENCE = re.compile(r"\(see [^()]*\)", re.IGNORECASE)
"""How published lists write several addresses of one party, and refer to others."""


def _of_several(found: list[Headquarters]) -> Headquarters:
    """Return the country that all addresses share; unknown where one says nothing, a conflict where they differ."""
    evidence = tuple(clause for each in found for clause in each.evidence)
    countries = {each.country for each in found}
    country = countries.pop() if len(countries) == 1 else None
    return Headquarters(
        country=country,
        confidence=min(each.confidence for each in found) if country else 0.0,
        evidence=evidence if country else (*evidence, "the addresses are not all in one country"),
        conflict=any(each.conflict for each in found) or len(countries - {None}) > 1,
        occupied=next((each.occupied for each in found if each.occupied), None),
    )


def _from_parts(parts: list[str], text: str) -> Headquarters:
    if not parts:
        return _unknown("the text has no words")
    if len(parts) > MOST_COMPONENTS:
        return _unknown(f"the text has more than {MOST_COMPONENTS} parts")
    while len(parts) > 1 and (place_key(parts[-1]) or "") in _CONTINENTS:
        parts = parts[:-1]
    parts = _rejoined(parts)
    if len(parts) == 1 and (demonym := country_of_demonym(place_key(text) or "")):
        return _known(CountryCode(demonym), CONFIDENCE_DEMONYM, f"`{parts[0]}` are people of {demonym}")
    if not _DIGIT.search(text) and (place_key(text) or "") in ambiguous_keys() and place_key(text) != "georgia":
        return _unknown(f"`{text.strip()}` names no country, or more than one")
    far = len(parts) - NEAREST_PARTS
    readings = [each for at, part in enumerate(parts) for each in read_part(part, whole=at < far)]
    return _settled(readings, text)


def _rejoined(parts: list[str]) -> list[str]:
    """Return the parts with a country's name that has a comma as one: `Korea, North`, `Taiwan, Province of China`."""
    if len(parts) < 2 or not _REST_OF_A_NAME.match(parts[-1]):
        return parts
    for size in (2, 3):
        name = ", ".join(parts[-size:])
        if len(parts) >= size and len(name) > LONGEST_PART and parse_country(name):
            return [*parts[:-size], name]
    return parts


def _settled(readings: list[Reading], text: str) -> Headquarters:
    """Return what the readings say together; the last that says anything leads."""
    for reading in readings:
        if reading.imitation:
            return _unknown(f"`{reading.text}` mixes scripts, as an imitation does")
    if region := _occupied(readings):
        return Headquarters(
            evidence=(f"`{region[1]}` is in {region[0]}, which more than one state claims",), occupied=region[0]
        )
    spoken = [reading for reading in readings if not reading.silent]
    if not spoken:
        return _unknown(f"`{readings[-1].text}` is no country, subdivision or city that is known")
    last, before = spoken[-1], spoken[:-1]
    trailing = list(takewhile(lambda reading: reading.silent, reversed(readings)))
    if not _may_trail(trailing):
        # Words after the last known place may be the place that is meant.
        return _unknown(f"`{readings[-1].text}` at the end is not surely a place")
    if last.country:
        return _in_country(last, before, text)
    found = _with_code(last, before, text) if last.code else _in_place(last, before, text)
    return _checked(found, trailing)


def _checked(found: Headquarters, trailing: Sequence[Reading]) -> Headquarters:
    """Return what was found, unless a code after it is that of a subdivision abroad: `Alcoy, CEB` is in Cebu."""
    for reading in trailing:
        key = place_key(reading.text) or ""
        coded = {place.country for place in gazetteer().places(key) if place.kind == SUBDIVISION_CODE}
        if found.country and coded and found.country not in coded:
            return _unknown(f"`{reading.text}` at the end is a subdivision's code in {', '.join(sorted(coded)[:5])}")
    return found


def _may_trail(silent: Sequence[Reading]) -> bool:
    """Return whether what stands after a place cannot be one: numbers, codes, and no words."""
    return all(not re.search(r"[^\W\d_]{4,}", reading.text) for reading in silent)


def _occupied(readings: Iterable[Reading]) -> tuple[str, str] | None:
    """Return the occupied region that an address lies in, and the part that says so."""
    for reading in readings:
        if reading.occupied:
            return reading.occupied, reading.text
        if not any(place.region in BY_CODE for place in reading.places):
            continue
        regions = {BY_CODE.get(place.region) for place in reading.places if place.kind != NAMESAKE}
        if len(regions) == 1 and (region := regions.pop()):
            return region, reading.text
    return None


def _in_country(last: Reading, before: list[Reading], text: str) -> Headquarters:
    """Return the country that ends the text, unless something before it says otherwise."""
    country = last.country
    assert country is not None  # noqa: S101  # the caller chose the case
    if last.weak and not postal_code_fits(text, country) and not any(_lies_in(each, country) for each in before):
        return _unknown(f"`{last.text}` follows words that name no place")
    evidence = [f"`{last.text}` at the end is {country}"]
    named = {each.country: each.text for each in before if each.country not in (None, country) and not each.weak}
    named = {
        code: words
        for code, words in named.items()
        if not _is_town(words, before, country) and not _is_large_city(words, country)
    }
    if len(named) == 1 and (narrow := next(iter(named))) in PARTS_OF.get(country, ()):
        return _known(narrow, CONFIDENCE_LAST, f"`{named[narrow]}` before `{last.text}` is {narrow}")
    if country in PARTS_OF and not any(_lies_in(each, country) for each in before) and _IN_BRACKETS.fullmatch(text):
        return _unknown(f"`{text.strip()}` may be a territory of {country}")
    if (marks := _TERRITORY_MARKS.get(country)) and (mark := marks.search(text)):
        if (territory := _TERRITORIES.get(mark.group(1))) and not named:
            said = f"`{mark.group()}` before `{last.text}` is a postal code of {territory}"
            return _known(CountryCode(territory), CONFIDENCE_LAST, said)
        return _conflict(f"`{last.text}` is {country}, yet the postal code is a territory's")
    if named:
        others = ", ".join(f"`{words}` is {code}" for code, words in named.items())
        return _conflict(f"`{last.text}` is {country}, yet {others}")
    nearest = next((reading for reading in reversed(before) if reading.places), None)
    if nearest is None:
        return _known(country, CONFIDENCE_LAST, *evidence)
    return _with_town(country, last, nearest, evidence)


def _with_town(country: CountryCode, last: Reading, town: Reading, evidence: list[str]) -> Headquarters:
    """Return the country, checked against the town before it."""
    here = [place for place in town.places if place.country == country]
    parts = PARTS_OF.get(country, ())
    narrow = [place for place in town.places if place.country in parts and place.kind != NAMESAKE]
    if narrow and not outweighs(here, narrow):
        if here:
            return _unknown(f"`{town.text}` may be in {country} or in {narrow[0].country}")
        return _known(
            CountryCode(narrow[0].country),
            CONFIDENCE_LAST,
            f"`{town.text}` before `{last.text}` is {narrow[0].country}",
        )
    if here:
        return _known(country, CONFIDENCE_LAST + CORROBORATED, *evidence, f"`{town.text}` is a place there")
    elsewhere = meant(town)
    if elsewhere and elsewhere.people >= LARGE:
        return _conflict(f"`{last.text}` is {country}, yet `{town.text}` is in {elsewhere.country}")
    if not here and is_country_code(last.text) and (place_key(last.text) or "") not in UNMISTAKABLE:
        # `BEL` is Belgium, and Belgorod in Russia: a code says less than a name.
        found = max(town.places, key=lambda place: place.people)
        return _conflict(f"`{last.text}` is a code of {country}, yet `{town.text}` is in {found.country}")
    return _known(country, CONFIDENCE_LAST, *evidence)


def _is_town(words: str, before: list[Reading], country: str) -> bool:
    """Return whether a country's name is a town here, as the subdivision after it says: `Lebanon, Pennsylvania`."""
    after = [reading for at, reading in enumerate(before) if at and before[at - 1].text == words]
    return any(_towns_within(words, reading, country) for reading in after)


def _is_large_city(words: str, country: str) -> bool:
    """Return whether a country's name is a large city's in the country after it: Oman and Amman are one in Arabic."""
    named = gazetteer().places(place_key(words) or "")
    return any(place.kind == CITY and place.country == country and place.people >= LARGE for place in named)


def _towns_within(words: str, reading: Reading, country: str | None = None) -> list[Place]:
    """Return the places called `words` inside the subdivisions that `reading` may name."""
    regions = [place for place in _subdivisions(reading) if country is None or place.country == country]
    towns = [place for place in places_named(place_key(words) or "") if place.kind != SUBDIVISION]
    return [town for town in towns for region in regions if _inside(town, region)]


def _inside(town: Place, region: Place) -> bool:
    """Return whether a town is in a subdivision; where towns of its country are not told apart, in the country."""
    return (
        town.region == region.region if "-" in region.region and "-" in town.region else town.country == region.country
    )


def _subdivisions(reading: Reading) -> list[Place]:
    if reading.code:
        return [place for place in gazetteer().places(reading.code.casefold()) if place.kind == SUBDIVISION_CODE]
    return [place for place in reading.places if place.kind == SUBDIVISION]


def _lies_in(reading: Reading, country: str) -> bool:
    return reading.country == country or any(place.country == country for place in reading.places)


def _with_code(last: Reading, before: list[Reading], text: str) -> Headquarters:
    """Return the country of an address that ends in two letters: a country's code, or a state's, as the town says."""
    assert last.code is not None  # noqa: S101  # the caller chose the case
    country = country_of(last.code.casefold())
    states = _subdivisions(last)
    town = before[-1] if before else None
    words = town.text if town else ""
    towns = places_named(place_key(words) or "") if town else ()
    as_state = [
        place
        for place in towns
        for state in states
        if _inside(place, state) and ("-" in state.region or state.country in _CODES_FOLLOW)
    ]
    in_country = [place for place in towns if place.country == country]
    if town and town.country and town.country in {country, *(state.country for state in states)}:
        country = town.country
        return _known(country, CONFIDENCE_LAST, f"`{words}` and `{last.text}` are {country}")
    if as_state and not _rival(in_country, as_state):
        return _in_state(as_state, words, last.text)
    if in_country and country and not _rival(as_state, in_country):
        return _known(country, CONFIDENCE_CODE, f"`{words}` is a place in {country}, whose code is `{last.text}`")
    if as_state or in_country:
        return _conflict(f"`{words}, {last.text}` may be in {as_state[0].country} or in {country}")
    return _code_alone(last, country, states, town, text)


_CODES_FOLLOW = frozenset({"AU", "BR", "CA", "CH", "IN", "US"})
"""Countries whose addresses end in two letters for the state: `Vitória - ES` is no town of Spain."""


def _code_alone(
    last: Reading, country: CountryCode | None, states: list[Place], town: Reading | None, text: str
) -> Headquarters:
    if country and country_of_postal_code(text) == country:
        said = f"`{last.text}` at the end is the code of {country}, whose form the postal code has"
        return _known(country, CONFIDENCE_CODE, said)
    leading = meant(town) if town else None
    in_state = [state for state in states if leading and state.country == leading.country]
    if town and leading and in_state:
        if country is None and may_say_alone(town, leading) and not rival(town, leading, text):
            said = f"`{town.text}` is in {leading.country}, which has a subdivision `{last.text}`"
            return _known(CountryCode(leading.country), CONFIDENCE_CITY, said)
        return _unknown(f"`{town.text}` is in {leading.country}, and `{last.text}` may be a part of it or a country")
    if town and (named := town.country or (leading.country if leading else None)):
        return _conflict(f"`{town.text}` is in {named}, and `{last.text}` is no part of it")
    if town and town.places:
        return _unknown(f"`{town.text}` is a place in several countries, and `{last.text}` is the code of none of them")
    others = {state.country for state in states if state.country in _CODES_FOLLOW} - {country}
    if others and postal_code_fits(text, country or ""):
        others = {other for other in others if postal_code_fits(text, other) is not False}
    if country and not others:
        return _known(country, CONFIDENCE_CODE, f"`{last.text}` at the end is the code of {country}")
    zipped = re.search(rf"\b{last.code}\b,? +\d{{5}}(?:-\d{{4}})?\b", text)
    if zipped and any(state.region == f"US-{last.code}" for state in states):
        return _known(CountryCode("US"), CONFIDENCE_CODE, f"`{zipped.group()}` is a state and postal code of US")
    return _unknown(f"`{last.text}` at the end may be a country's code or a state's")


def _in_state(places: list[Place], words: str, state: str) -> Headquarters:
    countries = {place.country for place in places}
    if len(countries) > 1:
        return _unknown(f"`{words}, {state}` may be in {' or '.join(sorted(countries))}")
    region = places[0].region
    return _known(CountryCode(countries.pop()), CONFIDENCE_SUBDIVISION, f"`{words}` is a place in `{state}`, {region}")


def _in_place(last: Reading, before: list[Reading], text: str) -> Headquarters:
    """Return the country of an address that ends in a subdivision or a city."""
    town = before[-1] if before else None
    towns = _towns_within(town.text, last) if town else []
    if town and towns:
        told = told_apart(towns, last)
        if told:
            return _known(
                CountryCode(told), CONFIDENCE_SUBDIVISION, f"`{town.text}` is a place in `{last.text}`, {told}"
            )
    if (by_code := _by_postal_code(last, before, text)) is not None:
        return by_code
    leading = meant(last) or (six_digit_town(last, text) if has_six_digits(text) else None)
    if leading is None:
        return _between(last, before, text)
    for reading in before[-2:]:
        if reading.country and reading.country != leading.country and not reading.weak:
            return _conflict(f"`{last.text}` is in {leading.country}, yet `{reading.text}` is {reading.country}")
        if not _lies_in(reading, leading.country) and any(place.people >= LARGE for place in reading.places):
            return _conflict(f"`{last.text}` is in {leading.country}, yet `{reading.text}` is not")
    agreeing = any(_says_too(reading, leading, text) for reading in before)
    return _by_name(last, leading, text, agreeing=agreeing)


def _by_postal_code(last: Reading, before: list[Reading], text: str) -> Headquarters | None:
    """Return the country whose own form of a postal code stands beside a place of it: `Dartford DA1 3EN`."""
    country = country_of_postal_code(text)
    if country is None or not any(place.country == country for place in last.places):
        return None
    if any(reading.country not in (None, country) and not reading.weak for reading in before[-2:]):
        return None
    said = f"`{last.text}` is a place in {country}, whose form the postal code has"
    return _known(CountryCode(country), CONFIDENCE_SUBDIVISION, said)


def _by_name(last: Reading, leading: Place, text: str, *, agreeing: bool) -> Headquarters:
    """Return the country of the place that a name means, unless another of the name is too likely to be passed over."""
    country = CountryCode(leading.country)
    if leading.kind == SUBDIVISION:
        if is_short(last.text) and countries_writing(last.text) and not agreeing:
            return _unknown(f"`{last.text}` is too short to be surely a subdivision of {country}")
        if not agreeing and (is_foreign(last.text, leading) or (country == "US" and not last.text.isascii())):
            return _unknown(f"`{last.text}` is not how a subdivision of {country} is written")
        if last.numbered and not agreeing and not is_metropolis(last, country):
            return _unknown(f"`{last.text}` is a subdivision of {country}, or a street with a house's number")
        if country == "GB" and not agreeing and not is_metropolis(last, country):
            return _unknown(
                f"`{last.text}` is a county or borough of {country}, whose names are used all over the world"
            )
        other = None if agreeing else namesake(last, leading, text) or rival(last, leading, text)
        if other:
            what = "a subdivision" if other.kind == SUBDIVISION else "a town"
            return _unknown(f"`{last.text}` is a subdivision of {country}, and {what} in {other.country}")
        return _known(country, CONFIDENCE_SUBDIVISION, f"`{last.text}` is a subdivision of {country}")
    if not agreeing and not may_say_alone(last, leading, text):
        return _unknown(f"`{last.text}` is a place in {country}, not known well enough for its name alone to say so")
    said = f"`{last.text}` is a city of about {leading.people:,} people in {country}"
    if not agreeing and (other := rival(last, leading, text)):
        return _unknown(f"{said}, and a place of about {other.people:,} people in {other.country}")
    return _known(country, CONFIDENCE_CITY + (CORROBORATED if agreeing else 0), said)


def _says_too(reading: Reading, leading: Place, text: str) -> bool:
    """Return whether a part says by itself where a place is: towns far apart, or two small ones, agree by chance."""
    own = meant(reading)
    if own is None or own.country != leading.country or rival(reading, own, text):
        return False
    return own.kind == SUBDIVISION or (may_say_alone(reading, own) and _inside(own, leading))


def _between(last: Reading, before: list[Reading], text: str) -> Headquarters:
    """Return the country of a name that several countries share, where the place before it is in one of them only."""
    countries = sorted({place.country for place in last.places})
    largest = max(place.people for place in last.places)
    for reading in reversed(before[-2:]):
        other = meant(reading)
        if other is None or reading.country or other.kind == SUBDIVISION:
            continue  # `Devon, Manchester`: no county stands before its city
        here = [place for place in last.places if place.country == other.country and _inside(other, place)]
        known = may_say_alone(reading, other) and not rival(reading, other, text)
        if here and known and max(place.people for place in here) * DOMINANCE >= largest:
            country = CountryCode(other.country)
            return _known(country, CONFIDENCE_CITY, f"`{reading.text}` and `{last.text}` are both places in {country}")
    shown = ", ".join(countries[:5]) + (", ..." if len(countries) > 5 else "")
    return _unknown(f"`{last.text}` is a place in several countries: {shown}")


def _rival(places: list[Place], chosen: list[Place]) -> bool:
    """Return whether another reading is too likely to be passed over."""
    return bool(places) and not outweighs(chosen, places)


def _weighed(found: Headquarters, hints: Sequence[Hint]) -> Headquarters:
    """Return what was found with the weaker evidence beside it: it may agree or contradict, and alone says nothing."""
    told = tuple(str(hint) for hint in hints)
    if found.country is None:
        return Headquarters(evidence=(*found.evidence, *told), conflict=found.conflict, occupied=found.occupied)
    against = [hint for hint in hints if found.country not in hint.countries]
    if any(hint.strong for hint in against):
        return Headquarters(evidence=(*found.evidence, *told, "which contradict each other"), conflict=True)
    confidence = found.confidence if against else min(found.confidence + CORROBORATED, 0.98)
    return Headquarters(
        country=found.country,
        confidence=round(confidence, 2),
        evidence=(*found.evidence, *told),
        conflict=bool(against),
    )


def _known(country: CountryCode, confidence: float, *evidence: str) -> Headquarters:
    return Headquarters(country=country, confidence=round(confidence, 2), evidence=evidence)


def _unknown(evidence: str) -> Headquarters:
    return Headquarters(evidence=(evidence,))


def _conflict(evidence: str) -> Headquarters:
    return Headquarters(evidence=(evidence,), conflict=True)
