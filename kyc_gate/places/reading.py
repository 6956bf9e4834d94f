"""The parts of an address, each read for what it may name: a country, a subdivision, a city, or nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from msgspec.structs import replace

from kyc_gate.model.country import CountryCode
from kyc_gate.model.record import Record
from kyc_gate.places.countries import MILLIONS, country_of, is_code, parse_country
from kyc_gate.places.gazetteer import (
    CITY,
    COUNTRY,
    NAMESAKE,
    OBSCURE_NAME,
    SUBDIVISION,
    SUBDIVISION_CODE,
    Place,
    gazetteer,
)
from kyc_gate.places.occupied import occupied_region
from kyc_gate.places.place_key import place_key
from kyc_gate.places.spellings import AMBIGUOUS

LONGEST_NAME = 6
"""Words. Longer names of places are read as a whole, but not looked for inside a part."""

_SEPARATORS = re.compile(r"[,;|\n\r\t()\[\]{}/•、،؛:]+|(?<![\u3400-\u9fff])·|·(?![\u3400-\u9fff])|\s[-–—]+\s")
"""What parts an address. Between Chinese characters a middle dot holds a foreign name together."""

_FLAGS = re.compile("[\U0001f1e6-\U0001f1ff]+")
_UK_FLAG = re.compile("\U0001f3f4\U000e0067\U000e0062[\U000e0061-\U000e007a]{3}\U000e007f")

_NOISE = frozenset(
    "road rd street st str strasse avenue ave av boulevard blvd lane drive highway hwy building bldg bld floor fl "
    "room rm suite ste unit office apartment apt flat block blk house tower plaza square centre center mall complex "
    "estate industrial technology science hi tech hightech software business free trade export processing zone park "
    "parkway garden gardens villa no number box pobox po warehouse shop gate phase sector plot lot level km mile c o "
    "attn care ul ulitsa ulica prospekt prospect pr per pereulok sh shosse nab naberezhnaya proezd bulvar d dom korp "
    "stroenie str of kv pom pomeshch et lit rue calle carrera cra via viale piazza avenida rua praca carretera "
    "edificio piso colonia col fraccionamiento local urbanizacion mahallesi mah sokak sok caddesi cad bulvari "
    "apartmani kat daire khiaban khiyaban kuche pelak alley ave blvd jalan jl lorong soi moo thanon laan straat weg "
    "platz allee gasse lu jie dajie dadao xiang hutong ro gil university institute company corporation bank hotel "
    "airport port puerto campus mailbox kom komnata postbus postfach bp tel fax phone email e mail com annex opp near behind beside "
    "between next".split()
)
"""Words that stand in streets, buildings and companies: a part with one does not name a place."""

_GENERIC = frozenset(
    "north south east west central northern southern eastern western centre center middle upper lower nord sud est "
    "ouest norte sur este oeste capital islands island valle union littoral plateau lake river mountain coast valley "
    "bank city town state province region district national federal international union republic old new green "
    "territory highlands plains hills heights harbour harbor beach bay street other rural urban remote head office "
    "ciudad universitaria centro zona parque barrio pueblo nueva nuevo poblado hacienda finca rancho cidade quartier "
    "headquarters mitte university main none unknown various multiple online virtual global worldwide docklands midlands "
    "مدينه".split()
)
"""Names of places that are words first: alone they name none."""

_KINDS_BEFORE = frozenset((
    "city of", "town of", "state of", "republic of", "province of", "municipality of", "county of", "canton of", "governorate of",
    "emirate of", "district of", "region of", "greater", "downtown", "g", "gorod", "gor", "kota", "ciudad de",
    "provincia de", "estado de", "г", "город", "город федерального значения", "м", "місто",
))  # fmt: skip
_KINDS_AFTER = frozenset((
    "city", "town", "province", "prov", "region", "oblast", "obl", "krai", "kray", "district", "county", "prefecture",
    "state", "municipality", "governorate", "emirate", "metropolitan city", "special city", "capital city", "shi",
    "sheng", "si", "gun", "gu", "do", "ken", "area", "metropolis", "province china", "autonomous region", "republic",
    "cedex", "sehri", "ili", "voivodeship", "область", "обл", "край", "г", "область россия",
))  # fmt: skip

_AUSTRALIAN = frozenset({"nsw", "vic", "qld", "tas", "act"})
"""Codes of three letters, of which some are towns elsewhere."""

_POSTAL_WORDS = frozenset({"cp", "zip", "plz", "pin", "cep", "cap"})

_STATES = frozenset(
    f"US-{code}"
    for code in (
        "AL AK AZ AR CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK "
        "OR PA RI SC SD TN TX UT VA VT WA WI WV WY"
    ).split()
)

_STATE_AND_ZIP = re.compile(r"([A-Z]{2}),? +\d{5}(?:-\d{4})?")

_SAINTS = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort", "pt": "port"}

_CODES_IN_PART = ("US-", "CA-", "AU-")
"""Subdivisions whose code is written right after the city, without a comma."""


class Reading(Record):
    """What a part of an address may name. All are empty where it names nothing that is known.

    `country` is named in full, or by a code that no subdivision shares. `code` is two letters that may be a country's
    or a subdivision's. `places` are all the subdivisions, cities and namesakes that bear the name. `weak` marks a country that
    stands after words which name no place there, as in `Bank of China`; `numbered` what a house's number stands beside.
    """

    text: str
    country: CountryCode | None = None
    code: str | None = None
    places: tuple[Place, ...] = ()
    occupied: str | None = None
    imitation: bool = False
    weak: bool = False
    numbered: bool = False

    @property
    def silent(self) -> bool:
        """Whether the part names nothing."""
        return not (self.country or self.code or self.places or self.occupied or self.imitation)


def split_parts(text: str) -> list[str]:
    """Return the parts of an address in the order they stand; a flag is a part that is a code."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _UK_FLAG.sub(", United Kingdom, ", _FLAGS.sub(_flags, text)))
    return [_undotted(bare) for part in _SEPARATORS.split(text) if (bare := part.strip(" .-–—"))]


