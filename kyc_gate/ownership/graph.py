"""The ownership graph: up to the ultimate parent, and the 50 % cascade down from listed owners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from kyc_gate.model.party import Owner, Party, PartyKind, UltimateParent
from kyc_gate.names.normalize import normalize_name

CONTROL_SHARE = Fraction(1, 2)
"""A listed party's holding passes on from this share: OFAC guidance of 2014-08-13, FAQ 399 and 401; 90 FR 47201."""

Listed = Callable[[Owner | Party], bool]


def ultimate_parent(party: Party, parties: Mapping[str, Party]) -> Party | UltimateParent | None:
    """Return the last owner up the chain: a party on file, what was declared of one that is not, or None if unknown.

    A party that declares itself its own ultimate parent is returned itself, unless a company on file holds more than
    half of it: what is on file counts for more than what is declared. A chain that runs in a circle has no last owner,
    so the answer is None.
    """
    seen: set[str] = set()
    current = party
    while current.id not in seen:
        seen.add(current.id)
        declared = current.ultimate_parent
        if declared is None or declared.is_self:
            owner = _majority_owner(current, parties)
            if owner is not None:
                current = owner
                continue
            return current if declared else None
        if declared.party_id is None or declared.party_id not in parties:
            return declared if declared.name or declared.headquarters else None
        if declared.party_id == current.id:
            return current
        current = parties[declared.party_id]
        if current.ultimate_parent is None and _majority_owner(current, parties) is None:
            return current
    return None


def _majority_owner(party: Party, parties: Mapping[str, Party]) -> Party | None:
    """Return the party on file, persons aside, that holds more than half of `party`, or None."""
    for owner in party.owners or ():
        known = parties.get(owner.party_id) if owner.party_id else None
        if known is not None and known.kind is not PartyKind.PERSON and (owner.share or 0) > CONTROL_SHARE:
            return known
    return None


def control_group(party: Party, parties: Mapping[str, Party], payer: str | None = None) -> str:
    """Return the key over which the compute ledger sums: the ultimate parent's, or the payer's, or the party's own.

    A company is known by its normalised name, so that a parent on file and one that is only declared are one group, in
    whatever spelling; companies that merely share a name are summed together, which errs on the strict side.
    A person is known by id.
    """
    parent = ultimate_parent(party, parties)
    if isinstance(parent, Party) and parent.id != party.id:
        return _key(parent)
    if isinstance(parent, UltimateParent) and parent.name and (name := " ".join(normalize_name(parent.name).core)):
        return f"name:{name}"
    if payer is not None and payer != party.id:
        paying = parties.get(payer)
        return control_group(paying, parties) if paying else f"party:{payer}"
    return _key(party)


def _key(party: Party) -> str:
    name = "" if party.kind is PartyKind.PERSON else " ".join(normalize_name(party.name).core)
    return f"name:{name}" if name else f"party:{party.id}"


def listed_share(party: Party, parties: Mapping[str, Party], listed: Listed) -> Decimal | None:
    """Return the share (0 to 1) of `party` that listed parties hold, by the 50 % cascade, or None when it is not known.

    An owner counts in full when it is listed itself or when listed parties hold half of it or more; shares are added
    up, and never multiplied. Where an owner or a share is unknown the answer is the known share if that alone reaches
    one half, and None otherwise.
    """
    listed = _remembered(listed)
    controlled = _controlled(party, parties, listed)
    held, complete = _held(party, parties, listed, controlled)
    if not complete and held < CONTROL_SHARE:
        return None
    return Decimal(held.numerator) / Decimal(held.denominator)


def _controlled(party: Party, parties: Mapping[str, Party], listed: Listed) -> frozenset[str]:
    """Return the ids of parties above `party` that listed parties hold by half or more: the least fixpoint."""
    above = _above(party, parties)
    controlled = frozenset(each.id for each in above if each.id != party.id and listed(each))
    while True:
        held = {each.id for each in above if _held(each, parties, listed, controlled)[0] >= CONTROL_SHARE}
        if held <= controlled:
            return controlled
        controlled |= held


def _above(party: Party, parties: Mapping[str, Party]) -> tuple[Party, ...]:
    """Return `party` and every party on file that stands above it, at any distance."""
    found = {party.id: party}
    waiting = [party]
    while waiting:
        for owner in waiting.pop().owners or ():
            known = parties.get(owner.party_id) if owner.party_id else None
            if known is not None and known.id not in found:
                found[known.id] = known
                waiting.append(known)
    return tuple(found.values())


def _held(
    party: Party, parties: Mapping[str, Party], listed: Listed, controlled: frozenset[str]
) -> tuple[Fraction, bool]:
    """Return the share of `party` in the hands of listed or controlled owners, and whether every owner was knowable."""
    if party.owners is None:
        return Fraction(0), False
    total, complete = Fraction(0), True
    for owner in party.owners:
        known = parties.get(owner.party_id) if owner.party_id else None
        counts = listed(owner) or (known is not None and known.id in controlled)
        if owner.share is None:
            complete = complete and not counts
            continue
        if counts:
            total += Fraction(owner.share)
        elif known is not None and known.owners is None:
            complete = False
    return min(total, Fraction(1)), complete


def _remembered(listed: Listed) -> Listed:
    """Return `listed`, asked once for each owner: behind it stands a screening."""
    answers: dict[Owner | Party, bool] = {}

    def answer(holder: Owner | Party) -> bool:
        if holder not in answers:
            answers[holder] = listed(holder)
        return answers[holder]

    return answer
