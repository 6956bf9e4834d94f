"""The 50 % cascade: what listed parties hold of a party, directly or through what they hold to half or more.

OFAC's guidance of 2014-08-13 and its FAQ 398 (ownership, not control), 399 (holdings of several blocked persons are
added up) and 401 (an indirect holding counts whole where each link is half or more, and is never multiplied out).
The affiliates rule, 90 FR 47201, adds up in the same way over the Entity List, the MEU List and SDNs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from kyc_gate.model.party import Owner, Party, PartyKind
from kyc_gate.model.record import Record
from kyc_gate.ownership.circles import own_hands
from kyc_gate.ownership.directory import Directory

CONTROL_SHARE = Fraction(1, 2)
"""A listed party's holding passes on from this share: OFAC guidance of 2014-08-13, FAQ 399 and 401; 90 FR 47201."""

MOST_CHAINS = 12
"""Holdings that an explanation names, at most; a reviewer reads the first few."""

Listed = Callable[[Owner | Party], bool]


class Holding(Record):
    """One row of a party's owners. `holders` are the ids of parties on file that the owner may be."""

    owned: str
    owner: Owner
    holders: tuple[str, ...]

    @property
    def of_itself(self) -> bool:
        """Whether the party holds its own shares."""
        return self.holders == (self.owned,)


class Held(Record):
    """What listed parties hold of a party.

    `share` (0 to 1) is what the cascade adds up, None where it is not known on which side of one half it lies.
    `outstanding` is the same as a share of what is not in the party's own hands (its treasury shares and what its own
    subsidiaries hold of it), where that is more. The law does not speak of these, and no party may own itself into
    clearance.
    `chains` say, from the party upwards, which holdings made the share.
    """

    share: Decimal | None
    outstanding: Decimal | None
    chains: tuple[str, ...] = ()


def held_by_listed(party: Party, parties: Mapping[str, Party], listed: Listed) -> Held:
    """Return what listed parties hold of `party`, in time linear in the number of parties and holdings above it."""
    directory = Directory.of(parties).with_party(party)
    above = holdings_above(party, directory)
    listing = _remembered(listed)
    marked = frozenset(id for id in above if id != party.id and listing(directory[id]))
    dark = frozenset(id for id, held in above.items() if held is None and id != party.id)
    known = Spread(above, listing).run(marked)
    most = Spread(above, listing, measure=_at_most(above)).run(marked | dark)
    share = _decided(known.held(party.id), most.held(party.id) if above[party.id] is not None else Fraction(1))
    return Held(
        share=share,
        outstanding=_outstanding(party.id, above, marked, listing, share),
        chains=_chains(party.id, known, directory),
    )


def holdings_above(party: Party, directory: Directory) -> dict[str, tuple[Holding, ...] | None]:
    """Return the owners of `party` and of every party on file above it, by id; None where owners are unknown.

    Nobody owns a person or a government.
    """
    found: dict[str, tuple[Holding, ...] | None] = {}
    waiting = [party]
    while waiting:
        each = waiting.pop()
        if each.id in found:
            continue
        if each.owners is None:
            found[each.id] = () if each.kind in (PartyKind.PERSON, PartyKind.GOVERNMENT) else None
            continue
        held = []
        for owner in each.owners:
            holders = directory.holders(owner)
            waiting.extend(holder for holder in holders if holder.id not in found)
            held.append(Holding(owned=each.id, owner=owner, holders=tuple(holder.id for holder in holders)))
        found[each.id] = tuple(held)
    return found


Above = Mapping[str, tuple[Holding, ...] | None]
Measure = Callable[[Holding], Fraction]


def given_share(holding: Holding) -> Fraction:
    """Return the share as it is given, and nothing where it is not."""
    return Fraction(holding.owner.share) if holding.owner.share is not None else Fraction(0)


class OwnHands:
    """Holdings that are in a party's own hands, and the part of it that they make."""

    def __init__(self, holdings: Iterable[Holding] = ()) -> None:
        self._parts: dict[str, Fraction] = {}
        self.holdings = set()
        for holding in holdings:
            self.holdings.add(id(holding))
            self._parts[holding.owned] = self.part(holding.owned) + given_share(holding)

    def part(self, id: str) -> Fraction:
        """Return the part of a party that is in its own hands."""
        return self._parts.get(id, Fraction(0))

    @property
    def whole(self) -> bool:
        """Whether all of some party is in its own hands."""
        return any(part >= 1 for part in self._parts.values())


