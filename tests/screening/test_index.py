"""The index, beside a scan of every name."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.screening import index as tuning
from kyc_gate.screening.grams import grams_of, grams_of_all
from kyc_gate.screening.index import GramIndex

Words = tuple[str, ...]

WORDS = st.text(alphabet="abcdé华", min_size=1, max_size=6)
NAMES = st.lists(st.lists(WORDS, min_size=1, max_size=4).map(tuple), min_size=1, max_size=60, unique=True)
QUERY = st.dictionaries(WORDS, st.floats(0, 1), min_size=1, max_size=4)


def texts(names: list[Words]) -> list[str]:
    """Return names as the index takes them: their words joined by blanks."""
    return [" ".join(name) for name in names]


def shares(names: list[Words], query: dict[str, float]) -> list[float]:
    """What part of the query's information each name shares, by the definition and nothing else."""
    sets = [grams_of(name) for name in names]
    counts = Counter(gram for grams in sets for gram in grams)
    tells = {}
    for word, weight in query.items():
        for gram in grams_of([word]):
            rare = math.log1p(len(names) / counts[gram]) if counts[gram] else math.log1p(len(names))
            tells[gram] = max(tells.get(gram, 0.0), rare * max(weight, tuning.LEAST_WEIGHT))
    whole = sum(tells.values())
    return [sum(told for gram, told in tells.items() if gram in grams) / whole for grams in sets]


@pytest.mark.parametrize(
    "room", [pytest.param((16, 48, 2_000_000), id="as-shipped"), pytest.param((1, 2, 30), id="cut")]
)
@settings(max_examples=150, deadline=None)
@given(names=NAMES, query=QUERY)
def test_the_recall_bound_holds_against_a_scan_of_every_name(
    room: tuple[int, int, int], names: list[Words], query: dict[str, float]
) -> None:
    """Every name that shares at least the bound is among the candidates, also where a limit cuts them short."""
    index = GramIndex(GramIndex.arrays_of(texts(names)))
    with pytest.MonkeyPatch.context() as limits:
        for name, value in zip(("KEPT", "MOST_KEPT", "MOST_READ"), room, strict=True):
            limits.setattr(tuning, name, value)
        found = index.nearest(query)
    met = set(found.numbers)
    assert len(met) == len(found.numbers) <= room[1]
    missed = [share for number, share in enumerate(shares(names, query)) if number not in met]
    bound = found.bound(len(met))
    assert bound is None or max(missed, default=0.0) < bound
    if bound is None:
        assert max(missed) > 0.999


@settings(max_examples=100, deadline=None)
@given(names=NAMES, query=QUERY)
def test_nothing_near_is_left_out(names: list[Words], query: dict[str, float]) -> None:
    """Where no limit cuts the candidates short, the bound is no higher than the share that is promised."""
    found = GramIndex(GramIndex.arrays_of(texts(names))).nearest(query)
    bound = found.bound(len(found.numbers))
    assert bound is not None
    assert bound <= tuning.SHARE + 0.0002


@settings(max_examples=100, deadline=None)
@given(names=NAMES)
def test_grams_in_bulk_are_the_grams_of_each(names: list[Words]) -> None:
    """The grams that are found for all names at once are those of each name alone."""
    ((grams, counts),) = grams_of_all(texts(names))
    parts, start = [], 0
    for count in counts.tolist():
        parts.append(grams[start : start + count].tolist())
        start += count
    assert [set(part) for part in parts] == [grams_of(name) for name in names]
    assert all(len(part) == len(set(part)) for part in parts)


@settings(max_examples=100, deadline=None)
@given(names=NAMES, query=QUERY, seed=st.randoms(use_true_random=False))
def test_the_order_of_names_does_not_matter(names: list[Words], query: dict[str, float], seed: object) -> None:
    """The same names in another order give the same candidates and the same bound."""
    mixed = list(names)
    seed.shuffle(mixed)  # type: ignore[attr-defined]
    one = GramIndex(GramIndex.arrays_of(texts(names))).nearest(query)
    other = GramIndex(GramIndex.arrays_of(texts(mixed))).nearest(query)
    if len(names) <= tuning.KEPT:
        assert {names[number] for number in one.numbers} == {mixed[number] for number in other.numbers}
    assert one.bound(8) == other.bound(8)


def test_no_names_at_all() -> None:
    """An empty list has no candidates, and nothing was left out."""
    assert GramIndex(GramIndex.arrays_of([])).nearest({"huawei": 1.0}).numbers == []


@settings(max_examples=100, deadline=None)
@given(names=NAMES, query=QUERY, compared=st.integers(0, 20))
def test_the_bound_rises_with_what_is_left_uncompared(
    names: list[Words], query: dict[str, float], compared: int
) -> None:
    """Where only the first candidates are compared, the bound is true of those."""
    found = GramIndex(GramIndex.arrays_of(texts(names))).nearest(query)
    met = set(found.numbers[:compared])
    missed = [share for number, share in enumerate(shares(names, query)) if number not in met]
    bound = found.bound(compared)
    assert bound is None or max(missed, default=0.0) < bound
