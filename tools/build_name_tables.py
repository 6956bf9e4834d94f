"""Build the tables of `kyc_gate/names/data` from published sources. Run by hand when a source has a new edition.

    python tools/build_name_tables.py legal-forms elf-codes-1.4.1.csv
    python tools/build_name_tables.py words american-english
    python tools/build_name_tables.py proper american-english
    python tools/build_name_tables.py people dist.all.last dist.female.first dist.male.first
    python tools/build_name_tables.py places geonames_cities15000_compact.tsv.gz
    python tools/build_name_tables.py simplified TSCharacters.txt
    python tools/build_name_tables.py lookalikes confusables.json
    python tools/build_name_tables.py nicknames names.csv

`kyc_gate/names/data/NOTICE` says where each source is published, and under which licence.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from kyc_gate.names.inflection import stem
from kyc_gate.names.normalize import normalize_name

DATA = Path(__file__).resolve().parents[1] / "kyc_gate" / "names" / "data"

MOST_SURNAMES = 20_000
"""Surnames by rank: nine in ten people have one of these."""

LARGE_CITY = 200_000
"""Inhabitants of a city that companies are named after."""

NOT_ONLY_FORMS = frozenset({"assn", "assoc", "banco", "coop", "fond", "intl", "other", "son", "trust"})
"""Abbreviations of the standard that are words of a name as often."""

LONGEST_FORM = 7
"""Words in a legal form; longer ones are descriptions that nobody writes in a name."""


def legal_forms(elf: str) -> list[str]:
    """Return the legal forms of ISO 20275 in comparison form, each once: phrases, and abbreviations of one word.

    An abbreviation of one or two letters, or one that is an English word as well, is left to the list kept by hand.
    """
    names = ("Entity Legal Form name Local name", "Entity Legal Form name Transliterated name (per ISO 01-140-10)")
    short = ("Abbreviations Local language", "Abbreviations transliterated")
    with open(elf, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    written = _forms(row[column] for row in rows for column in names)
    cut = _forms(part for row in rows for column in short for part in row[column].split(";"))
    english = set((DATA / "words.txt").read_text("utf-8").split())
    single = {text for text in cut if text.isalpha() and len(text) > 2 and stem(text) not in english}
    phrases = {text for text in written | cut if 1 < len(text.split()) <= LONGEST_FORM}
    return sorted((single - NOT_ONLY_FORMS) | phrases)


def _forms(written: Iterable[str]) -> set[str]:
    return {normalize_name(re.sub(r"\(.*?\)", " ", text)).text for text in written} - {""}


def words(listed: str) -> list[str]:
    """Return the stems of the plain words of a spelling list: no names, no abbreviations."""
    plain = re.findall(r"(?m)^[a-z]{3,}$", Path(listed).read_text("utf-8"))
    return sorted({stem(word) for word in plain})


def proper(listed: str) -> list[str]:
    """Return the proper names of a spelling list that are no words as well."""
    names = re.findall(r"(?m)^[A-Z][a-z]{2,}$", Path(listed).read_text("utf-8"))
    return sorted({name.lower() for name in names} - set(words(listed)))


def people(surnames: str, *given: str) -> list[str]:
    """Return the surnames that most people share, and every given name of the census."""
    first = Path(surnames).read_text("ascii").split("\n")[:MOST_SURNAMES]
    lines = first + [line for file in given for line in Path(file).read_text("ascii").split("\n")]
    return sorted({line.split()[0].lower() for line in lines if line.strip()})


def places(cities: str) -> list[str]:
    """Return the one-word names of large cities."""
    with gzip.open(cities, "rt", encoding="utf-8") as file:
        rows = [line.split("\t") for line in file]
    folded = [normalize_name(row[1]).words for row in rows if int(row[4]) >= LARGE_CITY]
    return sorted({name[0] for name in folded if len(name) == 1 and len(name[0]) > 3})


def simplified(characters: str) -> list[str]:
    """Return each traditional Chinese character with the simplified one that stands for it."""
    rows = [line.split("\t") for line in Path(characters).read_text("utf-8").splitlines()]
    pairs = [(row[0], row[1].split()[0]) for row in rows]
    return ["".join(old for old, new in pairs if old != new), "".join(new for old, new in pairs if old != new)]


def lookalikes(confusables: str) -> list[str]:
    """Return each letter that Unicode lists as confusable with a basic Latin letter, and that letter."""
    listed = json.loads(Path(confusables).read_text("utf-8"))
    found: dict[str, str] = {}
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        for other in _alike(listed.get(letter, [])):
            found.setdefault(other, letter.lower())
    pairs = sorted(found.items())
    return ["".join(one for one, _ in pairs), "".join(letter for _, letter in pairs)]


def _alike(rows: Iterable[dict[str, str]]) -> Iterable[str]:
    for row in rows:
        char = row["c"]
        if len(char) == 1 and not char.isascii() and char.isalpha() and unicodedata.normalize("NFKC", char) == char:
            yield char.casefold() if len(char.casefold()) == 1 else char


def nicknames(pairs: str) -> list[str]:
    """Return each given name with the short names that stand for it."""
    found: dict[str, set[str]] = {}
    with open(pairs, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["relationship"] == "has_nickname":
                found.setdefault(row["name1"], set()).add(row["name2"])
    return [" ".join((name, *sorted(short))) for name, short in sorted(found.items())]


TABLES = {
    "nicknames": (nicknames, "nicknames.txt"),
    "legal-forms": (legal_forms, "legal_forms.txt"),
    "words": (words, "words.txt"),
    "proper": (proper, "proper.txt"),
    "people": (people, "people.txt"),
    "places": (places, "places.txt"),
    "simplified": (simplified, "simplified.txt"),
    "lookalikes": (lookalikes, "lookalikes.txt"),
}


def main(table: str, *sources: str) -> None:
    """Write one table."""
    build, file = TABLES[table]
    (DATA / file).write_text("\n".join(build(*sources)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
