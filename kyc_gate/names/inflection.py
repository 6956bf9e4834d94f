"""English endings, taken off: `industries` and `industry` are one word."""

from __future__ import annotations

_KEEPS_ITS_S = ("ss", "us", "is", "as", "os")


def stem(word: str) -> str:
    """Return a word of plain letters without the ending of its plural. Stemming twice changes nothing."""
    if len(word) < 5 or not word.endswith("s") or word.endswith(_KEEPS_ITS_S):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1]