def _undotted(part: str) -> str:
    """Return a part with the letters of an abbreviation at its end together: `Sharjah U.A.E`, its last dot cut off."""
    return _ABBREVIATION.sub(lambda found: found.group().replace(".", ""), part) if "." in part else part


_ABBREVIATION = re.compile(r"\b(?:[A-Z]\.){1,5}[A-Z]$")


def _flags(found: re.Match[str]) -> str:
    """Return the codes that a run of flag letters spells; nothing where one letter is left over."""
    letters = "".join(chr(ord(char) - 0x1F1E6 + ord("A")) for char in found.group())
    codes = [letters[at : at + 2] for at in range(0, len(letters), 2)]
    countries = [country_of(code.casefold()) if len(code) == 2 else None for code in codes]
    if len(codes[-1]) < 2:
        return ", unknown flag, "
    return ", ".join(["", *(f"{country}-flag" if country else "unknown flag" for country in countries), ""])


@lru_cache(maxsize=4096)
def read_part(part: str, *, whole: bool = False) -> tuple[Reading, ...]:
    """Return what a part names, the smallest place first; one silent reading where it names nothing.

    Where `whole`, only all of the part counts, and nothing that stands inside it: so the far parts of an address are
    read, which are streets and buildings.
    """
    if part.endswith("-flag") and len(part) == 7:
        return (Reading(text=f"flag of {part[:2]}", country=CountryCode(part[:2])),)
    if "," in part:  # a country's name with a comma in it, which `headquarters` put together again
        return (Reading(text=part, country=parse_country(part)),)
    key = place_key(part)
    if key is None:
        return (Reading(text=part, imitation=True),)
    if not key:
        return (Reading(text=part),)
    numbered = _DIGIT.search(key) is not None
    direct = _with_number(part, key) if numbered else _direct(part, key)
    if not direct.silent or whole:
        return (direct,)
    return _inside(part, key)


_DIGIT = re.compile(r"\d")


def _with_number(text: str, key: str) -> Reading:
    """Return what the whole of a part with a number names: `Mersin 10`, but no country, and no place that is known."""
    return Reading(text=text, occupied=occupied_region(key))


