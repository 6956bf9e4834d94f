"""One comparison form for a name, whatever case, accents, punctuation, script or legal form it was written with."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby, pairwise

from anyascii import anyascii

from kyc_gate.model.record import Record
from kyc_gate.names.encoded import decoded, may_be_encoded
from kyc_gate.names.han import parts_of, simplified
from kyc_gate.names.legal_forms import says_something, without_legal_forms
from kyc_gate.names.scripts import LATIN_LETTERS, PRESENTED, is_eastern, romanise

LONGEST_NAME = 512
"""Code points. The longest name on the lists of July 2026 has 358."""

LONGEST_COMBINING_RUN = 4
"""Combining marks on one letter. Canonical ordering is quadratic in a run's length; no language writes more."""

LONGEST_WORD = 100
"""Letters in one word. Longer ones are noise, or a name hidden in noise."""

MOST_WORDS = 64
"""Words that are compared; the longest listed name has 49."""


class NormalizedName(Record):
    """A name in comparison form.

    `text` is its folded words joined by blanks, `words` the same as a tuple, and `core` the words without legal forms
    (`SIS d.o.o.` is `sis doo`, its core `sis`). `problem` says why the name cannot be relied on, in one clause: it has
    nothing to compare, or it was cut. A name with a problem is never clear.
    """

    text: str
    words: tuple[str, ...]
    core: tuple[str, ...]
    problem: str | None = None

    @property
    def usable(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.core)


def normalize_name(text: str) -> NormalizedName:
    """Return the comparison form of `text`. Never raises; time is bounded by `LONGEST_NAME` code points.

    Normalizing the `text` of the result again changes nothing.
    """
    found = _by_words(text)
    if found is not None:
        return found
    problem = f"longer than {LONGEST_NAME} characters" if len(text) > LONGEST_NAME else None
    folded = _folded(decoded(text[:LONGEST_NAME])[:LONGEST_NAME])
    if len(folded) > LONGEST_NAME:
        folded, problem = folded[:LONGEST_NAME], f"longer than {LONGEST_NAME} characters"
    words = _words(folded)
    if len(words) > MOST_WORDS:
        words, problem = words[:MOST_WORDS], f"more than {MOST_WORDS} words"
    if max(map(len, words), default=0) > LONGEST_WORD:
        words, problem = tuple(word[:LONGEST_WORD] for word in words), f"a word longer than {LONGEST_WORD} letters"
    core = without_legal_forms(words)
    if not says_something(core):
        core, problem = (), "no word to compare" if words else "no letter or digit to compare"
    elif _is_one_letter(core):
        problem = "one letter or digit, which is nobody's name"
    return NormalizedName(text=" ".join(words), words=words, core=core, problem=problem)


def _by_words(text: str) -> NormalizedName | None:
    """The comparison form of a short name of which each part says by itself what its words are; None for others."""
    if len(text) > LONGEST_BY_WORDS:
        return None
    texts = text.split(" ")
    parts = list(map(_words_of, texts))
    if None in parts:
        return None
    words = tuple([word for part in parts for word in part])  # type: ignore[union-attr]
    if len(words) > MOST_WORDS or (1 in map(len, words) and not _stand_alone(texts, words)):
        return None
    core = without_legal_forms(words)
    if not says_something(core) or _is_one_letter(core):
        return None
    return NormalizedName(text=" ".join(words), words=words, core=core)


def _is_one_letter(core: tuple[str, ...]) -> bool:
    return len(core) == 1 and len(core[0]) == 1 and core[0].isascii()


def _stand_alone(texts: list[str], words: tuple[str, ...]) -> bool:
    """Return whether no letter stands beside another one, where they may be spaced initials."""
    each_is_a_word = len(words) == len(texts) and all(map(str.isalnum, texts))
    return each_is_a_word and not any(len(one) == len(other) == 1 for one, other in pairwise(words))


class _Parts(dict[str, tuple[str, ...] | None]):
    """The words of texts without blanks; None where what stands beside a text may change them."""

    def __missing__(self, text: str) -> tuple[str, ...] | None:
        if len(self) >= MOST_PARTS:
            self.clear()
        found = self[text] = _words_of_part(text)
        return found


_LONE_LETTER = re.compile(r"(?<![^\W_])[^\W\d_](?![^\W_])")

MOST_PARTS = 1 << 16
"""Parts of names whose words are kept at hand."""

# A dict's own subscription calls `__missing__`, and is a third of the cost of a cached function.
_words_of = _Parts().__getitem__


def forget_parts() -> None:
    """Let go of the parts that are kept at hand: after a list was read they are some 10 MB."""
    _words_of.__self__.clear()  # type: ignore[attr-defined]


def _words_of_part(text: str) -> tuple[str, ...] | None:
    if len(text) > LONGEST_WORD // MOST_GROWN or _OVERRIDE.search(text):
        return None
    folded = text.lower() if text.isascii() else _folded_word(text)
    if folded is None or len(folded) > MOST_GROWN * len(text):
        return None
    if folded.isalnum():
        return (folded,) if folded.isascii() else tuple(parts_of(folded))
    return None if may_be_encoded(text) or _LONE_LETTER.search(folded) else _words(folded)


