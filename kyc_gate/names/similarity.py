"""Two words compared: how alike, and in which way."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import OSA

from kyc_gate.names.common_words import ARTICLES, COMMON_WORDS, canonical, is_english, is_known, is_person_name
from kyc_gate.names.derivation import is_adjective, is_derived
from kyc_gate.names.inflection import stem
from kyc_gate.names.nicknames import nicknames_of
from kyc_gate.names.numbers import as_number
from kyc_gate.names.skeleton import is_abjad
from kyc_gate.names.sound import sound_of


class Likeness(NamedTuple):
    """How alike two words are, 0.0 to 1.0, and in which way, in one word."""

    share: float
    how: str


SAME = Likeness(1.0, "same")
NOTHING = Likeness(0.0, "")
MEANS = Likeness(0.98, "means")
INFLECTED = Likeness(0.97, "inflected")
SOUNDS = Likeness(0.95, "sounds like")
BONES = Likeness(0.9, "same consonants")
SHORTENED = Likeness(0.93, "short for")
DERIVED = Likeness(0.9, "derived from")
ARTICLE = Likeness(0.9, "means")
NICKNAME = Likeness(0.9, "short name of")
INITIAL = Likeness(0.7, "initial of")

SOUND_SHARE = 0.97
"""What a slip counts between words that are compared by sound, beside one between their letters."""

BEYOND = 0.2
"""What each slip costs on top that is one more than people make: enough to rank a name, not to find it by."""

FIRST_LETTER = 0.12
"""What a slip in the first letter costs on top: people mistype it least, and read it most."""

KNOWN_WORD = 0.55
"""What is left of a slip that makes another word of the language: `Inspire` is no misspelling of `Inspur`."""

KNOWN_SOUND = 0.88
"""The same where both words sound alike: `Alpha` may well be `Alfa`."""

SHORT_VOWEL = 0.72
"""What is left where short words have other vowels between the same consonants: `Foz` and `Fouz`."""

SHORT_SOUND = 6
"""Letters below which many words sound alike."""

KNOWN_NAME = 0.8
"""The same where both are names that people have: they are misspelt into each other."""

VOWEL_SLIP = 0.5
"""What a vowel for another costs, beside a consonant: `Muhammad` and `Mohamed` differ in vowels only."""

LOOK_ALIKE = (
    frozenset("il1"),
    frozenset("o0"),
    frozenset("sz5"),
    frozenset("b8"),
    frozenset("uv"),
    frozenset("mn"),
    frozenset("ck"),
)
"""First letters that are taken for each other by eye or by ear."""


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
BESIDE = frozenset(frozenset(pair) for row in _ROWS for pair in pairwise(row))
"""Letters whose keys are neighbours in a row: one is hit for the other, and seen no better for being the first."""


class _Traits(NamedTuple):
    """What comparing a Latin word takes, worked out once: without it, most of screening would be spent here."""

    canonical: str
    number: str
    digits: str
    stem: str
    sound: str
    bare: str
    bare_sound: str
    nicknames: frozenset[str]
    letters: int
    sound_letters: int


@lru_cache(maxsize=1 << 16)
def _traits(word: str) -> _Traits:
    sound = sound_of(word)
    return _Traits(
        canonical=canonical(word),
        number=as_number(word),
        digits=_digits(word),
        stem=stem(word),
        sound=sound,
        bare=word.translate(_VOWELS),
        bare_sound=sound.translate(_VOWELS),
        nicknames=nicknames_of(word),
        letters=_letters(word),
        sound_letters=_letters(sound),
    )


def _letters(word: str) -> int:
    """Return the set of a word's letters as the bits of a number."""
    found = 0
    for letter in word:
        found |= 1 << ord(letter)
    return found


def _may_slip(shortest: int, one: int, other: int) -> bool:
    """Return whether words of these letters may be within their budget of slips: each changes two letters at most."""
    return (one ^ other).bit_count() <= 2 * slips_allowed(shortest)