def _direct(text: str, key: str, *, codes: bool = True) -> Reading:
    """Return what the whole of a part names."""
    if region := occupied_region(key):
        return Reading(text=text, occupied=region)
    if codes and is_word(text):
        return Reading(text=text)
    if codes and len(key) == 2 and key.isalpha() and text.isascii() and key not in {"uk", "us"}:
        return Reading(text=text, code=key.upper())
    if codes and key in _AUSTRALIAN and text[:3].isupper():
        return Reading(text=text, code=key.upper())
    if len(key) > 2 or key in {"uk", "us"} or not key.isascii():
        country = country_of(key)
        # Three letters in lower case are a word: `can`, `per`, `and`.
        if country and (not is_code(key) or len(key) == 2 or re.sub(r"[.\s]", "", text).isupper()):
            return Reading(text=text, country=country)
        if len(key) == 3 and text.isascii() and text.isupper():
            return Reading(text=text)  # an abbreviation
        if country is None or is_code(key):
            return Reading(text=text, places=places_named(key))
    return Reading(text=text)


UNMISTAKABLE = frozenset({"uk", "usa", "uae", "prc", "roc"})
"""Abbreviations of countries that are written in any case and are no code of a subdivision."""


_NOT_APPLICABLE = frozenset({"n.a", "N.A", "N.a", "n/a", "N/A", "n a", "n. a", "N. A"})
"""How a form says that nothing is to be said, which is not how Namibia's code is written."""


_GLEN = "cañada"
"""A glen in Spanish, and so the name of many a place, which folds to a country's."""


def is_word(text: str) -> bool:
    """Return whether a word only looks like a country's code or name: `No` is a house's number, `Se` and `Au` are towns.

    Codes are written in capitals, or like all of a text in small letters; `no` in small letters says no.
    """
    letters = text.strip(" .:")
    if letters in _NOT_APPLICABLE or unicodedata.normalize("NFC", letters).casefold() == _GLEN:
        return True
    if len(letters) > 3 or not letters.isascii() or not letters.isalpha() or letters.isupper():
        return False
    key = letters.casefold()
    return key == "no" or (letters.istitle() and is_code(key) and key not in UNMISTAKABLE)


def _may_mean(name: str, place: Place, borne: tuple[Place, ...]) -> bool:
    """Return whether a name may mean a place whose own it is not: a room is `com.`, and Como is called so somewhere.

    Nor does it where it is a country's name somewhere: Munich is called like Monaco.
    """
    if place.first or not name.isascii():
        return True
    return len(name) > 3 and all(
        other.kind not in (COUNTRY, OBSCURE_NAME) or other.country == place.country for other in borne
    )


_NAMED = frozenset({CITY, SUBDIVISION, NAMESAKE})


def places_named(key: str) -> tuple[Place, ...]:
    """Return the subdivisions, cities and namesakes with a name, as `key` or in another way to write it."""
    if key in _GENERIC or _GENERIC.issuperset(key.split()):
        return ()
    for variant in _variants(key):
        if variant in _GENERIC:
            continue
        borne = gazetteer().places(variant)
        if not variant.isascii() and any(place.kind in (COUNTRY, OBSCURE_NAME) for place in borne):
            return ()  # too good a name of a country for the city that bears it to be meant
        found = tuple(place for place in borne if place.kind in _NAMED and _may_mean(variant, place, borne))
        if variant in _AMBIGUOUS_COUNTRIES:
            found += _AMBIGUOUS_COUNTRIES[variant]
        if found:
            return found
    return ()


_AMBIGUOUS_COUNTRIES = {
    "georgia": (Place(SUBDIVISION, "GE", 4_000_000, True),),
    "korea": (Place(SUBDIVISION, "KP", 50_000_000, True), Place(SUBDIVISION, "KR", 50_000_000, True)),
    "congo": (Place(SUBDIVISION, "CD", 50_000_000, True), Place(SUBDIVISION, "CG", 50_000_000, True)),
    "virgin islands": (Place(SUBDIVISION, "VG", 50_000, True), Place(SUBDIVISION, "VI", 50_000, True)),
}
"""Countries that share their name with another, or a subdivision of one: each is a place like any, told by its towns."""


