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

EXACT = frozenset({"same", "means", "inflected", "short for", "spaced otherwise"})
"""Ways to agree that are no slip."""

SHORT_WORD = 4
"""Letters of a word in which a slip makes another word."""

MANY_WORDS = 3
"""Words at which even generic ones are a name."""

ONE_COMMON_WORD = Guard(name="one-common-word", cap=0.74, reason="only what many names share agrees")
LITTLE_AGREES = Guard(name="little-agrees", cap=0.74, reason="what agrees is short or common, and not all agrees")
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
    if len(words) == 1 and (told_by(words[0]) < PLACE_WEIGHT or (strange and is_known(words[0]))):
        return ONE_COMMON_WORD
    exact = not strange and all(map(is_generic, found.only_listed)) and all(pair.how in EXACT for pair in found.pairs)
    if len(words) < MANY_WORDS and not exact and (agreed < LITTLE or _is_short_slip(found)):
        return LITTLE_AGREES
    return None


def _is_short_slip(found: Alignment) -> bool:
    """Return whether the longest word that agrees is a short one with a slip: `Mami` is not `Nami`."""
    longest = max(found.pairs, key=lambda pair: len("".join(pair.listed)))
    return longest.how == "slip" and len("".join(longest.listed)) <= SHORT_WORD


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
