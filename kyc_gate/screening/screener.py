"""A party's names against one list snapshot: candidates, compared word by word, best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from kyc_gate.model.listing import Identifier, ListEntry, ListSnapshot
from kyc_gate.model.match import Band, Contribution, Lines, Match, Screening, ScreeningOutcome
from kyc_gate.model.party import PartyKind
from kyc_gate.names.common_words import COMMON_WORDS
from kyc_gate.names.evidence import NICKNAME_OF_ANOTHER_KIND, contributions_of, is_other_kind, weighed
from kyc_gate.names.normalize import NormalizedName, normalize_name
from kyc_gate.names.rarity import clean_per_million, said_of_rarity
from kyc_gate.names.scorer import SCORER_VERSION, PreparedName, Scored, Scorer
from kyc_gate.names.treasury import treasury_score
from kyc_gate.names.variants import Reading, organisation_label, readings_of
from kyc_gate.screening.asked import Asked
from kyc_gate.screening.bones import LEAST_SHARED, SkeletonIndex, in_abjad
from kyc_gate.screening.hosts import host_of, is_shared
from kyc_gate.screening.identify import IdentifierIndex
from kyc_gate.screening.index import Arrays, GramIndex, higher
from kyc_gate.screening.listed import ListedName, ListedNames, listed_arrays

POSSIBLE = 0.79
MATCH = 0.94
"""The two lines. `benchmarks/names.py` measures what they find and what they wrongly flag."""

MOST_MATCHES = 20
"""Matches that a screening names, at most, besides the best one of each list and kind."""

WEAK_ALIAS = 0.95
"""What a match with an alias counts that the list itself calls weak."""

HOST_LABEL = 0.9
"""What a match with the label of a domain counts (`huawei` of `huawei.com`): a domain is not a name."""

LEAST_COMPARED = 10
"""Candidates that are compared in any case, best first."""

PATIENCE = 6
NEAR = 0.08
"""Comparing ends when this many candidates, one after the other, came no nearer to the line than this.

Of 1,359 resemblances that a comparison of every name finds, 4 are lost; the index alone loses the same four. Of 93 UN
names in original script that are found by their Latin spelling among 20,000 such names, none comes after the second.
"""

CROWDED = 0.9
"""Recall bound above which a screening is not complete: a name with a slip shares less, and may have been left out.

Of 1,577 clean companies and people three come here against the Consolidated Screening List, all three for names that
share everything with more than are compared.
"""

_PREPARED = 20_000
"""Listed names that are kept ready for comparison, at most: some 10 MB."""

_REMEMBERED = 50_000
"""Answers that are kept at most, where they are kept at all: some 50 MB."""


class _Found(NamedTuple):
    """An entry with its score, the listed name that earned it, and what it takes to explain it."""

    score: float
    entry: ListEntry
    listed: ListedName
    queried: str
    scored: Scored | None = None
    said: str = ""
    evidence: tuple[Contribution, ...] = ()


class _Query(NamedTuple):
    """One reading of a name that is compared: what it counts, and whether it is a firm's."""

    asked: PreparedName
    name: str
    counts: float
    is_firm: bool


_Best = dict[tuple[str, str], _Found]
"""What was found, by list and entry: the best of each entry."""


