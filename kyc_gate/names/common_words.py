"""How much a word tells about which name it is, before any list is known."""

from __future__ import annotations

from functools import lru_cache

from kyc_gate.names.brand_words import MEANINGS
from kyc_gate.names.business_words import CANONICAL, COMMON, HAN, HAN_PLACES
from kyc_gate.names.demonyms import SAME_PLACE
from kyc_gate.names.inflection import stem
from kyc_gate.names.skeleton import is_abjad
from kyc_gate.names.tables import words_of

COMMON_WEIGHT = 0.12
"""How much a common word tells, where a word that nobody else has tells 1."""

PLACE_WEIGHT = 0.35
"""How much a place tells: more than a common word, since `Wuhan` is not `Harbin`, and less than a name."""

ENGLISH_WEIGHT = 0.45
"""How much an English word tells: `Green Pine` is also a bakery."""

PERSON_WEIGHT = 0.62
"""How much a surname or given name tells that thousands of people have."""

TWO_LETTERS = 0.3
THREE_LETTERS = 0.7
"""How much two and three letters tell: there are 676 and 17,576 of them, and many more firms."""

NUMBER_WEIGHT = 0.5
"""How much a number tells."""

_PLACES = """
africa african america american americas arab arabia asia asian australia austria baltic bavaria beijing belarus belgium berlin
boston brazil british britain canada cayman changchun changsha chengdu chinese china chongqing crimea cyprus dalian delaware delhi deutschland
dongguan donetsk dubai dutch egypt emirates england europe european fiji france french fujian fuzhou german germany guangdong guangzhou
guizhou gulf hangzhou hanoi harbin hebei hefei henan holland hong hongkong hubei hunan iceland india indian indonesia iran iranian iraq ireland irish
islamic israel italy italian japan japanese jiangsu jinan kazakhstan kenya kong korea korean kyiv latin london luhansk luxembourg macau malaysia mexico
moscow munich nanjing netherlands nigeria ningbo nizhny norway norwegian novosibirsk oman orient oriental osaka oslo ottawa pacific pakistan panama paris peking
petersburg philippines poland polish portugal qatar qingdao russia russian rossii rossiya romania saint sanaa saudi scotland seoul serbia shandong shanghai shanxi
shenyang shenzhen siberian siberia sichuan singapore south spain spanish st stockholm sweden swedish suzhou swiss switzerland syria syrian taipei taiwan tehran
texas thai thailand tianjin tokyo turkey turkish turkiye uae uk ukraine ukrainian ural uralic us usa uzbekistan venezuela vienna vietnam warsaw world wuhan wuxi xiamen xian
yangtze yantai yemen zhejiang zhengzhou zhuhai zurich baikal volga danube rhine nile amazon himalaya himalayan alps alpine caspian caucasus sahara balkan balkans donbas mekong ganges indus tigris
euphrates amur yenisei dnieper dnipro neva everest sinai galilee adriatic aegean andes antarctic arctic atlantic mediterranean bosphorus hk prc dprk ussr eu california california boston
"""

PLACE_WORDS = frozenset(_PLACES.split()) | frozenset(HAN_PLACES) | frozenset(SAME_PLACE)
COMMON_WORDS = COMMON | frozenset(HAN)

ARTICLES = frozenset({"and", "of", "for", "the", "in", "on", "at", "by", "to", "de", "la", "le", "les", "du", "des", "el", "al", "und", "et", "y", "der", "die", "das", "van", "von", "e", "i", "a", "an", "ye", "bin", "ibn", "ben", "ul", "dos", "da", "do", "di", "del", "no", "c", "o", "as", "s", "with"})  # fmt: skip

ARTICLE_WEIGHT = 0.05
"""How much an article or a particle tells."""


@lru_cache(maxsize=1 << 16)
def told_by(word: str) -> float:
    """Return how much a word tells at most, from 0 to 1, in any list of names."""
    if word in ARTICLES:
        return ARTICLE_WEIGHT
    if word in COMMON_WORDS:
        return COMMON_WEIGHT
    if is_place(word):
        return PLACE_WEIGHT
    if word.isdigit():
        return NUMBER_WEIGHT
    return PERSON_WEIGHT if is_abjad(word) else min(_by_length(word), _by_kind(word))


def is_place(word: str) -> bool:
    """Return whether a word is a country, a region or a large city."""
    return word in PLACE_WORDS or (word in words_of("places") and word not in words_of("people"))


def is_generic(word: str) -> bool:
    """Return whether a word tells what or where somebody is, and not who."""
    return word in COMMON_WORDS or word in ARTICLES or (len(word) == 1 and word.isascii()) or is_place(word)


def is_person_name(word: str) -> bool:
    """Return whether many people have a word for a name."""
    return word in words_of("people") or word in words_of("proper")


def is_english(word: str) -> bool:
    """Return whether a word is in a small English dictionary."""
    return stem(word) in words_of("words")


def is_known(word: str) -> bool:
    """Return whether a word is one that people write without meaning anybody in particular."""
    return word in COMMON_WORDS or is_english(word) or is_person_name(word) or is_place(word)


def canonical(word: str) -> str:
    """Return the word by which a word is compared: its translation, its long form, or itself."""
    return CANONICAL.get(word) or SAME_PLACE.get(word) or MEANINGS.get(word, word)


def _by_length(word: str) -> float:
    if not word.isascii():
        return THREE_LETTERS if len(word) == 1 else 1.0
    return TWO_LETTERS if len(word) <= 2 else THREE_LETTERS if len(word) == 3 else 1.0


def _by_kind(word: str) -> float:
    if is_english(word):
        return ENGLISH_WEIGHT
    return PERSON_WEIGHT if is_person_name(word) else 1.0