@lru_cache(maxsize=1 << 18)
def likeness(asked: str, listed: str) -> Likeness:
    """Return how alike two words in comparison form are. A slip counts less where `asked` is a word of its own."""
    if asked == listed:
        return SAME
    if not (asked.isascii() and listed.isascii()):
        return _of_scripts(asked, listed)
    ours, theirs = _traits(asked), _traits(listed)
    if ours.canonical == theirs.canonical:
        return MEANS
    if ours.number == theirs.number:
        return SAME
    if ours.digits != theirs.digits:
        return NOTHING
    if listed in ARTICLES:
        near = len(asked) <= 3 and OSA.distance(asked, listed, score_cutoff=1) == 1 and not is_known(asked)
        return ARTICLE if near else NOTHING
    return _of_latin(asked, listed, ours, theirs)


def _of_latin(asked: str, listed: str, ours: _Traits, theirs: _Traits) -> Likeness:
    if ours.stem == theirs.stem:
        return INFLECTED
    if len(asked) == 1 or len(listed) == 1:
        return INITIAL if asked[0] == listed[0] else NOTHING
    # Words that are made of each other begin alike: asked first, since it is seldom so.
    begin_alike = asked[:3] == listed[:3]
    if begin_alike and is_shortened(asked, listed):
        return SHORTENED
    if listed in ours.nicknames:
        return NICKNAME
    if begin_alike and is_adjective(asked, listed):
        return INFLECTED
    if begin_alike and is_derived(asked, listed):
        return DERIVED
    if ours.sound == theirs.sound and min(len(asked), len(listed)) > 1:
        return _of_one_sound(asked, listed)
    if begin_alike and _is_other_compound(asked, listed):
        return NOTHING
    if ours.bare == theirs.bare and _vowels_left_out(asked, listed):
        return BONES
    vowels = SOUND_SHARE * _vowels_slipped(ours.sound, theirs.sound) if ours.bare_sound == theirs.bare_sound else 0.0
    if len(ours.bare_sound) > 1 and ours.bare_sound == theirs.bare_sound and max(len(asked), len(listed)) < SHORT_SOUND:
        vowels = max(vowels, SHORT_VOWEL)
    if vowels > 0 and not is_english(asked):
        return Likeness(vowels, "slip")
    slipped = max(vowels, SOUND_SHARE * _voiced_otherwise(ours.sound, theirs.sound))
    if _may_slip(min(len(asked), len(listed)), ours.letters, theirs.letters):
        slipped = max(slipped, _slipped(asked, listed))
    if _may_slip(min(len(ours.sound), len(theirs.sound)), ours.sound_letters, theirs.sound_letters):
        slipped = max(slipped, SOUND_SHARE * _slipped(ours.sound, theirs.sound))
    if slipped > 0 and (share := slipped * _credible(asked, listed)) > 0:
        return Likeness(share, "slip")
    return NOTHING


def _of_one_sound(asked: str, listed: str) -> Likeness:
    if max(len(asked), len(listed)) < SHORT_SOUND:
        return Likeness(SOUNDS.share * KNOWN_SOUND, SOUNDS.how)
    return SOUNDS if not is_english(asked) or is_english(listed) else Likeness(SOUNDS.share * KNOWN_SOUND, SOUNDS.how)


def is_shortened(asked: str, listed: str) -> bool:
    """Return whether one word is the beginning of the other, or its consonants, where the long one is a common word."""
    short, whole = sorted((asked, listed), key=len)
    if whole not in COMMON_WORDS or len(short) < 3 or len(whole) - len(short) < 2 or is_english(short):
        return False
    return whole.startswith(short)


def _is_other_compound(asked: str, listed: str) -> bool:
    """Return whether two words begin with one English word and end with two others: `cloudwatch` and `cloudwalk`.

    Ends that differ in vowels alone are spellings of one: `Lindenberg` and `Lindenburg`.
    """
    return any(
        asked[:cut] == listed[:cut]
        and asked[cut:].translate(_VOWELS) != listed[cut:].translate(_VOWELS)
        and is_english(asked[:cut])
        and is_english(asked[cut:])
        and is_english(listed[cut:])
        for cut in range(4, min(len(asked), len(listed)) - 2)
    )