class Screener:
    """Screens parties against a snapshot. It is built once for a snapshot and may be shared by any number of threads.

    A score of at least `match` is a match, one of at least `possible` a possible match; `lines` says so for each list
    and kind. What scores `floor` is named too, as clear, for policies that draw lower lines. `arrays` is an index of
    the same snapshot that was made before, by `index_arrays`. With `remember`,
    answers are kept: the same question has the same answer for as long as the snapshot stands.
    """

    def __init__(
        self,
        snapshot: ListSnapshot,
        *,
        possible: float = POSSIBLE,
        match: float = MATCH,
        lines: Lines | None = None,
        floor: float = 1.0,
        arrays: Arrays | None = None,
        remember: bool = False,
    ) -> None:
        self.snapshot = snapshot
        self.lines = lines or Lines(default=Band(possible=possible, match=match))
        self._named_from = floor
        self._floor = min(floor, self.lines.lowest)
        self.possible = self.lines.default.possible
        self.match = self.lines.default.match
        arrays = index_arrays(snapshot) if arrays is None else arrays
        self._names = ListedNames(snapshot, arrays)
        self._index = GramIndex(arrays)
        self._scorer = Scorer(self._names.rarity())
        self._prepared: dict[int, PreparedName] = {}
        self._remembered: dict[Asked, Screening] | None = {} if remember else None

    def screen(
        self,
        names: Sequence[str],
        *,
        country: str | None = None,
        kind: PartyKind = PartyKind.UNKNOWN,
        identifiers: Sequence[Identifier] = (),
        hosts: Sequence[str] = (),
    ) -> Screening:
        """Return what the party resembles by its names, its identifiers and its web and mail hosts.

        `country` and `kind` order the matches; what they say against one never clears it.
        A name that cannot be relied on (empty after folding, or cut for its length) leaves the screening incomplete,
        and so does one that shares nearly everything with more names than are compared; when no name can be used, the
        party is not screened.
        """
        return self.screen_party(
            Asked(names=tuple(names), country=country, kind=kind, identifiers=tuple(identifiers), hosts=tuple(hosts))
        )

    def screen_party(self, asked: Asked) -> Screening:
        """Return what the party resembles by everything that is known of it."""
        if self._remembered is None:
            return self._screened(asked)
        known = self._remembered.get(asked)
        if known is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            known = self._remembered[asked] = self._screened(asked)
        return known

    def narrowed(self, entries: Iterable[ListEntry]) -> Screener:
        """Return a screener over some of the snapshot's entries that gives them the scores that this one gives them.

        It weighs words as they are weighed in the whole snapshot, and is the quicker the fewer the entries.
        """
        narrow = Screener(replace(self.snapshot, entries=tuple(entries)), lines=self.lines)
        narrow._scorer = self._scorer
        return narrow

    def warm(self) -> None:
        """Make now what a first query in Arabic or Hebrew script, or by an identifier, would else wait for."""
        _ = (self._skeletons, self._abjad_skeletons, self._identifiers)

    def _screened(self, asked: Asked) -> Screening:
        names = [(name, normalize_name(name)) for name in asked.names]
        found: _Best = {}
        bound: float | None = 0.0
        for name, normalized in names:
            for reading in readings_of(name, normalized):
                is_firm = _is_firm(asked.kind, normalized)
                bound = higher(bound, self._search(name, reading, found, is_firm=is_firm))
        bound = higher(bound, self._identify(asked, found))
        usable = any(normalized.usable for _, normalized in names)
        matches = self._matches(self._with_evidence(found.values(), asked))
        return Screening(
            outcome=_outcome(matches, usable=usable),
            matches=matches,
            snapshot=self.snapshot.digest,
            complete=bool(names) and all(one.problem is None for _, one in names) and not _is_crowded(bound),
            recall_bound=bound if usable else None,
            scorer=SCORER_VERSION,
            as_of=self.snapshot.as_of,
        )

    # Names

    def _search(
        self, name: str, reading: Reading, found: _Best, *, counts: float = 1.0, is_firm: bool = False
    ) -> float | None:
        """Add every entry that the reading resembles to `found`, where it scores best, and return the recall bound."""
        asked = self._scorer.prepare(reading.words, guessed=reading.guessed)
        candidates = self._index.nearest(self._scorer.weights_of(asked.words))
        one = _Query(asked=asked, name=name, counts=counts, is_firm=is_firm)
        compared = self._compare_in_turn(candidates.numbers, one, found, LEAST_COMPARED)
        if in_abjad(reading.words) or any(map(_is_vowelless, reading.words)):
            for number in self._skeletons.nearest(reading.words):
                self._compare(number, one, found)
        elif self._names.has_abjad:
            alike = self._abjad_skeletons.nearest(reading.words, LEAST_SHARED)
            self._compare_in_turn(alike, one, found, PATIENCE)
        return candidates.bound(compared)

    def _compare_in_turn(self, numbers: Sequence[int], one: _Query, found: _Best, least: int) -> int:
        """Compare `least` names, and go on until none has come near the line for a while; return how many it were."""
        compared, last_near = 0, 0
        for compared, number in enumerate(numbers, start=1):
            score = self._compare(number, one, found)
            if score >= self._floor - NEAR:
                last_near = compared
            elif compared >= max(least, last_near + PATIENCE):
                break
        return compared

    def _compare(self, number: int, query: _Query, found: _Best) -> float:
        """Return the score of a listed name, and add its entries to `found` where it reaches the floor."""
        listed_form = self._ready(number)
        scored = self._scorer.compare(query.asked, listed_form, self._floor - NEAR)
        score = scored.score
        if score >= self._floor:
            for listed in self._names.names(number):
                counted = _counted(score * query.counts, listed)
                if len(listed_form.words) == 1 and is_other_kind(listed.entry, is_firm=query.is_firm):
                    counted = min(counted, NICKNAME_OF_ANOTHER_KIND)
                _keep_best(_Found(counted, listed.entry, listed, query.name, scored), found)
        return score

    @cached_property
    def _skeletons(self) -> SkeletonIndex:
        return SkeletonIndex(enumerate(self._names.all_words()))

    @cached_property
    def _abjad_skeletons(self) -> SkeletonIndex:
        names = enumerate(self._names.all_words()) if self._names.has_abjad else ()
        return SkeletonIndex((number, words) for number, words in names if in_abjad(words))

    def _ready(self, number: int) -> PreparedName:
        prepared = self._prepared.get(number)
        if prepared is None:
            prepared = self._scorer.prepare(self._names.words(number))
            if len(self._prepared) >= _PREPARED:
                self._prepared = {}
            self._prepared[number] = prepared
        return prepared

    # What stands for one party alone

    @cached_property
    def _identifiers(self) -> IdentifierIndex:
        return IdentifierIndex(self.snapshot.entries)

    def _identify(self, asked: Asked, found: _Best) -> float | None:
        """Add every entry that an identifier or a host stands for, and what the label of a host resembles.

        Return the recall bound of the labels.
        """
        known = [one for identifier in asked.identifiers for one in self._identifiers.by_number(identifier)]
        known += [one for host in asked.hosts for one in self._identifiers.by_host(host)]
        for one in known:
            listed = ListedName(one.entry, one.entry.name, False)
            _keep_best(_Found(one.score, one.entry, listed, one.asked, said=one.said), found)
        bound: float | None = 0.0
        for host in asked.hosts:
            label = host_label(host)
            for reading in readings_of(label, normalize_name(label)) if label else ():
                bound = higher(bound, self._search(host, reading, found, counts=HOST_LABEL))
        return bound

    # Answers

    def _with_evidence(self, found: Iterable[_Found], asked: Asked) -> Iterator[_Found]:
        """Yield what was found, with what is known beside the name added to its score."""
        for each in found:
            beside = contributions_of(
                each.entry,
                country=asked.country,
                kind=asked.kind,
                identifiers=asked.identifiers,
                address=asked.address,
            )
            score = each.score if each.said else weighed(each.score, beside, self._band(each.entry).possible)
            yield each._replace(score=round(score, 4), evidence=beside)

    def _matches(self, found: Iterable[_Found]) -> tuple[Match, ...]:
        """Return the matches, best first: `MOST_MATCHES`, and the best of each list and kind in any case."""
        ranked = sorted(
            (each for each in found if each.score >= min(self._named_from, self._band(each.entry).possible)),
            key=lambda each: (-each.score, each.entry.list, each.entry.id),
        )
        best = {(each.entry.list, each.entry.kind): place for place, each in reversed(list(enumerate(ranked)))}
        named = set(best.values())
        return tuple(self._match(each) for place, each in enumerate(ranked) if place < MOST_MATCHES or place in named)

    def _match(self, found: _Found) -> Match:
        if found.scored is None:
            return self._identified(found)
        compared = self._scorer.explain(found.scored, query=found.queried, target=found.listed.name)
        beside = "".join(f"; {one.said}" for one in found.evidence)
        return Match(
            list=found.entry.list,
            entry_id=found.entry.id,
            name=found.listed.name,
            score=found.score,
            queried=found.queried,
            explanation=f"{compared.explanation}{beside}; {said_of_rarity(found.score)}",
            kind=found.entry.kind,
            weak=found.listed.weak,
            outcome=self._band(found.entry).outcome(found.score),
            words=compared.pairs,
            only_asked=compared.only_asked,
            only_listed=compared.only_listed,
            guard=compared.guard.name if compared.guard else None,
            evidence=found.evidence,
            clean_per_million=clean_per_million(found.score),
            treasury=treasury_score(found.queried, found.listed.name),
        )

    def _identified(self, found: _Found) -> Match:
        return Match(
            list=found.entry.list,
            entry_id=found.entry.id,
            name=found.listed.name,
            score=found.score,
            queried=found.queried,
            explanation=found.said,
            kind=found.entry.kind,
            weak=found.listed.weak,
            outcome=self._band(found.entry).outcome(found.score),
        )

    def _band(self, entry: ListEntry) -> Band:
        return self.lines.of(entry.list, entry.kind)


