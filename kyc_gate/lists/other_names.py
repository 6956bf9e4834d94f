"""Names under which a listed organisation is known elsewhere: what one list tells of it holds on every other list, too.

A list names a company once, in its own way; customers write its brand, its translation, another romanisation. The table
is built by `tools/build_other_names.py` from lists in the public domain and from public knowledge.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from msgspec.structs import replace

from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.names.common_words import is_generic
from kyc_gate.names.legal_forms import ARTICLES, without_legal_forms

SEPARATOR = "\t"

SHORTEST_KEY = 6
"""Letters that a name must have for an organisation to be known by it: shorter ones are several organisations'."""

MOST_WORDS = 12
"""Words of a name that is looked up. Longer ones are sentences, and nobody's other name."""

_WORD = re.compile(r"\w+")


def key_of(name: str) -> str:
    """Return what two spellings of one organisation's name share: its words in lower case, without legal forms."""
    return " ".join(without_legal_forms(tuple(_WORD.findall(name.casefold()))))


def with_other_names(entry: ListEntry) -> ListEntry:
    """Return `entry` with the names that other sources give the same organisation, as aliases that name their source.

    It is the same where one of its own names is, legal forms aside. A person is never looked up. A single word is a
    weak alias: it is a brand at best.
    """
    if entry.kind is PartyKind.PERSON:
        return entry
    own = {key_of(name) for name in (entry.name, *(alias.name for alias in entry.aliases))}
    added = tuple(_others(own))
    return replace(entry, aliases=(*entry.aliases, *added)) if added else entry


def _others(own: set[str]) -> Iterator[Alias]:
    table = _table()
    known = set(own)
    for key in sorted(own):
        for source, names in table.get(key, ()):
            for name in names:
                other = key_of(name)
                if other and other not in known:
                    known.add(other)
                    yield Alias(name=name, weak=" " not in other, kind=f"other name ({source})")


def _names_one(key: str) -> bool:
    """Return whether a key is one organisation's: no short word, no sentence, not two words that many share."""
    words = key.split()
    telling = [word for word in words if word not in ARTICLES]
    return (
        len(key) >= SHORTEST_KEY and len(words) <= MOST_WORDS and (len(telling) > 2 or not all(map(is_generic, words)))
    )


@cache
def _table() -> Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Organisations by each of their keys, with the source that tells their names."""
    packed = files("kyc_gate.lists").joinpath("data", "other_names.txt.gz").read_bytes()
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        source, *names = line.split(SEPARATOR)
        for key in {key_of(name) for name in names}:
            if _names_one(key):
                found.setdefault(key, []).append((source, tuple(names)))
    return {key: tuple(rows) for key, rows in found.items()}
