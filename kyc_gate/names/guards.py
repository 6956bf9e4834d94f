"""Guards: named reasons why words that agree do not make a match."""

from __future__ import annotations

from kyc_gate.model.record import Record
from kyc_gate.names.alignment import LONGEST_ACRONYM, Alignment, words_of
from kyc_gate.names.common_words import ARTICLES, COMMON_WORDS, PLACE_WEIGHT, is_generic, is_known, is_place, told_by
from kyc_gate.names.numbers import as_number


class Guard(Record):
    """A guard that held: its name, the score that it allows at most, and why, in one clause."""

    name: str
    cap: float
    reason: str


LITTLE = 0.65
"""What the words tell together that must agree at least, where something else does not."""

EXACT = frozenset({"same", "means", "inflected", "short for", "spaced otherwise", "made of"})
"""Ways to agree that are no slip."""

SHORT_WORD = 5
"""Letters of a word in which a slip makes another word."""

TRADES = frozenset(
    """
    academy bakery bar barber beach beauty bistro book books bookshop boutique brewery cafe catering church cinema clinic club coffee
    college dance dental dentist dentistry farm fashion florist food foods football garden gallery hairdresser hospital hostel hotel
    insurance jewellery jewelry kindergarten kitchen library massage museum music noodle nursery nursing opera orchestra park pharmacy
    photography pizza pub resort restaurant salon school spa sports tea temple theatre theater tour tourism tours toy veterinary
    wedding winery yoga zoo 医院 诊所 餐厅 饭店 酒店 咖啡 书店 银行 学校 大学 幼儿园 电影院 博物馆 书局 商学院 俱乐部
    """.split()
)
"""Trades that have nothing to do with what restricted parties of the same name do."""

COINED = 7
COINED_SHARE = 0.85
"""Letters of a word that nobody else has, and how alike another must be, to be taken for it among generic words."""

LONG_SOUND = 6
"""Letters of a word that is taken for another which sounds the same."""

MANY_WORDS = 3
"""Words at which even generic ones are a name."""

ONE_COMMON_WORD = Guard(name="one-common-word", cap=0.74, reason="only what many names share agrees")
LITTLE_AGREES = Guard(name="little-agrees", cap=0.74, reason="what agrees is short or common, and not all agrees")
LONE_LIKENESS = Guard(
    name="lone-likeness", cap=0.74, reason="one word is nearly alike, beside others that are not listed"
)
OTHER_TRADE = Guard(name="other-trade", cap=0.74, reason="one word agrees, and the trade is another")
PLACE_ONLY = Guard(name="place-only", cap=0.6, reason="only a place agrees")
NUMBER_MISMATCH = Guard(name="number-mismatch", cap=0.72, reason="the numbers differ")
OTHER_ACRONYM = Guard(name="acronym", cap=0.7, reason="the letters stand for other words of the query")


def guard_of(found: Alignment, agreed: float) -> Guard | None:
    """Return the first guard that holds for an alignment; None where none does.

    `agreed` is what the words that agree tell.
    """
    if _numbers_differ(found):
        return NUMBER_MISMATCH
    if _is_other_acronym(found):
        return OTHER_ACRONYM
    words = words_of(found.pairs)
    telling = [word for word in words if word not in COMMON_WORDS and word not in ARTICLES]
    strange = [word for word in found.only_asked if word not in ARTICLES]
    if strange and telling and all(map(is_place, telling)) and not _most_agree(found, words):
        return PLACE_ONLY
    if strange and not telling and len(words) < MANY_WORDS:
        return ONE_COMMON_WORD
    padded = bool(strange) and all(map(is_generic, strange))
    if strange and _is_lone_likeness(found, telling) and not (padded and _is_slip_in_coined(found, telling[0])):
        return LONE_LIKENESS
    if strange and len(telling) == 1 and not TRADES.isdisjoint(strange) and TRADES.isdisjoint(words):
        return OTHER_TRADE if _is_unsure(found) or not telling[0].isascii() else None
    if len(words) == 1 and (told_by(words[0]) < PLACE_WEIGHT or (strange and is_known(words[0]))):
        return ONE_COMMON_WORD
    if (
        telling
        and not found.only_asked
        and not found.only_listed
        and {p.how for p in found.pairs} == {"same consonants", "means"}
    ):
        return None
    whole = all(map(is_generic, found.only_listed)) and all(pair.how in EXACT for pair in found.pairs)
    exact = whole and (not strange or (padded and not found.only_listed and _is_coined_letters(words)))
    if not strange and _is_short_for_a_place(found, words):
        return LITTLE_AGREES
    if len(words) < MANY_WORDS and not exact and (agreed < LITTLE or _is_short_slip(found)):
        return LITTLE_AGREES
    return None


