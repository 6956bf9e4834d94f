"""The table of places: a name's key to every country, subdivision and city that bears the name."""

from __future__ import annotations

import json
import mmap
import struct
from bisect import bisect_left
from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "data" / "places.bin"
MAGIC = b"KYCPLC03"
BUCKETS = 1 << 16

CITY, SUBDIVISION, COUNTRY, OBSCURE_NAME, SUBDIVISION_CODE, NAMESAKE = range(6)
"""Kinds of places. An obscure name is a country's name in a language that few parties write in; a subdivision's code
is what stands after the hyphen in ISO 3166-2. A namesake is a place abroad that somebody calls so: too small, or too
seldom called so, to be meant by a name alone, yet a reason to doubt one that is."""


LARGE = 100_000
"""People of a city that everybody means by its name."""


class Place(NamedTuple):
    """One place that a name can stand for.

    `region` is the country's alpha-2 code, or the subdivision's ISO 3166-2 code where addresses write it or it is
    occupied. `people` is the population to within a tenth, 500 for fewer; a subdivision counts as its country's average
    one. `first` tells the place's own names from those that others have for it. `capital`: of a country.
    """

    kind: int
    region: str
    people: int
    first: bool
    capital: bool = False

    @property
    def country(self) -> str:
        """The country's alpha-2 code."""
        return self.region[:2]

    @property
    def renown(self) -> int:
        """How many people the name is known like: a capital is known like a large city, however few live there."""
        return max(self.people, LARGE) if self.capital else self.people


def pack(kind: int, region: int, step: int, *, first: bool, capital: bool) -> int:
    """Return a place as the table holds it: 3 bits, 9 bits, 6 bits, and 1 bit each."""
    return kind | region << 3 | step << 12 | first << 18 | capital << 19


def print_of(key: str) -> int:
    """Return 48 bits of the digest of a name's key."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big")


class Gazetteer:
    """The table, mapped into memory and read where a question leads: about 5 MB, of which few pages are touched."""

    def __init__(self, file: Path = TABLE) -> None:
        """Open the table. Raises `ValueError` where the file is not one."""
        with file.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        if mapped[:8] != MAGIC:
            raise ValueError(f"`{file}` is not a table of places")
        (length,) = struct.unpack_from("<Q", mapped, 8)
        header = json.loads(mapped[16 : 16 + length])
        self.sources: dict[str, str] = header["sources"]
        self.names: int = header["names"]
        self.digest: str = header["sha256"]
        self._regions: list[str] = header["regions"]
        view, offset = memoryview(mapped), 16 + length
        sections: dict[str, memoryview] = {}
        for name, size in header["sections"].items():
            sections[name] = view[offset : offset + size].cast("H" if name == "answers" else "I")
            offset += size + -size % 8
        self.places: Callable[[str], tuple[Place, ...]] = lru_cache(maxsize=8192)(self._found)
        """Every place that bears the name with a key, or none; words of addresses come again and again."""
        self._known: dict[int, Place] = {}
        self._buckets, self._prints = sections["buckets"], sections["prints"]
        self._answers, self._starts, self._places = sections["answers"], sections["starts"], sections["places"]

    def _found(self, key: str) -> tuple[Place, ...]:
        print_ = print_of(key)
        bucket, low = print_ >> 32, print_ & 0xFFFFFFFF
        end = self._buckets[bucket + 1]
        at = bisect_left(self._prints, low, self._buckets[bucket], end)
        if at == end or self._prints[at] != low:
            return ()
        answer = self._answers[at]
        return tuple(self._place(packed) for packed in self._places[self._starts[answer] : self._starts[answer + 1]])

    def _place(self, packed: int) -> Place:
        place = self._known.get(packed)
        if place is None:  # a few thousand distinct ones at most
            people = round(500 * 2 ** ((packed >> 12 & 63) / 4))
            place = Place(
                packed & 7, self._regions[packed >> 3 & 511], people, bool(packed >> 18 & 1), bool(packed >> 19 & 1)
            )
            self._known[packed] = place
        return place


@cache
def gazetteer() -> Gazetteer:
    """Return the shipped table, opened at the first question."""
    return Gazetteer()
