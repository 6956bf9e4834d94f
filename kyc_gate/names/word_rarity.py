"""How rare each word is on the lists, beside how much it tells anywhere."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from kyc_gate.names.common_words import is_generic, is_known

RARE = 3
"""Names that may share a word before it tells less."""

FALL = 0.12
"""What a word loses each time that twice as many names share it."""

LEAST = 0.3
"""What a word keeps, however many names share it."""

BRAND = 0.5
"""Share of its names in which a word stands beside other names: a brand stands among generic words."""

BRAND_KEEPS = 0.9
"""What a brand keeps: a group with a hundred listed firms is no less itself."""


def rarity_of_words(names: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """Return how much its frequency on the lists leaves of what a word tells, 0 to 1; rare words are left out."""
    counts = Counter(word for name in names for word in set(name))
    often = {word: count for word, count in counts.items() if count > RARE}
    beside: Counter[str] = Counter()
    for name in names:
        telling = {word for word in name if not is_generic(word)}
        if len(telling) > 1:
            beside.update(telling & often.keys())
    return {word: _left(word, count, beside[word] / count) for word, count in often.items()}


def _left(word: str, count: int, beside: float) -> float:
    left = max(LEAST, 1 - FALL * math.log2(count / RARE))
    return max(left, BRAND_KEEPS) if beside < BRAND and not is_known(word) else left
