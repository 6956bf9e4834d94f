"""Parties against a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.match import Band, Lines, ScreeningOutcome
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.names.scorer import SCORER_VERSION
from kyc_gate.screening.screener import MOST_MATCHES, Screener

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def listing(*entries: ListEntry) -> ListSnapshot:
    """A snapshot of these entries."""
    return merge([ListReading(name="sample", format="test", entries=entries, problems=(), as_of=NOW)])


def entry(id: str, name: str, *aliases: str, **more: object) -> ListEntry:
    """An entry of the SDN list, unless told otherwise."""
    fields: dict[str, object] = {"list": "SDN", "aliases": tuple(Alias(name=alias) for alias in aliases), **more}
    return ListEntry(id=id, name=name, **fields)  # type: ignore[arg-type]


SAMPLE = listing(
    entry("1", "Sealed Machinery Works", "Werke Versiegelter Maschinen"),
    entry("2", "Quiet Harbour Shipping Co., Ltd.", list="EL"),
    entry("3", "Granite Peak Dynamics", kind=PartyKind.COMPANY),
)


def test_a_result_names_its_snapshot_its_scorer_and_what_it_may_have_missed() -> None:
    """A screening says against what, how and how thoroughly names were compared."""
    found = Screener(SAMPLE).screen(["Sealed Machinery Works"])
    assert (found.snapshot, found.scorer, found.as_of) == (SAMPLE.digest, SCORER_VERSION, NOW)
    assert found.recall_bound is not None
    assert 0 < found.recall_bound < 0.5


def test_an_entry_is_reported_once_by_its_best_name() -> None:
    """Of an entry's names the best one is the match; the explanation names both strings."""
    (match,) = Screener(SAMPLE).screen(["Versiegelter Maschinen Werke", "Sealed Machines"]).matches
    assert (match.entry_id, match.name) == ("1", "Werke Versiegelter Maschinen")
    assert "Versiegelter Maschinen Werke" in match.explanation
    assert "Werke Versiegelter Maschinen" in match.explanation


def test_what_was_not_screened_is_not_clear() -> None:
    """A name without a word to compare is not screened, and has no recall bound."""
    found = Screener(SAMPLE).screen(["Co., Ltd."])
    assert (found.outcome, found.recall_bound, found.complete) == (ScreeningOutcome.NOT_SCREENED, None, False)


def test_the_lines_are_those_of_list_and_kind() -> None:
    """The same score is a match on one list and clear on another, as the lines say."""
    strict, lax = Band(possible=0.5, match=0.6), Band(possible=1.0, match=1.0)
    screener = Screener(SAMPLE, lines=Lines(default=lax, lists={"EL": strict}, pairs={"SDN/company": strict}))
    assert screener.screen(["Quiet Harbor Shipping"]).outcome is ScreeningOutcome.MATCH
    assert screener.screen(["Granite Peek Dynamics"]).outcome is ScreeningOutcome.MATCH
    assert screener.screen(["Sealed Machinery Wroks"]).outcome is ScreeningOutcome.CLEAR


def test_no_list_is_crowded_out() -> None:
    """However many entries of one list resemble the name, the best entry of each other list is named too."""
    crowd = [entry(str(number), "Granite Peak Dynamics", f"Alias {number}") for number in range(MOST_MATCHES + 5)]
    found = Screener(listing(*crowd, entry("9", "Granite Peak Dynamic", list="EL"))).screen(["Granite Peak Dynamics"])
    assert len(found.matches) == MOST_MATCHES + 1
    assert {match.list for match in found.matches} == {"SDN", "EL"}


@pytest.mark.parametrize("lines", [(0.0, 0.5), (0.9, 0.8), (0.5, 1.1)])
def test_lines_that_contradict_are_refused(lines: tuple[float, float]) -> None:
    """Lines out of range or out of order raise an error that says what they must be."""
    with pytest.raises(ValueError, match="lines must be"):
        Screener(SAMPLE, possible=lines[0], match=lines[1])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.randoms(use_true_random=False), asked=st.sampled_from(["Sealed Machinery", "harbour quiet", "Peak Granit"])
)
def test_the_order_of_entries_does_not_matter(seed: object, asked: str) -> None:
    """The same entries in any order give the same answer, to the digest."""
    entries = list(SAMPLE.entries)
    seed.shuffle(entries)  # type: ignore[attr-defined]
    mixed = Screener(listing(*entries)).screen([asked])
    assert mixed == Screener(SAMPLE).screen([asked])
    unmerged = ListSnapshot(digest=SAMPLE.digest, entries=tuple(entries), lists=SAMPLE.lists, as_of=NOW)
    assert Screener(unmerged).screen([asked]) == mixed


def test_arabic_finds_latin_and_latin_finds_arabic() -> None:
    """A name in Arabic script is found by its consonants, on either side."""
    latin = Screener(listing(entry("1", "Sadiq Industrial Ahmadi"), entry("2", "Quiet Harbour")))
    arabic = Screener(listing(entry("1", "صادق احمدي"), entry("2", "Quiet Harbour")), possible=0.6)
    assert [match.entry_id for match in latin.screen(["صادق احمدي"]).matches] == ["1"]
    assert [match.entry_id for match in arabic.screen(["Sadiq Ahmadi"]).matches] == ["1"]


def test_answers_are_kept_for_equal_questions_only() -> None:
    """The same question is answered once; another name, country or identifier is another question."""
    screener = Screener(SAMPLE, remember=True)
    first = screener.screen(["Sealed Machinery Works"], country="CN")
    assert screener.screen(["Sealed Machinery Works"], country="CN") is first
    assert screener.screen(["Sealed Machinery Works"], country="DE") is not first
    assert screener.screen(["Sealed Machinery Works", "SMW"], country="CN") is not first
    assert Screener(SAMPLE).screen(["Sealed Machinery Works"], country="CN") == first


def test_a_name_in_a_crowd_is_not_complete() -> None:
    """Where more names share everything with a query than are compared, the right one may be among the rest."""
    crowd = [ListEntry(list="EL", id=str(number), name=f"Ali Ashraf {_letters(number)}") for number in range(120)]
    screener = Screener(ListSnapshot(digest="crowd", entries=tuple(crowd), lists=("EL",)))
    found = screener.screen(["Ali Ashraf"])
    assert (found.recall_bound, found.complete) == (None, False)
    assert screener.screen([f"Ali Ashraf {_letters(7)} Zubaydi"]).complete


def _letters(number: int) -> str:
    return "".join("bdfgklmnpr"[int(digit)] + "aeiou"[int(digit) % 5] for digit in f"{number:03d}")
