"""Runs of three letters, as numbers: what the index knows of a word."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_SYMBOLS = "^$0123456789abcdefghijklmnopqrstuvwxyz"
_BASE = len(_SYMBOLS)
_NUMBER = {symbol: number for number, symbol in enumerate(_SYMBOLS)}
_PLAIN = frozenset(_SYMBOLS[2:])
_RUNS = _BASE**3

_BUCKETS = 1 << 17
"""Grams of other scripts share this many numbers. Two that fall together only make the index less choosy."""

GRAMS = _RUNS + _BUCKETS
"""How many numbers there are."""

_BITS = 18
_CHUNK = 1 << 32 - _BITS
"""Names whose grams are found at once: as many as can be told apart beside a gram in a number of 32 bits."""

Words = tuple[str, ...]
_TABLE = np.zeros(256, dtype=np.uint32)
_TABLE[[ord(symbol) for symbol in _SYMBOLS]] = np.arange(_BASE, dtype=np.uint32)


def grams_of(words: Iterable[str]) -> set[int]:
    """Return the grams of each word: runs of three letters, ends marked; in other scripts, letters and pairs."""
    found: set[int] = set()
    for word in words:
        if _PLAIN.issuperset(word):
            numbers = [0, *(_NUMBER[letter] for letter in word), 1]
            found.update(
                (one * _BASE + two) * _BASE + three
                for one, two, three in zip(numbers, numbers[1:], numbers[2:], strict=False)
            )
        else:
            found.update(map(_bucket, word))
            found.update(_bucket(word[start : start + 2]) for start in range(len(word) - 1))
    return found


def _bucket(gram: str) -> int:
    # crc32 and not hash(): the same on every machine and in every process.
    return _RUNS + zlib.crc32(gram.encode("utf-8", "surrogatepass")) % _BUCKETS


def grams_of_all(names: Sequence[str]) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Yield the grams of the names, given as words joined by blanks, and how many each name has, a chunk at a time.

    The grams of a name stand together, in order, each once.
    """
    for start in range(0, len(names), _CHUNK):
        yield _chunk(names[start : start + _CHUNK])


def _chunk(names: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    texts = [f"^{name}$".replace(" ", "$^") for name in names]
    strange = [number for number, text in enumerate(texts) if not _is_plain(text)]
    for number in strange:
        texts[number] = ""
    keys = [_plain_keys(texts)]
    for number in strange:
        grams = np.fromiter(grams_of(names[number].split(" ")), dtype=np.int64)
        keys.append((grams | number << _BITS).astype(np.uint32))
    every = np.sort(np.concatenate(keys))
    fresh = np.ones(len(every), dtype=bool)
    fresh[1:] = every[1:] != every[:-1]
    every = every[fresh]
    return (every & ((1 << _BITS) - 1)).astype(np.int32), np.bincount(every >> _BITS, minlength=len(names))


def _is_plain(text: str) -> bool:
    return text.isascii() and (_LETTERS.fullmatch(text) is not None)


_LETTERS = re.compile(f"[{re.escape(_SYMBOLS)}]*")


def _plain_keys(texts: list[str]) -> NDArray[np.uint32]:
    """Return owner and gram, as one number, of each run of three letters within a word."""
    letters = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8)
    if len(letters) < 3:
        return np.zeros(0, dtype=np.uint32)
    numbers = _TABLE[letters]
    runs = (numbers[:-2] * _BASE + numbers[1:-1]) * _BASE + numbers[2:]
    within = (letters[:-2] != ord("$")) & (letters[1:-1] != ord("$"))
    owners = np.repeat(np.arange(len(texts), dtype=np.uint32), [len(text) for text in texts])[:-2]
    keys: NDArray[np.uint32] = owners[within] << np.uint32(_BITS) | runs[within]
    return keys
