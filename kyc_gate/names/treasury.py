"""What Treasury's own search would score: a column to compare with, never a score to decide by.

OFAC FAQ 249 describes it: a Jaro-Winkler similarity of the whole text, and of each word with its best counterpart.
The published scores fit the variant that adds the bonus for a shared beginning at any similarity.
"""

from __future__ import annotations

import re

from rapidfuzz.distance import Jaro, Prefix

LONGEST_PREFIX = 5
PREFIX_BONUS = 0.1
"""Winkler's bonus, for one letter more than he gives it: of 4 to 6, the length that fits the published scores best."""

LEAST = 0.5
"""A pair of words below this does not count."""

SHORTEST = 3
"""Letters of a query word that is looked at; shorter ones are left out."""

_WORDS = re.compile(r"[a-z0-9]+")


def treasury_score(query: str, target: str) -> int:
    """Return about what Treasury's search shows for the pair, 0 to 100. Latin letters only, as there."""
    asked, listed = (_WORDS.findall(text.casefold().replace("'", "")) for text in (query, target))
    words = [word for word in asked if len(word) >= SHORTEST] or asked
    if not words or not listed:
        return 0
    whole = _similarity(query.casefold(), target.casefold()) if asked[0][0] == listed[0][0] else 0.0
    each = [max((_similarity(word, other) for other in listed), default=0.0) for word in words]
    parts = sum(share if share >= LEAST else 0.0 for share in each) / len(each)
    return round(100 * max(whole, parts))


def _similarity(one: str, other: str) -> float:
    share: float = Jaro.similarity(one, other)
    prefix: int = Prefix.similarity(one[:LONGEST_PREFIX], other)
    return share + PREFIX_BONUS * prefix * (1 - share)
