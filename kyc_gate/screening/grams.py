"""Runs of three letters, as numbers: what the index knows of a word."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

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

_CHUNK = 50_000
"""Names whose grams are found at once: about 50 MB of working memory."""

Words = tuple[str, ...]
_TABLE = np.zeros(256, dtype=np.int32)
_TABLE[[ord(symbol) for symbol in _SYMBOLS]] = np.arange(_BASE, dtype=np.int32)


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


def grams_of_all(names: Sequence[Words]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the grams of every name, one after the other and each once, and how many each name has."""
    parts: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.int64]] = []
    for start in range(0, len(names), _CHUNK):
        grams, count = _chunk(names[start : start + _CHUNK])
        parts.append(grams)
        counts.append(count)
    if not parts:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
    return np.concatenate(parts), np.concatenate(counts)


def _chunk(names: Sequence[Words]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    texts = [f"^{'$^'.join(words)}$" for words in names]
    plain = [_is_plain(text) for text in texts]
    keys = [_plain_keys([text if is_plain else "" for text, is_plain in zip(texts, plain, strict=True)])]
    for number, is_plain in enumerate(plain):
        if not is_plain:
            grams = np.fromiter(grams_of(names[number]), dtype=np.int64)
            keys.append(grams + number * GRAMS)
    every = np.sort(np.concatenate(keys))
    fresh = np.ones(len(every), dtype=bool)
    fresh[1:] = every[1:] != every[:-1]
    every = every[fresh]
    owners = every // GRAMS
    return (every - owners * GRAMS).astype(np.int32), np.bincount(owners, minlength=len(names))


_OTHER = str.maketrans("", "", _SYMBOLS)


def _is_plain(text: str) -> bool:
    return text.isascii() and not text.translate(_OTHER)


def _plain_keys(texts: list[str]) -> NDArray[np.int64]:
    """Return owner and gram, as one number, of each run of three letters within a word."""
    letters = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8)
    if len(letters) < 3:
        return np.zeros(0, dtype=np.int64)
    numbers = _TABLE[letters]
    runs = (numbers[:-2] * _BASE + numbers[1:-1]) * _BASE + numbers[2:]
    within = (letters[:-2] != ord("$")) & (letters[1:-1] != ord("$"))
    owners = np.repeat(np.arange(len(texts), dtype=np.int64), [len(text) for text in texts])[:-2]
    keys: NDArray[np.int64] = owners[within] * GRAMS + runs[within]
    return keys
