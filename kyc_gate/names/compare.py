"""Two names compared word by word: a score, and which words agreed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rapidfuzz.distance import OSA

from kyc_gate.model.record import Record
from kyc_gate.names.common_words import told_by
from kyc_gate.names.normalize import NormalizedName, normalize_name

UNMATCHED_QUERY = 0.6
"""What an unmatched word of the query costs, as a share of its weight: `Huawei Cloud` is still near `Huawei`."""

UNMATCHED_LISTED = 0.35
"""What an unmatched word of the listed name costs: people shorten names more often than they lengthen them."""

JOINED = 0.97
"""Similarity of names that differ only in where their blanks are, such as `Gazprom Bank` and `Gazprombank`."""

SHORTEST_JOINED = 5
"""Letters that two names must share before blanks are disregarded: shorter runs agree by chance."""

Weight = Callable[[str], float]


class Comparison(Record):
    """A score from 0.0 to 1.0 and an explanation that names both strings."""

    score: float
    explanation: str


def compare_names(query: str, target: str) -> Comparison:
    """Return how much `query` looks like `target`. An unusable name scores 0."""
    return compare_normalized(normalize_name(query), normalize_name(target), query=query, target=target)


def compare_normalized(
    asked: NormalizedName, listed: NormalizedName, *, query: str, target: str, weight: Weight = told_by
) -> Comparison:
    """Return the comparison of two names in comparison form; `query` and `target` are what people wrote.

    `weight` says how much a word tells (0 to 1): a rare one more than a common one.
    """
    if not asked.usable or not listed.usable:
        return Comparison(score=0.0, explanation=f"`{query}` and `{target}`: nothing to compare")
    score, said = compare_words(asked.core, listed.core, weight)
    return Comparison(score=score, explanation=f"`{query}` and `{target}`: {said}")


def compare_words(asked: Sequence[str], listed: Sequence[str], weight: Weight) -> tuple[float, str]:
    """Return the score of two lists of words, and what agreed and what did not, in one clause."""
    if tuple(asked) == tuple(listed):
        return 1.0, "the same words"
    if sorted(asked) == sorted(listed):
        return 0.99, "the same words in another order"
    joined, other = "".join(asked), "".join(listed)
    if joined == other and len(joined) >= SHORTEST_JOINED:
        return JOINED, "the same letters, spaced otherwise"
    return _aligned(tuple(dict.fromkeys(asked)), tuple(dict.fromkeys(listed)), weight)


def _aligned(asked: Sequence[str], listed: Sequence[str], weight: Weight) -> tuple[float, str]:
    """Return the score of the best pairing of words, taken greedily from the most similar pair."""
    pairs = _pairs(asked, listed)
    if not pairs:
        return 0.0, "no word agrees"
    agreed = missing = 0.0
    for first, second, similarity in pairs:
        heavy = max(weight(asked[first]), weight(listed[second])) if similarity < 1 else weight(asked[first])
        agreed += heavy * similarity
        missing += heavy * (1 - similarity)
    left = [word for index, word in enumerate(asked) if index not in {first for first, _, _ in pairs}]
    absent = [word for index, word in enumerate(listed) if index not in {second for _, second, _ in pairs}]
    missing += UNMATCHED_QUERY * sum(map(weight, left)) + UNMATCHED_LISTED * sum(map(weight, absent))
    said = ", ".join(_paired(asked[first], listed[second]) for first, second, _ in sorted(pairs))
    if left:
        said += f"; only asked: {' '.join(left)}"
    if absent:
        said += f"; only listed: {' '.join(absent)}"
    return agreed / (agreed + missing), said


def _pairs(asked: Sequence[str], listed: Sequence[str]) -> list[tuple[int, int, float]]:
    found = [
        (similarity, first, second)
        for first, one in enumerate(asked)
        for second, other in enumerate(listed)
        if (similarity := _similarity(one, other)) > 0
    ]
    pairs: list[tuple[int, int, float]] = []
    taken: set[int] = set()
    used: set[int] = set()
    for similarity, first, second in sorted(found, key=lambda pair: (-pair[0], abs(pair[1] - pair[2]))):
        if first not in taken and second not in used:
            taken.add(first)
            used.add(second)
            pairs.append((first, second, similarity))
    return pairs


def _similarity(one: str, other: str) -> float:
    """Return 1.0 for the same word, less for one within its budget of slips, and 0.0 beyond.

    A slip is a letter more, less, other, or swapped with its neighbour. Digits never slip: a number is another number.
    """
    if one == other:
        return 1.0
    longest = max(len(one), len(other))
    budget = _slips(min(len(one), len(other)))
    if abs(len(one) - len(other)) > budget or budget == 0:
        return 0.0
    if _digits(one) != _digits(other):
        return 0.0
    slips = OSA.distance(one, other, score_cutoff=budget)
    return 0.0 if slips > budget else 1.0 - slips / longest


def _slips(length: int) -> int:
    """Return how many slips a word of this many letters may have: none below four, then one in about four letters."""
    return 0 if length < 4 else 1 if length < 7 else 2 if length < 11 else 3


def _digits(word: str) -> str:
    return "" if word.isalpha() else "".join(char for char in word if char.isdigit())


def _paired(one: str, other: str) -> str:
    return one if one == other else f"{one} ~ {other}"