def _slipped(one: str, other: str) -> float:
    """Return the share that is left after the slips between two words, or 0.0 beyond their budget.

    A slip is a letter more, less, other, or swapped with its neighbour.
    """
    shortest, longest = len(one), len(other)
    if shortest > longest:
        shortest, longest = longest, shortest
    budget = slips_allowed(shortest)
    if longest - shortest > budget or not budget:
        return 0.0
    slips: float = OSA.distance(one, other, score_cutoff=budget)
    if slips > budget:
        return 0.0
    if one[0] != other[0]:
        if any(one[0] in group and other[0] in group for group in LOOK_ALIKE):
            slips *= 0.5
        elif frozenset((one[0], other[0])) in BESIDE and one[1:] == other[1:]:
            pass
        elif one[:2] != other[1::-1] and one[1:] != other and other[1:] != one:
            slips += FIRST_LETTER * longest
    beyond = max(0.0, slips - _usual_slips(shortest))
    return max(0.0, 1.0 - slips / longest - BEYOND * beyond)


def _usual_slips(length: int) -> int:
    """Return how many slips people make in a word of this many letters, mostly at most."""
    return 0 if length < 4 else 1 if length < 7 else 2 if length < 11 else 3


def _vowels_slipped(one: str, other: str) -> float:
    """Return what is left where only vowels differ, or 0.0 where anything else does."""
    shortest, longest = sorted((len(one), len(other)))
    budget = slips_allowed(shortest) + 1
    if shortest < 6 or longest - shortest > budget or one.translate(_VOWELS) != other.translate(_VOWELS):
        return 0.0
    slips = OSA.distance(one, other, score_cutoff=budget)
    first = FIRST_LETTER if one[0] != other[0] else 0.0
    return 0.0 if slips > budget else 1.0 - VOWEL_SLIP * slips / longest - first


def _voiced_otherwise(one: str, other: str) -> float:
    """Return what is left where only the voice of consonants differs, or 0.0: `Taesong` and `Daesong`."""
    if len(one) != len(other) or len(one) < SHORTEST_VOICED or one.translate(_VOICELESS) != other.translate(_VOICELESS):
        return 0.0
    return 1.0 - VOICE_SLIP * sum(map(str.__ne__, one, other)) / len(one)


_VOICELESS = str.maketrans("bdgzv", "ptksf")
VOICE_SLIP = 0.5
SHORTEST_VOICED = 4
"""What a voiced consonant for a voiceless one costs, beside any other slip, and in words of how many letters at least.

Systems of romanisation differ in it for Korean and Chinese, and so do dialects of Arabic.
"""


def slips_allowed(length: int) -> int:
    """Return how many slips a word of this many letters may have: none below four, then one in about three letters."""
    return 0 if length < 4 else 1 if length < 5 else 2 if length < 8 else 3


def _credible(asked: str, listed: str) -> float:
    """Return how much a slip counts: less where it makes a word that people write without a slip."""
    if not is_known(asked):
        return 1.0
    if is_person_name(asked) and is_person_name(listed):
        return KNOWN_NAME
    return KNOWN_WORD


def _vowels_left_out(asked: str, listed: str) -> bool:
    """Return whether `asked` is `listed` without its vowels, such as `hkvsn`."""
    if len(asked) < 3 or len(listed) < 5 or len(asked) > 0.75 * len(listed) or asked[0] != listed[0]:
        return False
    bare = listed.translate(_VOWELS)
    return asked.translate(_VOWELS) == bare and len(bare) > 1


_VOWELS = str.maketrans("", "", "aeiouy")


def _of_scripts(asked: str, listed: str) -> Likeness:
    """Compare words of which one at least is not in Latin letters."""
    if is_abjad(asked) and is_abjad(listed):
        share = _slipped(asked, listed)
        return Likeness(share, "slip") if share > 0 else NOTHING
    if asked.isascii() != listed.isascii():
        return NOTHING
    longest = max(len(asked), len(listed))
    if longest < 4 or abs(len(asked) - len(listed)) > 1:
        return NOTHING
    slips = OSA.distance(asked, listed, score_cutoff=1)
    return Likeness(1.0 - slips / longest, "slip") if slips == 1 else NOTHING


def _digits(word: str) -> str:
    return "" if word.isalpha() else "".join(char for char in word if char.isdigit())
