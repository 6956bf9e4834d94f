"""Numbers in names: digits, ordinals, and numbers spelled out in English."""

from __future__ import annotations

import re

_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th|y|go|aya)")

_SMALL = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen first second third fourth fifth sixth seventh eighth ninth tenth".split(),
        [*range(20), *range(1, 11)],
        strict=True,
    )
)
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))


def as_number(word: str) -> str:
    """Return an ordinal or a number in words as its digits (`54th` as `54`), and every other word as it is."""
    if not word[:1].isdigit():
        value = _SMALL.get(word, _TENS.get(word))
        return word if value is None else str(value)
    found = _ORDINAL.fullmatch(word)
    return found[1] if found else word


def with_numbers(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words with spelled-out numbers as digits: `three sixty` is `360`, `fifty four` is `54`."""
    left: list[str] = []
    before = None
    for word in words:
        value = _SMALL.get(word, _TENS.get(word))
        if value is None and before in _TENS.values() and len(word) == 1 and word in "123456789":
            value = int(word)
        if value is None:
            left.append(word)
        elif before is None:
            left.append(str(value))
        elif before in _TENS.values() and 0 < value < 10:
            left[-1] = str(int(left[-1]) + value)
        else:
            left[-1] += str(value)
        before = value
    return tuple(left)
