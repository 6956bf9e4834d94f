"""Clearances applied: which resemblances two people settled, as long as neither side changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from kyc_gate.errors import InputError
from kyc_gate.model.clearance import Clearance, Pair
from kyc_gate.model.facts import Cleared
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.match import Match, Screening, ScreeningOutcome
from kyc_gate.model.party import Party
from kyc_gate.model.record import digest, plain
from kyc_gate.ownership.directory import Directory
from kyc_gate.ownership.ultimate_parent import Parentage

_RANK = (ScreeningOutcome.CLEAR, ScreeningOutcome.POSSIBLE, ScreeningOutcome.MATCH)


_OF_NO_IDENTITY = frozenset(("verified", "military_end_use", "wmd_end_use"))
"""A party's end use and whether its file was checked: neither tells it from another of the same name."""


def form_of(subject: Party | ListEntry) -> str:
    """Return a digest of what two people saw of one side of a resemblance.

    Of an entry nothing is left out: remarks, programmes and dates say who is meant, and why, as its name does.
    """
    if isinstance(subject, ListEntry):
        return digest(subject)
    return digest({name: value for name, value in plain(subject).items() if name not in _OF_NO_IDENTITY})


def party_form(party: Party, behind: Iterable[Party]) -> str:
    """Return the fingerprint of a party and of everybody behind it: whoever of them changes, it is another."""
    return digest([form_of(party), sorted({form_of(each) for each in behind})])


def everybody_behind(party: Party, parents: Parentage, directory: Directory) -> tuple[Party, ...]:
    """Return the parties on file whose names a screening of `party` may compare: its parents and all that hold it."""
    known = (parent for parent in parents.parents if isinstance(parent, Party))
    found = {parent.id: parent for parent in known if parent.id != party.id}
    waiting = [party, *found.values()]
    while waiting:
        for holding in waiting.pop().owners or ():
            for owner in directory.holders(holding):
                if owner.id != party.id and owner.id not in found:
                    found[owner.id] = owner
                    waiting.append(owner)
    return tuple(found.values())


def pairs_of(party: Party, form: str, matches: Sequence[Match], entries: Iterable[ListEntry]) -> tuple[Pair, ...]:
    """Return the pair of each match, in their order, with the fingerprints of both sides."""
    wanted = {(match.list, match.entry_id) for match in matches}
    if not wanted:
        return ()
    forms = {(entry.list, entry.id): form_of(entry) for entry in entries if (entry.list, entry.id) in wanted}
    return tuple(
        Pair(
            party_id=party.id,
            list=match.list,
            entry_id=match.entry_id,
            queried=match.queried,
            listed=match.name,
            party_form=form,
            entry_form=forms.get((match.list, match.entry_id), ""),
            score=match.score,
        )
        for match in matches
    )


def chosen(pairs: Sequence[Pair], names: Sequence[str]) -> tuple[Pair, ...]:
    """Return the pairs that are named, as `LIST/ENTRY`. Raises `InputError` for one not resembled."""
    known = {f"{pair.list}/{pair.entry_id}" for pair in pairs}
    for name in names:
        if name not in known:
            told = ", ".join(sorted(known)) or "nothing"
            raise InputError(f"`clear`: the party does not resemble `{name[:80]}`; it resembles {told}")
    return tuple(pair for pair in pairs if f"{pair.list}/{pair.entry_id}" in names)


def rearmed(standing: Sequence[Clearance], pairs: Sequence[Pair], at: datetime) -> tuple[Clearance, ...]:
    """Return the clearances of a party that stand, and whose pair resembles as before while a side of it changed."""
    now = {(pair.list, pair.entry_id): pair for pair in pairs}
    found = []
    for each in standing:
        pair = now.get((each.pair.list, each.pair.entry_id))
        if each.stands(at) and pair is not None and not each.covers(pair):
            found.append(each)
    return tuple(found)


def applied(
    screening: Screening, pairs: Sequence[Pair], standing: Sequence[Clearance], at: datetime, match_threshold: float
) -> tuple[Screening, tuple[Cleared, ...]]:
    """Return the screening without what a clearance settles at `at`, and what was left out.

    A match of an entry that is not known, or whose either side changed, stands.
    """
    if not standing or not pairs:
        return screening, ()
    kept: list[Match] = []
    cleared: list[Cleared] = []
    for match, pair in zip(screening.matches, pairs, strict=True):
        by = next((each for each in standing if pair.entry_form and each.stands(at) and each.covers(pair)), None)
        if by is None:
            kept.append(match)
        else:
            cleared.append(_cleared(match, by, match_threshold))
    if not cleared:
        return screening, ()
    nothing = ScreeningOutcome.CLEAR if screening.complete else ScreeningOutcome.NOT_SCREENED
    worst = max((match.outcome for match in kept), key=_RANK.index, default=nothing)
    return replace(screening, matches=tuple(kept), outcome=worst), tuple(cleared)


def _cleared(match: Match, by: Clearance, match_threshold: float) -> Cleared:
    return Cleared(
        clearance=by.id,
        list=match.list,
        entry_id=match.entry_id,
        kind=match.kind,
        score=match.score,
        outcome=match.outcome.value,
        matched=match.score >= match_threshold,
        until=by.expires_at,
        by=(by.proposed_by, by.approved_by),
    )
