"""The comparison of two names: its score, and its explanation as a clause and word by word."""

from __future__ import annotations

from kyc_gate.model.match import WordPair
from kyc_gate.model.record import Record
from kyc_gate.names.alignment import Alignment
from kyc_gate.names.guards import Guard


class Comparison(Record):
    """A score from 0.0 to 1.0, and an explanation that names both strings, in a clause and word by word."""

    score: float
    explanation: str
    pairs: tuple[WordPair, ...] = ()
    only_asked: tuple[str, ...] = ()
    only_listed: tuple[str, ...] = ()
    guard: Guard | None = None
    version: str = ""


def pairs_as_data(found: Alignment) -> tuple[WordPair, ...]:
    """Return the pairs of an alignment as records."""
    return tuple(
        WordPair(asked=" ".join(pair.asked), listed=" ".join(pair.listed), share=round(pair.share, 4), how=pair.how)
        for pair in found.pairs
    )


def said_of(found: Alignment, guard: Guard | None) -> str:
    """Return which words agreed and how, which stood alone, and which guard held, in one clause."""
    if not found.pairs:
        return "no word agrees"
    if not found.only_asked and not found.only_listed and all(pair.how == "same" for pair in found.pairs):
        said = "the same words"
    else:
        said = ", ".join(
            pair.asked if pair.asked == pair.listed else f"{pair.asked} ~ {pair.listed} ({pair.how})"
            for pair in pairs_as_data(found)
        )
        if found.only_asked:
            said += f"; only asked: {' '.join(found.only_asked)}"
        if found.only_listed:
            said += f"; only listed: {' '.join(found.only_listed)}"
    return f"{said}; {guard.reason}" if guard else said
