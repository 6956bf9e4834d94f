"""Shares in a party's own hands: its treasury shares, and what the companies that it holds hold of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from fractions import Fraction

Edge = tuple[str, str, Fraction]
"""A holder, what it holds a part of, and the part."""

HALF = Fraction(1, 2)

LARGEST_CIRCLE = 400
"""Parties that own one another in a circle. Each is walked from each, so the work is the square of this; the largest
cross-holdings ever reported (the chaebols and keiretsu of the 1990s) had some dozens."""


def own_hands(parties: Iterable[str], edges: Sequence[Edge]) -> dict[str, frozenset[str]] | None:
    """Return who holds a part of a party on its own behalf, by party; None for a circle too large to walk.

    It is the party itself, and whoever it holds to half or more, by the same cascade that serves for listed owners.
    """
    circles = circles_of(list(parties), edges)
    if any(len(circle) > LARGEST_CIRCLE for circle in circles):
        return None
    own: dict[str, frozenset[str]] = {}
    home = {party: number for number, circle in enumerate(circles) for party in circle}
    inside: dict[int, list[Edge]] = {}
    for holder, held, share in edges:
        if holder in home and home[holder] == home.get(held):
            inside.setdefault(home[held], []).append((holder, held, share))
    for number, among in inside.items():
        for party in circles[number]:
            subsidiaries = _held_to_half(party, among)
            hands = frozenset(holder for holder, held, _ in among if held == party and holder in subsidiaries)
            if hands:
                own[party] = hands
    return own


def _held_to_half(party: str, edges: Sequence[Edge]) -> set[str]:
    """Return the party and all that it holds to half or more, by the cascade, over `edges`."""
    holds: dict[str, list[tuple[str, Fraction]]] = {}
    for holder, held, share in edges:
        holds.setdefault(holder, []).append((held, share))
    total: dict[str, Fraction] = {}
    found, waiting = {party}, deque([party])
    while waiting:
        for held, share in holds.get(waiting.popleft(), ()):
            total[held] = total.get(held, Fraction(0)) + share
            if total[held] >= HALF and held not in found:
                found.add(held)
                waiting.append(held)
    return found


def circles_of(parties: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Return the groups of parties that own one another in circles, lone parties that hold themselves included.

    Tarjan's strongly connected components, without recursion.
    """
    holds: dict[str, list[str]] = {party: [] for party in parties}
    alone = set()
    for holder, held, _ in edges:
        if holder in holds and held in holds:
            holds[holder].append(held)
            if holder == held:
                alone.add(holder)
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in parties:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        path = [(root, iter(holds[root]))]
        while path:
            party, rest = path[-1]
            step = next(rest, None)
            if step is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[party])
                if low[party] == number[party]:
                    circle = _cut(stack, on_stack, party)
                    if len(circle) > 1 or party in alone:
                        found.append(circle)
            elif step not in number:
                number[step] = low[step] = len(number)
                stack.append(step)
                on_stack.add(step)
                path.append((step, iter(holds[step])))
            elif step in on_stack:
                low[party] = min(low[party], number[step])
    return found


def _cut(stack: list[str], on_stack: set[str], last: str) -> list[str]:
    """Take a finished component off the stack."""
    circle = []
    while True:
        party = stack.pop()
        on_stack.discard(party)
        circle.append(party)
        if party == last:
            return circle
