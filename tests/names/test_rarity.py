"""How rare a score is."""

from __future__ import annotations

from kyc_gate.names.rarity import clean_per_million, said_of_rarity


def test_higher_scores_are_rarer() -> None:
    """The share of clean parties falls as the score rises, and never below what could be counted."""
    shares = [clean_per_million(score / 100) for score in range(101)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] > 0


def test_the_clause_has_the_number() -> None:
    """The sentence says the number."""
    assert f"{clean_per_million(0.9):,.0f} clean parties in a million" in said_of_rarity(0.9)
