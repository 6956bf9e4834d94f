"""Links between requests as rows, and how close to a line they keep. Callers hold the transaction.

A link is a kind and the digest of a value: an image, a checkpoint, a key pair. The value itself is not kept. One that
many accounts name is public (a provider's own image), and links nobody; where a run's output goes is never public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from kyc_gate.model.splitting import Linked, Near, Pieces, Resumed
from kyc_gate.model.usage import HoldRequest
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.spread import OPERATIONS_A_UNIT
from kyc_gate.storage.timestamps import date_of

COMMON_ACCOUNTS = 10
"""A value that more accounts name than this is everybody's."""

PLACES = MappingProxyType({"checkpoint": 50, "output": 50})
"""Where runs are resumed from and written to: fewer strangers share such a place, and pieces of one run all do.

A checkpoint that more accounts name than this is everybody's. An output is not: of one that more share, the first that
did are added up.
"""

MOST_LINKS = 16
"""Links of one request that are kept."""

MOST_SHOWN = 10
"""Accounts that the evidence names for a link, and for requests near a line."""

NEAR_SHARE = (4, 5)
"""From four fifths of a line on a request keeps close to it: structuring below reporting lines is looked for so."""

RESUMED = ("checkpoint", "output")


def note(connection: Connection, request: HoldRequest, holder: int, day: int) -> None:
    """Note what a request of a day names, and whether it keeps just under a line."""
    for kind, value in request.links[:MOST_LINKS]:
        connection.execute(
            "INSERT INTO run_links (kind, value, holder, first_day, last_day, runs) VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (kind, value, holder) DO UPDATE SET runs = run_links.runs + 1,"
            " last_day = CASE WHEN excluded.last_day > run_links.last_day THEN excluded.last_day"
            " ELSE run_links.last_day END",
            (kind, value, holder, day, day),
        )
    if request.lines:
        near = any(
            line * NEAR_SHARE[0] <= request.likely * NEAR_SHARE[1] and request.likely < line for line in request.lines
        )
        units = min(-(-request.likely // OPERATIONS_A_UNIT), 2**53)
        connection.execute(
            "INSERT INTO asked_by_day (holder, day, runs, likely, near_runs, near_likely) VALUES (?, ?, 1, ?, ?, ?)"
            " ON CONFLICT (holder, day) DO UPDATE SET runs = asked_by_day.runs + 1,"
            " likely = asked_by_day.likely + excluded.likely, near_runs = asked_by_day.near_runs + excluded.near_runs,"
            " near_likely = asked_by_day.near_likely + excluded.near_likely",
            (holder, day, units, int(near), units if near else 0),
        )


PRUNED_AT_ONCE = 500
"""Rows that go in one operation, so that calls wait for no more than a few milliseconds."""

_OLD = (
    "DELETE FROM run_links WHERE (kind, value, holder) IN"
    " (SELECT kind, value, holder FROM run_links WHERE last_day < ? LIMIT ?)",
    "DELETE FROM asked_by_day WHERE (holder, day) IN (SELECT holder, day FROM asked_by_day WHERE day < ? LIMIT ?)",
)


def prune(connection: Connection, before_day: int) -> int:
    """Drop some rows that no window from `before_day` on reads, and return how many there were.

    Holders stay: the sums since a control group was first seen hang on them.
    """
    return sum(connection.execute(sql, (before_day, PRUNED_AT_ONCE)).rowcount for sql in _OLD)


def pieces_of(connection: Connection, request: HoldRequest, since: int, usage_within: Callable[[str], int]) -> Pieces:
    """Return what the request shares with other control groups, what those use, and how close to lines it keeps.

    The request's window begins with the day `since`; `usage_within` gives a control group's likely operations in it.
    """
    named = tuple(_named(connection, request.links, since))
    resumed = tuple(
        Resumed(kind=kind, runs=sum(int(runs) for *_, runs in rows), accounts=_accounts(rows), since=_since(rows))
        for kind, rows in named
        if kind in RESUMED
    )
    asked_runs, asked, near_runs, near = _asked(connection, request.control_group, since)
    return replace(
        _linked(named, request.control_group, usage_within),
        resumed=resumed,
        kept_near=_kept_near(connection, request.control_group, since) if near_runs else (),
        restarts=max((each.runs for each in resumed), default=0),
        asked_runs=asked_runs,
        near_runs=near_runs,
        asked=asked * OPERATIONS_A_UNIT,
        near=near * OPERATIONS_A_UNIT,
    )


def linked_of(
    connection: Connection,
    control_group: str,
    names: Sequence[tuple[str, str]],
    since: int,
    usage_within: Callable[[str], int],
) -> Pieces:
    """Return which other control groups name the same since a day, and what those use; nothing of what was asked for.

    `names` are links of a request of the control group.
    """
    return _linked(tuple(_named(connection, names, since)), control_group, usage_within)


def _named(connection: Connection, names: Sequence[tuple[str, str]], since: int) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the kind of each link that is nobody's alone and not everybody's, with who named it, the first first."""
    for kind, value in names[:MOST_LINKS]:
        most = PLACES.get(kind, COMMON_ACCOUNTS)
        rows = connection.execute(
            "SELECT h.account, h.control_group, l.first_day, l.runs FROM run_links AS l"
            " JOIN holders AS h ON h.id = l.holder WHERE l.kind = ? AND l.value = ? AND l.last_day >= ?"
            " ORDER BY l.first_day, h.account LIMIT ?",
            (kind, value, since, most + 1),
        ).fetchall()
        if rows and (len(rows) <= most or kind == "output"):
            yield kind, rows[:most]


def _linked(
    named: Sequence[tuple[str, Sequence[Any]]], control_group: str, usage_within: Callable[[str], int]
) -> Pieces:
    shared = [(kind, [row for row in rows if row[1] != control_group]) for kind, rows in named]
    groups = {str(group) for _, others in shared for _, group, _, _ in others}
    return Pieces(
        linked=tuple(
            Linked(kind=kind, accounts=_accounts(others), since=_since(others)) for kind, others in shared if others
        ),
        linked_operations=sum(usage_within(group) for group in sorted(groups)),
    )


def _accounts(rows: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(account) for account, *_ in rows}))[:MOST_SHOWN]


def _since(rows: Sequence[Any]) -> str:
    return date_of(min(int(day) for _, _, day, _ in rows)).isoformat()


def _kept_near(connection: Connection, control_group: str, since: int) -> tuple[Near, ...]:
    """Return which accounts of a control group kept near a line, those with the most such requests first."""
    rows = connection.execute(
        "SELECT h.account, SUM(a.near_runs), MIN(a.day), MAX(a.day)"
        " FROM holders AS h JOIN asked_by_day AS a ON a.holder = h.id"
        " WHERE h.control_group = ? AND a.day >= ? AND a.near_runs > 0"
        " GROUP BY h.account ORDER BY SUM(a.near_runs) DESC, h.account LIMIT ?",
        (control_group, since, MOST_SHOWN),
    ).fetchall()
    return tuple(
        Near(
            account=str(account),
            runs=int(runs),
            first=date_of(int(first)).isoformat(),
            last=date_of(int(last)).isoformat(),
        )
        for account, runs, first, last in rows
    )


def _asked(connection: Connection, control_group: str, since: int) -> tuple[int, int, int, int]:
    row = connection.execute(
        "SELECT SUM(a.runs), SUM(a.likely / 1000000), SUM(a.near_runs), SUM(a.near_likely / 1000000)"
        " FROM holders AS h JOIN asked_by_day AS a ON a.holder = h.id WHERE h.control_group = ? AND a.day >= ?",
        (control_group, since),
    ).fetchone()
    if row[0] is None:
        return 0, 0, 0, 0
    runs, likely, near_runs, near = map(int, row)
    return runs, likely * 1_000_000, near_runs, near * 1_000_000