def _folded(text: str) -> str:
    """Lower case without accents and invisible characters, in Latin letters where the script is near to them."""
    if text.isascii():
        return text.lower()
    if len(text) <= LONGEST_BY_WORDS and not _OVERRIDE.search(text):
        words = [word.lower() if word.isascii() else _folded_word(word) for word in text.split(" ")]
        if None not in words:
            return " ".join(words)  # type: ignore[arg-type]
    visible = _visible(_reversed_overrides(text))
    compatible = unicodedata.normalize("NFKC", visible)[:LONGEST_NAME]
    return _spelled_out(_bare(romanise(_in_lower_case(compatible))))


LONGEST_BY_WORDS = 128
MOST_GROWN = 4
"""Characters of a name that is folded word by word, and times that its words may grow: so it stays below the limits."""


@lru_cache(maxsize=1 << 16)
def _folded_word(word: str) -> str | None:
    """Return a word folded by itself; None where the words beside it decide how its letters are read."""
    compatible = unicodedata.normalize("NFKC", _visible(word))
    bare = _in_lower_case(compatible)
    if is_eastern(bare) or len(compatible) > MOST_GROWN * len(word):
        return None
    return _spelled_out(_bare(romanise(bare)))


def _in_lower_case(compatible: str) -> str:
    """Text in one case without accents, imitated and ligated letters as the Latin ones that they stand for."""
    return _bare(compatible.casefold()).translate(PRESENTED).translate(LATIN_LETTERS)


_KEPT_SCRIPTS = (
    "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff"  # Hebrew, Arabic
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Korean
    "\u3005-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"  # Japanese, Chinese
)
_SPELLED_OUT = re.compile(f"[^\\x00-\\x7f{_KEPT_SCRIPTS}]+")


def _spelled_out(text: str) -> str:
    """Text with every script in Latin letters but those that are compared as they are written: Chinese, Japanese and
    Korean, and those that leave vowels out."""
    if text.isascii():
        return text
    return simplified(_SPELLED_OUT.sub(lambda found: _latin(found.group()), text))[:LONGEST_NAME]


def _latin(run: str) -> str:
    """The letters of a run in Latin ones; signs and symbols stay, since some have names that read like words."""
    groups = groupby(run, key=lambda char: unicodedata.category(char)[0] in "LMN")
    return "".join(anyascii("".join(chars)).lower() if letters else "".join(chars) for letters, chars in groups)


_OVERRIDE = re.compile("[\u202e\u2067]([^\u202c\u2069]*)[\u202c\u2069]?")


def _reversed_overrides(text: str) -> str:
    """Text inside a right-to-left override as it is seen: `\\u202eiewauH` shows Huawei."""
    if not _OVERRIDE.search(text):
        return text
    return _OVERRIDE.sub(lambda found: found[1][::-1] if found[0][0] == "\u202e" else found[1], text)


def _visible(text: str) -> str:
    """Text without invisible characters, surrogates and variation selectors, and with short runs of marks only."""
    if text.isprintable() and not any(map(unicodedata.combining, text)) and _INVISIBLE_LETTERS.isdisjoint(text):
        return text
    kept: list[str] = []
    run = 0
    for char in text:
        if char < "\u0300":
            run = 0
            kept.append(char if char != "\u00ad" else "")
            continue
        run = run + 1 if unicodedata.combining(char) else 0
        invisible = unicodedata.category(char) in {"Cf", "Cs", "Co", "Cn"} or char in _INVISIBLE_LETTERS
        if not invisible and run <= LONGEST_COMBINING_RUN:
            kept.append(char)
    return "".join(kept)


_SELECTORS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))
_INVISIBLE_LETTERS = frozenset("™®©℠\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | _SELECTORS
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")


def _bare(text: str) -> str:
    """Text without accents, vowel points and the lengthening stroke of Arabic, composed again."""
    if text.isascii():
        return text
    kept_short = text.replace("й", "\ue000").replace("ї", "\ue001").replace("ў", "\ue002")
    bare = _MARKS.sub("", unicodedata.normalize("NFD", kept_short))
    restored = bare.replace("\ue000", "й").replace("\ue001", "ї").replace("\ue002", "ў")
    return unicodedata.normalize("NFC", restored)


_APOSTROPHE = frozenset("'`´‘’ʻʼ′ʹ״׳")
_APOSTROPHES = re.compile("(?<=\\w)['`´‘’ʻʼ′ʹ״׳]|['`´‘’ʻʼ′ʹ](?=\\w)")
_SYMBOLS = re.compile(r"\$(?=[$a-z])|(?<=\w)@(?=\w)(?!\S+\.[a-z]{2,}\b)")
_DOTTED = re.compile(r"(?<!\w)\w(?:\.\w)+(?!\w)\.?")
_WORDS = re.compile(r"[^\W_]+")
_SINGLES = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_])+(?!\S)")


def _words(folded: str) -> tuple[str, ...]:
    """Words of letters and digits; dotted and spaced initials are one word (`s.i.s.`, `d o o`)."""
    if "$" in folded or "@" in folded:
        folded = _SYMBOLS.sub(lambda found: {"$": "s", "@": "a"}[found.group()], folded)
    if "." in folded:
        folded = _DOTTED.sub(lambda found: found.group().replace(".", ""), folded)
    # Two patterns look around every letter, and are asked only where they may find something.
    bare = folded if _APOSTROPHE.isdisjoint(folded) else _APOSTROPHES.sub("", folded)
    found = _WORDS.findall(bare.replace("&", " and "))
    if min(map(len, found), default=0) == 1:
        found = _SINGLES.sub(lambda run: run.group().replace(" ", ""), " ".join(found)).split()
    if folded.isascii():
        return tuple(found)
    return tuple(part for word in found for part in ((word,) if word.isascii() else parts_of(word)))