def index_arrays(snapshot: ListSnapshot) -> Arrays:
    """Return the index of `snapshot` as arrays, which a file may keep and several processes may share."""
    cores, arrays = listed_arrays(snapshot)
    return {**arrays, **GramIndex.arrays_of(cores)}


def host_label(text: str) -> str | None:
    """Return the part of a web or mail host that names somebody, or None for a host that anybody may have."""
    host = host_of(text)
    return None if host is None or is_shared(host) else organisation_label(host)


def _is_crowded(bound: float | None) -> bool:
    """Return whether so many names share so much with a query that the right one may have been left out."""
    return bound is None or bound > CROWDED


def _is_firm(kind: PartyKind, name: NormalizedName) -> bool:
    """Return whether a name is a firm's: the party says so, or it has a legal form or a word of business."""
    if kind is not PartyKind.UNKNOWN:
        return kind is PartyKind.COMPANY
    return len(name.core) < len(name.words) or not COMMON_WORDS.isdisjoint(name.core)


def _outcome(matches: Sequence[Match], *, usable: bool) -> ScreeningOutcome:
    if any(match.outcome is ScreeningOutcome.MATCH for match in matches):
        return ScreeningOutcome.MATCH
    if any(match.outcome is ScreeningOutcome.POSSIBLE for match in matches):
        return ScreeningOutcome.POSSIBLE
    return ScreeningOutcome.CLEAR if usable else ScreeningOutcome.NOT_SCREENED


def _counted(score: float, listed: ListedName) -> float:
    return round(score * WEAK_ALIAS if listed.weak else score, 4)


def _keep_best(found: _Found, best: _Best) -> None:
    """Keep the better of two names of one entry; of equals the first in alphabet, whatever order they came in."""
    key = (found.entry.list, found.entry.id)
    other = best.get(key)
    if other is None or (-found.score, found.listed.name) < (-other.score, other.listed.name):
        best[key] = found


_VOWELS = frozenset("aeiouy")


def _is_vowelless(word: str) -> bool:
    return len(word) > 3 and word.isascii() and word.isalpha() and _VOWELS.isdisjoint(word)