def _variants(key: str) -> Iterator[str]:
    yield key
    words = key.split()
    if len(words) > 1 and words[0] in _SAINTS:
        yield " ".join([_SAINTS[words[0]], *words[1:]])
    for size in range(1, min(len(words), 5)):
        if " ".join(words[:size]) in _KINDS_BEFORE:
            yield " ".join(words[size:])
    for size in range(1, min(len(words), 3)):
        if " ".join(words[-size:]) in _KINDS_AFTER:
            yield " ".join(words[:-size])


def _inside(part: str, key: str) -> tuple[Reading, ...]:
    """Return what stands inside a part: after a postal code or a house number, or at the end of it."""
    words = key.split()
    if (state := _STATE_AND_ZIP.fullmatch(part)) and f"US-{state.group(1)}" in _STATES:
        return (Reading(text=state.group(1), code=state.group(1)),)  # `FL 33325` is no floor
    if not words[0].isascii() and len(words[0]) > 2 and _is_cjk(words[0][0]):
        return _run_on(part, words)
    bare = _without_numbers(words)
    if bare != words and bare and not _is_street(bare):
        direct = _direct(" ".join(bare) if not part.isupper() else " ".join(bare).upper(), " ".join(bare))
        if not direct.silent:
            return (_numbered(direct, part),)
    found = _ending(part, bare)
    if found:
        return found
    tail = _after_last_number(words)
    if tail and tail != bare:
        direct = _direct(" ".join(tail), " ".join(tail))
        if not direct.silent and not (_NOISE & set(tail)):
            return (direct,)
        return _ending(part, tail) or (Reading(text=part),)
    return (Reading(text=part),)


_NUMBERED = re.compile(r"[^\W\d_]{3,}\W+\d{1,3} ?[a-z]?", re.IGNORECASE)
"""A name with a house's number after it. Postal codes of three digits stand before a name, or are a capital's."""


def _numbered(named: Reading, part: str) -> Reading:
    """Return the reading of a part, marked where a house's number follows the name."""
    return replace(named, numbered=True) if _NUMBERED.fullmatch(part) else named


def _is_street(words: list[str]) -> bool:
    """Return whether words name a street or a building; `St Petersburg` and `Republic of Tatarstan` do not."""
    if " ".join(words[:2]) in _KINDS_BEFORE:
        words = words[2:]
    elif words[0] in _SAINTS and len(words) > 1:
        words = words[1:]
    return bool(_NOISE & set(words))


def _ending(part: str, words: list[str]) -> tuple[Reading, ...]:
    """Return the country or subdivision that ends a part, after the place before it: `Shenzhen China`, `Reno NV`."""
    for size in range(min(LONGEST_NAME, len(words) - 1), 0, -1):
        tail, head = " ".join(words[-size:]), words[:-size]
        if size == 1 and len(tail) <= 3 and tail not in {"uk", "usa", "uae", "prc"}:
            return _city_and_code(part, head, tail)
        if len(tail) == 2:
            continue
        ending = _direct(tail, tail)
        if (region := ending.occupied) and not (_NOISE & set(head)):
            return (Reading(text=part, occupied=region),)
        named = country_of(tail) if tail in {"usa", "uae", "prc"} else ending.country
        if named:
            before = _before(head)
            # `Estacion Francia`: a place elsewhere before a country's name is a word beside it.
            near = any(each.country or named in {place.country for place in each.places} for each in before)
            return (*before, Reading(text=tail, country=named, weak=not near))
        if ending.places and any(place.kind == SUBDIVISION for place in ending.places):
            before = _before(head)
            # `Coto Murcia` is a street of Mexico: without a comma, a region stands only after a place in its country.
            if before and (_share_country(before[0], ending) or _is_metropolis(ending)):
                return (*before, ending)
            return ()
    return ()


def _is_metropolis(reading: Reading) -> bool:
    """Return whether a name is that of a city which needs no other place before it: `Nad Al Sheba Dubai`."""
    return any(
        place.kind == CITY and place.first and (place.capital or place.people >= MILLIONS) for place in reading.places
    )