def _is_short_slip(found: Alignment) -> bool:
    """Return whether the longest word that agrees is a short one with a slip: `Mami` is not `Nami`."""
    longest = max(found.pairs, key=lambda pair: len("".join(pair.listed)))
    return longest.how == "slip" and len("".join(longest.listed)) <= SHORT_WORD


def _is_lone_likeness(found: Alignment, telling: list[str]) -> bool:
    """Return whether all that tells anything agrees by one word, and that only nearly."""
    near = [pair for pair in found.pairs if pair.how in {"slip", "sounds like", "derived from"}]
    return len(telling) == 1 and any(pair.listed[0] == telling[0] for pair in near)


def _is_slip_in_coined(found: Alignment, word: str) -> bool:
    """Return whether a long word that is nobody's but the listed party's has one slip: `Hikvison Trading`."""
    pair = next(pair for pair in found.pairs if pair.listed[0] == word)
    if pair.how == "sounds like" and len(word) >= LONG_SOUND:
        return True
    asked = "".join(pair.asked)
    near = pair.share >= COINED_SHARE and abs(len(word) - len(asked)) <= 1
    return near and len(word) >= COINED and not is_known(word) and not is_known(asked)


def _is_short_for_a_place(found: Alignment, words: list[str]) -> bool:
    """Return whether three letters agree and the listed name says of which place: `IPS` is many firms, `IPS Pacific` one."""
    return len(words) == 1 and len(words[0]) <= 3 and any(map(is_place, found.only_listed))


def _is_coined_letters(words: list[str]) -> bool:
    """Return whether a listed name is one word that is no everyday word, beside generic ones: `VTB Bank (Europe)`."""
    return any(len(word) > 2 and not is_known(word) for word in words)


def _is_unsure(found: Alignment) -> bool:
    return any(pair.how != "same" for pair in found.pairs)


def _most_agree(found: Alignment, words: list[str]) -> bool:
    """Return whether the whole listed name agrees, in four words or more: generic words, but many of them."""
    return not [word for word in found.only_listed if word not in ARTICLES] and len(words) >= MANY_WORDS


def _numbers_differ(found: Alignment) -> bool:
    """Return whether each side has a number that the other has not."""
    ours = {as_number(word) for word in found.only_asked if as_number(word).isdigit()}
    theirs = {as_number(word) for word in found.only_listed if as_number(word).isdigit()}
    return bool(ours) and bool(theirs)


def _is_other_acronym(found: Alignment) -> bool:
    """Return whether all that agrees is an acronym that the rest of the query spells out."""
    if len(found.pairs) != 1 or found.only_listed:
        return False
    letters = "".join(found.pairs[0].asked)
    if not 2 < len(letters) <= LONGEST_ACRONYM or len(found.only_asked) < len(letters) - 1:
        return False
    return letters in initials(tuple(found.only_asked))


def initials(words: tuple[str, ...]) -> set[str]:
    """Return the acronyms of words: of all of them, and of those that are not articles."""
    small = {"and", "of", "for", "the", "in", "on", "at", "to", "de", "la", "y", "et", "und"}
    return {"".join(word[0] for word in words), "".join(word[0] for word in words if word not in small)}
