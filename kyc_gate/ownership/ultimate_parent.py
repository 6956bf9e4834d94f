"""The ultimate parent: the last owner up the chain, the owners of a joint venture, or nobody that is known."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kyc_gate.model.party import Party, PartyKind, UltimateParent
from kyc_gate.model.record import Record
from kyc_gate.ownership.cascade import CONTROL_SHARE, percent
from kyc_gate.ownership.directory import Directory

MOST_LAYERS = 10_000
"""Layers of owners that are followed. A chain as long as this is a circle in disguise, or a mistake."""

MOST_STEPS_TOLD = 12
"""Steps of a chain that an explanation names, at most."""


class Parentage(Record):
    """The ultimate parents of a party: one, several for a joint venture, none where they are not known.

    `chain` tells the way up, one sentence a step; `problem` says why it ends in the dark.
    """

    parents: tuple[Party | UltimateParent, ...] = ()
    chain: tuple[str, ...] = ()
    problem: str | None = None


def ultimate_parent(party: Party, parties: Mapping[str, Party]) -> Party | UltimateParent | None:
    """Return the one last owner up the chain, or None where it is unknown or there are several."""
    found = parentage(party, parties).parents
    return found[0] if len(found) == 1 else None


def parentage(party: Party, parties: Mapping[str, Party]) -> Parentage:
    """Return the last owners up the chain: parties on file, or what was declared of one that is not.

    A party that declares itself its own ultimate parent is returned itself, unless companies on file hold it: what is
    on file counts for more than what is declared. A company holds by more than half; two hold by half each, as a joint
    venture. A chain that runs in a circle has no last owner.
    """
    directory = Directory.of(parties)
    seen: set[str] = set()
    waiting, told = [party], list[str]()
    parents: list[Party | UltimateParent] = []
    while waiting:
        current = waiting.pop(0)
        if current.id in seen:
            continue
        if len(seen) >= MOST_LAYERS:
            return Parentage(chain=_told(told), problem=f"more than {MOST_LAYERS} layers of owners")
        seen.add(current.id)
        step = _next_above(current, directory)
        told.extend(step.told)
        if step.problem is not None:
            return Parentage(chain=_told(told), problem=step.problem)
        parents.extend(step.last)
        waiting.extend(step.onward)
    if not parents:
        return Parentage(chain=_told(told), problem=f"the owners of `{party.name}` run in a circle")
    return Parentage(parents=tuple(parents), chain=_told(told))


class _Step(Record):
    """Who stands next above a party: the last ones, those to go on from, how it was told, or why it is not known."""

    last: tuple[Party | UltimateParent, ...] = ()
    onward: tuple[Party, ...] = ()
    told: tuple[str, ...] = ()
    problem: str | None = None


def _next_above(party: Party, directory: Directory) -> _Step:
    declared = party.ultimate_parent
    if declared is not None and not declared.is_self:
        return _declared_above(party, declared, directory)
    holders = holding_companies(party, directory)
    if holders:
        told = tuple(f"`{holder.name}` holds {percent(share)} of `{party.name}`" for holder, share in holders)
        return _Step(onward=tuple(holder for holder, _ in holders), told=told)
    if declared is None:
        return _Step(problem=f"nobody says who stands above `{party.name}`")
    return _Step(last=(party,), told=(f"`{party.name}` declares that nobody stands above it",))


def _declared_above(party: Party, declared: UltimateParent, directory: Directory) -> _Step:
    """Follow a declared parent: by id to the party on file, by name to what is declared and its namesakes."""
    known = directory.get(declared.party_id) if declared.party_id else None
    if known is not None:
        told = (f"`{party.name}` declares `{known.name}` above it",)
        silent = known.ultimate_parent is None and not holding_companies(known, directory)
        if known.id == party.id or silent:
            return _Step(last=(known,), told=told)
        return _Step(onward=(known,), told=told)
    if not (declared.name or declared.headquarters):
        return _Step(problem=f"the parent that `{party.name}` declares is not on file")
    namesakes = directory.named(declared.name) if declared.name and declared.party_id is None else ()
    speaking = tuple(
        each
        for each in namesakes
        if each.id != party.id and (each.ultimate_parent is not None or holding_companies(each, directory))
    )
    told = (f"`{party.name}` declares `{declared.name or 'a parent without a name'}` above it",)
    return _Step(last=(declared,), onward=speaking, told=told)


def holding_companies(party: Party, directory: Directory) -> tuple[tuple[Party, Decimal], ...]:
    """Return the companies on file that hold `party`, with their shares: one by more than half, or two by half each."""
    shares: dict[str, Decimal] = {}
    for owner in party.owners or ():
        for holder in directory.holders(owner):
            if holder.kind is not PartyKind.PERSON and holder.id != party.id and owner.share is not None:
                shares[holder.id] = shares.get(holder.id, Decimal(0)) + owner.share
    most = tuple((directory[id], share) for id, share in shares.items() if share > CONTROL_SHARE)
    halves = tuple((directory[id], share) for id, share in shares.items() if share == CONTROL_SHARE)
    return most or (halves if len(halves) > 1 else ())


def _told(chain: list[str]) -> tuple[str, ...]:
    more = [f"and {len(chain) - MOST_STEPS_TOLD} steps more"] if len(chain) > MOST_STEPS_TOLD else []
    return (*chain[:MOST_STEPS_TOLD], *more)
