"""The layers of owners above a party: who holds what on each, where nobody knows more, and who owns in a circle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum

from kyc_gate.model.party import Owner, Party
from kyc_gate.model.record import Record
from kyc_gate.ownership.cascade import CONTROL_SHARE, Holding, given_share, holdings_above, percent
from kyc_gate.ownership.circles import circles_of
from kyc_gate.ownership.directory import Directory

ListsOf = Callable[[Owner | Party], tuple[str, ...]]
"""The codes of the lists that an owner is on."""


class Control(StrEnum):
    """What a share is in the cascade: whether a listed owner's holding passes on, see `CONTROL_SHARE`."""

    HALF_OR_MORE = "half_or_more"
    LESS = "less"
    UNKNOWN = "unknown"


class OwnerRow(Record):
    """One holding above a party: `layer` 1 holds the party itself. `on_file` are the ids that the owner may be."""

    layer: int
    owned: str
    name: str
    share: Decimal | None
    control: Control
    on_file: tuple[str, ...] = ()
    headquarters: str | None = None
    lists: tuple[str, ...] = ()


class OwnerLayers(Record):
    """The owners above a party, the nearest first.

    `unknown` tells where nobody knows more, a sentence each; `silent` are the parties whose owners are not on file.
    `circles` are the ids of parties that own one another, or themselves.
    """

    owners: tuple[OwnerRow, ...]
    unknown: tuple[str, ...]
    silent: tuple[str, ...]
    circles: tuple[tuple[str, ...], ...]


def layers_above(party: Party, parties: Mapping[str, Party], lists_of: ListsOf) -> OwnerLayers:
    """Return the layers above `party`: the same holdings that the cascade adds up."""
    directory = Directory.of(parties).with_party(party)
    above = holdings_above(party, directory)
    order = _layers(party.id, above)
    holdings = [each for id in order for each in above[id] or ()]
    edges = [(holder, each.owned, given_share(each)) for each in holdings for holder in each.holders]
    return OwnerLayers(
        owners=tuple(_row(each, order[each.owned] + 1, directory, lists_of) for each in holdings),
        unknown=tuple(sentence for id in order for sentence in _unknown(directory[id], above[id])),
        silent=tuple(id for id in order if above[id] is None),
        circles=tuple(tuple(sorted(circle)) for circle in circles_of(list(order), edges)),
    )


def _layers(id: str, above: Mapping[str, tuple[Holding, ...] | None]) -> dict[str, int]:
    """Return how many layers each party stands above `id`, the nearest first."""
    found, waiting = {id: 0}, deque([id])
    while waiting:
        owned = waiting.popleft()
        for holder in (holder for each in above[owned] or () for holder in each.holders):
            if holder not in found:
                found[holder] = found[owned] + 1
                waiting.append(holder)
    return found


def _row(holding: Holding, layer: int, directory: Directory, lists_of: ListsOf) -> OwnerRow:
    owner, known = holding.owner, [directory[id] for id in holding.holders]
    told: tuple[Party | Owner, ...] = (*known, owner)
    return OwnerRow(
        layer=layer,
        owned=holding.owned,
        name=known[0].name if len(known) == 1 else owner.name,
        share=owner.share,
        control=_control(owner.share),
        on_file=holding.holders,
        headquarters=next((each.headquarters for each in told if each.headquarters), None),
        lists=tuple(sorted({code for each in told for code in lists_of(each)})),
    )


def _control(share: Decimal | None) -> Control:
    if share is None:
        return Control.UNKNOWN
    return Control.HALF_OR_MORE if share >= CONTROL_SHARE else Control.LESS


def _unknown(party: Party, held: tuple[Holding, ...] | None) -> Iterator[str]:
    """Tell what is not known of who holds one party."""
    if held is None:
        yield f"the owners of `{party.name}` are not on file"
        return
    for each in held:
        if each.owner.share is None:
            yield f"`{each.owner.name}` holds an unknown share of `{party.name}`"
        if not each.holders:
            yield f"`{each.owner.name}`, an owner of `{party.name}`, is not on file, and so is nobody above it"
    named = sum((each.owner.share or Decimal(0) for each in held), Decimal(0))
    if held and named < 1 and all(each.owner.share is not None for each in held):
        yield f"nobody says who holds {percent(1 - named)} of `{party.name}`"
