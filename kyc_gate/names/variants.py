"""Other readings of a name: what it may stand for beside what it says."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.util import find_spec

from anyascii import anyascii

from kyc_gate.model.record import Record
from kyc_gate.names.common_words import ARTICLES, COMMON_WORDS, canonical, is_known
from kyc_gate.names.encoded import decoded
from kyc_gate.names.foreign_words import FOREIGN
from kyc_gate.names.han import is_han, is_hangul
from kyc_gate.names.normalize import LONGEST_NAME, NormalizedName, normalize_name
from kyc_gate.names.numbers import with_numbers
from kyc_gate.names.scripts import iso_9
from kyc_gate.names.skeleton import is_abjad
from kyc_gate.names.wade_giles import pinyin_of

Words = tuple[str, ...]


class Reading(Record):
    """The words that a name may stand for. `guessed` where another name in another script would read the same."""

    words: Words
    guessed: bool = False


MOST_READINGS = 8
"""Readings of one name that are compared; each costs as much as a name."""

_LETTERS = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g"})
_SECOND_LETTERS = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "6": "g", "2": "z"}
)


def spelled_variants(words: Words) -> tuple[Words, ...]:
    """Return the words as they are, and with digits read as the letters that they look like inside a word.

    A word of digits alone is a number and stays one.
    """
    variants = dict.fromkeys(
        tuple(_lettered(word, table) for word in words) for table in ({}, _LETTERS, _SECOND_LETTERS)
    )
    return tuple(variants)


def readings_of(text: str, normalized: NormalizedName) -> tuple[Reading, ...]:
    """Return the words of a name, and of each other way to read it, the plainest first.

    `text` is what was written; `normalized` its comparison form. The first reading is `normalized.core`.
    """
    core = normalized.core
    if not core:
        return ()
    text = text[:LONGEST_NAME]
    found = dict.fromkeys(spelled_variants(core), False)
    found.setdefault(with_numbers(core), False)
    if not text.isascii():
        found.setdefault(normalize_name(iso_9(decoded(text).lower())).core, False)
        if (nominative := _nominative(text)) != text:
            found.setdefault(normalize_name(nominative).core, False)
        for words in _romanised(core):
            found.setdefault(words, any(is_han(word[0]) or is_hangul(word[0]) for word in core))
    if translated := _translated(core):
        found.setdefault(translated, False)
    if spelled := pinyin_of(text):
        found.setdefault(normalize_name(" ".join(spelled)).core, True)
    if "." in text and (label := organisation_label(text)):
        found.setdefault(normalize_name(label).core, False)
    if _HUMP.search(text) or " " not in text.strip():
        for words in _unglued(text, core):
            found.setdefault(words, False)
    return tuple(Reading(words=words, guessed=guessed) for words, guessed in found.items() if words)[:MOST_READINGS]


def listed_forms(text: str, normalized: NormalizedName) -> tuple[Words, ...]:
    """Return the words of a listed name, and the forms in which a query may come that the list does not spell out."""
    core = normalized.core
    if not core:
        return ()
    found = dict.fromkeys([core])
    if glued := _GLUED_FORM.search(text):
        found.setdefault(normalize_name(f"{text[: glued.start()]} {text[glued.start() :]}").core)
    if translated := _translated(core):
        found.setdefault(translated)
    if not normalized.text.isascii():
        found.update(dict.fromkeys(_romanised(core)))
    return tuple(found)


def _translated(core: Words) -> Words:
    """Return a name of two words of business or more in English, where all are such words and some are foreign; or ()."""
    telling = [word for word in core if word not in ARTICLES]
    if len(telling) < 2 or not any(word in FOREIGN for word in telling):
        return ()
    return tuple(map(canonical, telling)) if all(word in COMMON_WORDS or word in FOREIGN for word in telling) else ()


def _romanised(core: Words) -> list[Words]:
    """The words in Latin letters, where they are in a script that has vowels."""
    if all(word.isascii() or is_abjad(word) for word in core):
        return []
    spelled = [_latin(word) for word in core]
    return list(dict.fromkeys((tuple(spelled), ("".join(spelled),))))


@lru_cache(maxsize=1 << 16)
def _latin(word: str) -> str:
    if word.isascii() or is_abjad(word):
        return word
    if is_han(word[0]) and _has_pinyin():
        from pypinyin import lazy_pinyin

        return "".join(lazy_pinyin(word))
    return "".join(re.findall("[a-z0-9]+", anyascii(word).lower())) or word


@cache
def _has_pinyin() -> bool:
    """Return whether the extra `cjk` is installed, which reads Chinese characters by their context."""
    return find_spec("pypinyin") is not None


_HOST = re.compile(r"(?:https?://)?(?:[\w.+-]+@)?((?:[\w-]+\.)+[a-z]{2,24})\b", re.IGNORECASE)
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "org", "mil", "gob", "go", "or", "ne"})
_OPEN_MAIL = frozenset(
    {
        "gmail",
        "outlook",
        "hotmail",
        "yahoo",
        "proton",
        "protonmail",
        "qq",
        "163",
        "126",
        "mail",
        "yandex",
        "icloud",
        "gmx",
        "live",
        "msn",
    }
)


def organisation_label(host: str) -> str | None:
    """Return the part of a host name or mail address that names an organisation: `huawei` of `jobs.huawei.com`.

    None for a host that everybody's mail comes from, and for text that is no host.
    """
    found = _HOST.search(host)
    if found is None:
        return None
    labels = found[1].lower().split(".")[:-1]
    while len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels.pop()
    return None if not labels or labels[-1] in _OPEN_MAIL else labels[-1]


_GENITIVE = re.compile("(?<=[а-яё]{4})(?<=[бвгджзклмнпрстфхцчшщ])[ау](?!\\w)", re.IGNORECASE)
"""The ending by which a Russian name says whose something is: `Группа Вагнера` is the group of Wagner."""


def _nominative(text: str) -> str:
    first, blank, rest = text.strip().partition(" ")
    return first + blank + _GENITIVE.sub("", rest)


_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GLUED_FORM = re.compile("(?<=[a-z])(?:AG|SA|SE|NV|BV|AB|AS|PLC|LLC|LTD|INC|GmbH)$")
"""A legal form in capitals that stands at the end of a name without a blank: `SiemensAG`."""

_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[a-zA-Z])(?=\d+\b)")
_GLUED = (
    "ltd",
    "inc",
    "corp",
    "group",
    "cloud",
    "tech",
    "ai",
    "llc",
    "gmbh",
    "labs",
    "lab",
    "hq",
    "co",
    "org",
    "dev",
    "prod",
    "test",
)
_FRONT = ("my", "the", "team", "get", "go", "dev", "prod", "test", "svc", "acct")


def _unglued(text: str, core: Words) -> list[Words]:
    """Readings of a text without blanks: cut at its capitals and digits, and without what is glued to its ends."""
    cut = normalize_name(_SEAM.sub(" ", text)).core
    bare = tuple(rest for word in cut if (rest := _without_glue(word)) and not rest.isdigit())
    start, end = 0, len(bare)
    while start < end - 1 and bare[start] in _FRONT:
        start += 1
    while end > start + 1 and bare[end - 1] in _GLUED:
        end -= 1
    return [cut, bare[start:end]]


def _without_glue(word: str) -> str:
    if not word.isascii() or len(word) < 6 or is_known(word) or word in COMMON_WORDS:
        return word
    for front in _FRONT:
        if word.startswith(front) and len(word) - len(front) >= 6:
            word = word[len(front) :]
            break
    for _ in range(2):
        for end in _GLUED:
            if word.endswith(end) and len(word) - len(end) >= 4:
                word = word[: -len(end)]
                break
    return word


def _lettered(word: str, table: dict[int, str]) -> str:
    return word if word.isdigit() or word.isalpha() else word.translate(table)