def _share_country(one: Reading, other: Reading) -> bool:
    countries = {one.country} if one.country else {place.country for place in one.places}
    return any(place.country in countries for place in other.places)


def _city_and_code(part: str, head: list[str], tail: str) -> tuple[Reading, ...]:
    if not head or not re.search(rf"\b{tail.upper()}\b", part):
        return ()
    before = _before(head)
    codes = tuple(
        place
        for place in gazetteer().places(tail)
        if place.kind == SUBDIVISION_CODE and place.region.startswith(_CODES_IN_PART)
    )
    if before and codes and any(place.region == code.region for place in before[0].places for code in codes):
        return (*before, Reading(text=tail.upper(), code=tail.upper()))
    return ()


def _before(head: list[str]) -> tuple[Reading, ...]:
    """Return the place at the end of the words before a country, if there is one."""
    for size in range(min(4, len(head)), 0, -1):
        name = " ".join(head[-size:])
        if name in _NOISE:
            return ()
        found = _direct(name, name, codes=False)
        if found.places or found.country or found.occupied:
            return (found,)
    return ()


def _without_numbers(words: list[str]) -> list[str]:
    """Return the words without postal codes: tokens with a digit, and one or two letters that belong to one."""
    digits = [_DIGIT.search(word) is not None for word in words]
    if not any(digits):
        return words
    kept: list[str] = []
    for at, word in enumerate(words):
        if digits[at]:
            continue
        after = words[at + 1] if at + 1 < len(words) else ""
        before = words[at - 1] if at else ""
        state = len(after) == 5 and after.isdigit() and at > 0 and f"US-{word.upper()}" in _STATES
        # `D-10115`, but not `g 36a`: a house's number has no country before it.
        numbers = (after[:3].isdigit() and len(after) > 2) or (after[:1].isdigit() and word in _NOISE)
        country_prefix = len(word) <= 2 and numbers and len(words) > 2 and not state
        named = word in _POSTAL_WORDS and after[:1].isdigit()
        dutch = len(word) == 2 and len(before) == 4 and before.isdigit()
        if not (country_prefix or dutch or named):
            kept.append(word)
    return kept


def _after_last_number(words: list[str]) -> list[str]:
    for at in range(len(words) - 1, -1, -1):
        if _DIGIT.search(words[at]):
            return words[at + 1 :]
    return []


def _is_cjk(char: str) -> bool:
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"


def _in_katakana(text: str, at: int) -> bool:
    """Return whether a word in katakana goes on at a place: `モーソン` is no part of `モー`, which is Meaux."""
    return all("\u30a0" <= char <= "\u30ff" for char in text[at - 1 : at + 1]) and at < len(text)


_OF_AN_ADDRESS = re.compile(
    r"[0-9０-９省市区區县縣州盟旗镇鎮乡鄉村路街道巷弄号號楼樓室层層座园園城厦廈里町丁目番地都府県郡郷ビル동구군읍면리로길호층]"
)
"""What stands in a street, a house or a part of a city, and so after the name of a place that an address begins with."""


def _run_on(part: str, words: list[str]) -> tuple[Reading, ...]:
    """Return what an address names that is written from the large to the small and without commas."""
    found: list[Reading] = []
    rest = "".join(words) if not "\uac00" <= words[0][0] <= "\ud7a3" else " ".join(words)
    while rest and len(found) < 3:
        for size in range(min(12, len(rest)), 1, -1):
            head = rest[:size].strip()
            if _in_katakana(rest, size):
                continue
            reading = _direct(head, head)
            if not reading.silent:
                found.insert(0, reading)
                rest = rest[size:].strip()
                break
        else:
            break
    if rest and not _OF_AN_ADDRESS.search(rest):
        return (Reading(text=part),)  # the name goes on: Kaliningrad in Chinese begins like another town
    return tuple(found) or (Reading(text=part),)


@lru_cache(maxsize=1)
def ambiguous_keys() -> frozenset[str]:
    """Return the keys of words that name no country or more than one."""
    return frozenset(place_key(name) or "" for name in AMBIGUOUS)