class Spread:
    """The cascade as it runs: what is held of each party, through which holdings, and who is held to half or more.

    With `own`, what is in a party's own hands does not count, and half is half of the rest. A party's holding in
    itself never counts.
    """

    def __init__(
        self,
        above: Above,
        listing: Listed,
        *,
        measure: Measure = given_share,
        own: OwnHands | None = None,
    ) -> None:
        self._holdings = [holding for held in above.values() for holding in held or ()]
        self._listing = listing
        self._measure = measure
        self._own = own or OwnHands()
        self._waiting: deque[str] = deque()
        self._counted: set[int] = set()
        self.shares: dict[str, Fraction] = {}
        self.through: dict[str, list[Holding]] = {}
        self.half: set[str] = set()

    def held(self, id: str) -> Fraction:
        """Return what is held of a party, at most the whole."""
        return min(self.shares.get(id, Fraction(0)), Fraction(1))

    def run(self, marked: Iterable[str]) -> Spread:
        """Run to the least fixpoint from the `marked` holders. Each holding is added once, when its holder counts."""
        by_holder: dict[str, list[Holding]] = {}
        self._waiting.extend(marked)
        for holding in self._holdings:
            for holder in holding.holders:
                by_holder.setdefault(holder, []).append(holding)
            if self._listing(holding.owner):
                self._add(holding)
        while self._waiting:
            for holding in by_holder.get(self._waiting.popleft(), ()):
                self._add(holding)
        return self

    def _add(self, holding: Holding) -> None:
        if id(holding) in self._counted or holding.of_itself or id(holding) in self._own.holdings:
            return
        self._counted.add(id(holding))
        owned = holding.owned
        self.shares[owned] = self.shares.get(owned, Fraction(0)) + self._measure(holding)
        self.through.setdefault(owned, []).append(holding)
        line = CONTROL_SHARE * (1 - self._own.part(owned))
        if self.shares[owned] >= line and owned not in self.half:
            self.half.add(owned)
            self._waiting.append(owned)


def _at_most(above: Above) -> Measure:
    """Return the measure of the most that a holding can be: as given, or all that the other owners leave."""
    left = {
        id: max(Fraction(0), 1 - sum((given_share(each) for each in held or ()), Fraction(0)))
        for id, held in above.items()
    }

    def measure(holding: Holding) -> Fraction:
        return left[holding.owned] if holding.owner.share is None else given_share(holding)

    return measure


def _decided(known: Fraction, most: Fraction) -> Decimal | None:
    return None if known < CONTROL_SHARE <= most else _decimal(known)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _outstanding(
    id: str, above: Above, marked: frozenset[str], listing: Listed, share: Decimal | None
) -> Decimal | None:
    """Return what listed parties hold of what is not in the party's own hands, by the same cascade.

    None where the share is unknown, or where nobody outside holds anything: a circle that owns itself.
    """
    if share is None:
        return None
    holdings = [each for held in above.values() for each in held or ()]
    edges = [(holder, each.owned, given_share(each)) for each in holdings for holder in each.holders]
    hands = own_hands(above, edges)
    if hands is None:
        return None
    if not hands:
        return share
    own = OwnHands(each for each in holdings if hands.get(each.owned, frozenset()) & set(each.holders))
    if own.whole:
        return None
    spread = Spread(above, listing, own=own).run(marked)
    return max(share, _decimal(min(spread.held(id) / (1 - own.part(id)), Fraction(1))))


def _chains(id: str, spread: Spread, directory: Directory) -> tuple[str, ...]:
    """Return the holdings that made the share, from the party upwards, one sentence for each party on the way."""
    told: list[str] = []
    waiting, seen = deque([id]), {id}
    while waiting and len(told) < MOST_CHAINS:
        owned = waiting.popleft()
        through = spread.through.get(owned, ())
        if through:
            told.append(f"{_listed_owners(through, directory)} of `{directory[owned].name}`")
        for holding in through:
            for holder in holding.holders:
                if holder not in seen and holder in spread.half:
                    seen.add(holder)
                    waiting.append(holder)
    return tuple(told)


def _listed_owners(through: Iterable[Holding], directory: Directory) -> str:
    """Return "`A` holds 40 % and `B` 10 %", as far as a line goes."""
    ordered = sorted(through, key=lambda each: (-given_share(each), each.owner.name))
    named = [
        f"`{directory[each.holders[0]].name if each.holders else each.owner.name}` {percent(each.owner.share)}"
        for each in ordered
    ]
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    return f"{', '.join(named[:6])}{more}"


def percent(share: Decimal | None) -> str:
    """Return a share as people write it."""
    return "an unknown share" if share is None else f"{(share * 100).normalize():f} %"


def _remembered(listed: Listed) -> Listed:
    """Return `listed`, asked once for each owner: behind it stands a screening."""
    answers: dict[Owner | Party, bool] = {}

    def answer(holder: Owner | Party) -> bool:
        if holder not in answers:
            answers[holder] = listed(holder)
        return answers[holder]

    return answer
