"""Every name that a snapshot lists, in comparison form, each form once, and the entries that go by it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.names.normalize import forget_parts, normalize_name
from kyc_gate.names.variants import listed_forms
from kyc_gate.names.word_rarity import rarity_of_words
from kyc_gate.screening.bones import in_abjad
from kyc_gate.screening.grams import Words
from kyc_gate.screening.index import Array, Arrays


class ListedName(NamedTuple):
    """A name as its list writes it: the entry it belongs to, and whether the list calls it a weak alias."""

    entry: ListEntry
    name: str
    weak: bool


class ListedNames:
    """The comparison forms of all names of `snapshot`, by number. `unusable` counts names with nothing to compare.

    `has_abjad` says whether any is in a script that leaves vowels out.
    """

    def __init__(self, snapshot: ListSnapshot, arrays: Arrays) -> None:
        self._entries = snapshot.entries
        self._text = memoryview(arrays["core_text"])  # type: ignore[arg-type]
        self._ends: NDArray[np.int64] = arrays["core_ends"]  # type: ignore[assignment]
        self._starts: NDArray[np.int64] = arrays["owner_starts"]  # type: ignore[assignment]
        self._owners: NDArray[np.int32] = arrays["owners"]  # type: ignore[assignment]
        self._aliases: NDArray[np.int32] = arrays["owner_aliases"]  # type: ignore[assignment]
        self._rare_words, self._rare_left = arrays["frequent_words"], arrays["frequent_left"]
        self.unusable, self.has_abjad = int(arrays["told_of_all"][0]), bool(arrays["told_of_all"][1])

    def __len__(self) -> int:
        """Return how many comparison forms there are."""
        return len(self._ends) - 1

    def words(self, number: int) -> Words:
        """Return the words of a comparison form."""
        return tuple(str(self._text[self._ends[number] : self._ends[number + 1]], "utf-8").split(" "))

    def rarity(self) -> dict[str, float]:
        """Return how much its frequency on the lists leaves of what a word tells, 0 to 1; rare words are left out."""
        words = bytes(self._rare_words).decode().split(" ")
        return dict(zip(words, self._rare_left.tolist(), strict=False))

    def all_words(self) -> Iterator[Words]:
        """Return the words of every comparison form, in order."""
        text, ends = bytes(self._text), self._ends.tolist()
        return (tuple(text[ends[n] : ends[n + 1]].decode().split(" ")) for n in range(len(self)))

    def names(self, number: int) -> Iterator[ListedName]:
        """Return every listed name of this comparison form."""
        for place in range(self._starts[number], self._starts[number + 1]):
            entry = self._entries[self._owners[place]]
            alias = self._aliases[place]
            if alias:
                known = entry.aliases[alias - 1]
                yield ListedName(entry, known.name, known.weak)
            else:
                yield ListedName(entry, entry.name, False)


def listed_arrays(snapshot: ListSnapshot) -> tuple[list[str], dict[str, Array]]:
    """Return the distinct comparison forms of all names, words joined by blanks, and the arrays of `ListedNames`."""
    known: dict[str, int] = {}
    forms, owners, aliases = array("i"), array("i"), array("i")
    unusable = 0
    for place, entry in enumerate(snapshot.entries):
        for alias, name in enumerate((entry.name, *(alias.name for alias in entry.aliases))):
            cores = listed_forms(name, normalize_name(name))
            unusable += not cores
            for core in cores:
                forms.append(known.setdefault(" ".join(core), len(known)))
                owners.append(place)
                aliases.append(alias)
    forget_parts()
    # In alphabetical order, so that the numbers, and what ties fall on, do not depend on the order of entries.
    ordered = sorted(known)
    places = np.empty(len(ordered), dtype=np.int32)
    places[np.fromiter(map(known.__getitem__, ordered), dtype=np.int32, count=len(ordered))] = np.arange(len(ordered))
    del known
    return ordered, {
        **_text_arrays(ordered),
        **_owner_arrays(places[np.array(forms)], owners, aliases, len(ordered)),
        **_rarity_arrays(rarity_of_words(text.split(" ") for text in ordered)),
        "told_of_all": np.array([unusable, any(map(_has_abjad, ordered))], dtype=np.int64),
    }


def _has_abjad(text: str) -> bool:
    return not text.isascii() and in_abjad(text.split(" "))


def _text_arrays(texts: Sequence[str]) -> dict[str, Array]:
    whole = "".join(texts)
    lengths = map(len, texts) if whole.isascii() else (len(text.encode()) for text in texts)
    ends = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(lengths, dtype=np.int64, count=len(texts)), out=ends[1:])
    return {"core_text": np.frombuffer(whole.encode(), dtype=np.uint8), "core_ends": ends}


def _rarity_arrays(rarity: Mapping[str, float]) -> dict[str, Array]:
    text = np.frombuffer(" ".join(rarity).encode(), dtype=np.uint8)
    return {"frequent_words": text, "frequent_left": np.array(list(rarity.values()), dtype=np.float64)}


def _owner_arrays(
    forms: NDArray[np.int32], owners: Sequence[int], aliases: Sequence[int], size: int
) -> dict[str, Array]:
    order = np.argsort(forms, kind="stable")
    starts = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(forms, minlength=size), out=starts[1:])
    return {
        "owner_starts": starts,
        "owners": np.array(owners, dtype=np.int32)[order],
        "owner_aliases": np.array(aliases, dtype=np.int32)[order],
    }
