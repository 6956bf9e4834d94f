"""Country groups with dated membership, and the territories that count as another country."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from kyc_gate.model.decision import Grade, LegalStatus
from kyc_gate.model.record import Record


class Member(Record):
    """A country that belongs to a group for part of the time, both days included."""

    code: str
    start: date | None = None
    end: date | None = None

    def on(self, day: date) -> bool:
        """Return whether the country belongs to the group on `day`."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


class Group(Record):
    """A group of countries as a text of law defines it: (included groups less excluded ones) and its own codes.

    `disjoint` names groups with which it shares no country on any day.
    """

    name: str
    title: str
    cite: str
    as_of: date
    status: LegalStatus
    grade: Grade
    source: str
    codes: frozenset[str] = frozenset()
    dated: tuple[Member, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    disjoint: tuple[str, ...] = ()


class Territory(Record):
    """A place with a code of its own. `treat_as` is the country whose groups it shares; None leaves it in no group."""

    code: str
    name: str
    treat_as: str | None
    why: str
    choice: bool


class Periods(Record):
    """Every group, expanded for each stretch of days between two changes of membership.

    `groups[0]` holds before `starts[0]`, `groups[i]` from `starts[i - 1]` on.
    """

    starts: tuple[date, ...]
    groups: tuple[Mapping[str, frozenset[str]], ...]


def expand_groups(groups: Mapping[str, Group], territories: Iterable[Territory]) -> Periods:
    """Return every group for every period, with the territories counted where `treat_as` puts them.

    A territory with `treat_as` is in a group exactly when that country is, so Hong Kong is in each group of China.
    """
    alike = {territory.code: territory.treat_as for territory in territories if territory.treat_as}
    starts = _changes(groups.values())
    days = [(starts[0] if starts else date(2000, 1, 1)) - timedelta(days=1), *starts]
    expanded = tuple(
        MappingProxyType({name: _with_territories(_codes(groups, name, day), alike) for name in groups}) for day in days
    )
    return Periods(starts=starts, groups=expanded)


def _changes(groups: Iterable[Group]) -> tuple[date, ...]:
    days: set[date] = set()
    for member in (member for group in groups for member in group.dated):
        if member.start is not None:
            days.add(member.start)
        if member.end is not None:
            days.add(member.end + timedelta(days=1))
    return tuple(sorted(days))


def _codes(groups: Mapping[str, Group], name: str, day: date) -> frozenset[str]:
    group = groups[name]
    included = frozenset[str]().union(*(_codes(groups, other, day) for other in group.includes))
    excluded = frozenset[str]().union(*(_codes(groups, other, day) for other in group.excludes))
    return (included - excluded) | group.codes | {member.code for member in group.dated if member.on(day)}


def _with_territories(codes: frozenset[str], alike: Mapping[str, str]) -> frozenset[str]:
    members = {code for code, country in alike.items() if country in codes}
    return frozenset(code for code in codes if code not in alike) | members
