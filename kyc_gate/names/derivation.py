"""Words made of others by their endings: English doers and doings, and Russian adjectives of places."""

from __future__ import annotations

from kyc_gate.names.common_words import is_english

_MADE_BY = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ions",
    "ion",
    "ings",
    "ing",
    "ants",
    "ant",
    "ers",
    "ors",
    "er",
    "or",
    "es",
    "s",
)
SHORTEST_ROOT = 5
"""Letters of a root: shorter ones are roots of words that have nothing to do with each other."""

_ADJECTIVES = ("skiy", "skii", "skij", "sky", "ski", "skaya", "skaia", "skoye", "skoe", "skogo", "skie")
SHORTEST_PLACE = 4
"""Letters of a place or a name that has an adjective."""


def is_adjective(asked: str, listed: str) -> bool:
    """Return whether one word is the Russian adjective of the other, a place or a name: `Azovsky` of `Azov`."""
    short, whole = sorted((asked, listed), key=len)
    if len(short) < SHORTEST_PLACE:
        return False
    root = next((whole.removesuffix(each) for each in _ADJECTIVES if whole.endswith(each)), None)
    return root is not None and (root == short or (short.startswith(root) and len(short) - len(root) == 1))


def is_derived(asked: str, listed: str) -> bool:
    """Return whether two English words are made of one: `managing` and `management`."""
    short, whole = sorted((asked, listed), key=len)
    longer = len(short) >= 6 and len(whole) - len(short) <= 4 and whole.startswith(short[:-1])
    return (longer or _root(short) == _root(whole)) and is_english(short) and is_english(whole)


def _root(word: str) -> str:
    """Return an English word without what makes it a doer, a doing or what is done; itself where little is left."""
    for ending in _MADE_BY:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_ROOT:
            return word.removesuffix(ending).removesuffix("e")
    return word.removesuffix("e")
