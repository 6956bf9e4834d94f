"""What a control group has used, and when it will reach the lines of the policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from kyc_gate.model.record import Record
from kyc_gate.model.usage import DayUsage, Usage
from kyc_gate.policy.policy import Policy
from kyc_gate.reports.chart import render_usage_chart
from kyc_gate.reports.projection import Crossing, Line, Pace, Point, crossing, cumulative, pace
from kyc_gate.storage.store import Store


class GroupUsage(Record):
    """One control group over the window: its days, what it had used by the end of each, its pace and its crossings.

    `days` go on after `today` where runs are planned or have no end; `points` end now.
    """

    usage: Usage
    days: tuple[DayUsage, ...]
    points: tuple[Point, ...]
    pace: Pace
    crossings: tuple[Crossing, ...]
    since: date
    today: date


async def group_usage(
    store: Store, name: str, policies: Sequence[Policy], *, days: int, now: datetime
) -> GroupUsage | None:
    """Return what a control group used in the last `days`; None where the ledger has nothing of it."""
    since = now - timedelta(days=days)
    usage = await store.fetch_usage(name, since, now)
    if usage is None:
        return None
    today = now.date()
    # Tomorrow tells what goes on.
    used = await store.fetch_daily_usage(name, since, now + timedelta(days=1))
    points, at = _until_now(used, usage, today), pace(used, today)
    lines = [line for policy in policies for line in policy_lines(policy)]
    return GroupUsage(
        usage=usage,
        days=used,
        points=points,
        pace=at,
        crossings=tuple(crossing(line, points, at, today) for line in lines),
        since=since.date(),
        today=today,
    )


def _until_now(days: Sequence[DayUsage], usage: Usage, today: date) -> tuple[Point, ...]:
    """Return the running sums up to now: a day holds all of itself, and what is left of today is still to come."""
    points = cumulative([each for each in days if each.day <= today])
    return tuple(
        Point(day=each.day, likely=min(each.likely, usage.likely), high=min(each.high, usage.high)) for each in points
    )


def policy_lines(policy: Policy) -> list[Line]:
    """Return the numbers of operations at which `policy` begins to ask: its limits, and the share where it approaches.

    They are taken as reached by the number itself: the rules of the shipped packs compare so.
    """
    found = {name: int(value) for name, value in policy.limits.items() if name.endswith("_operations")}
    share, frontier = policy.limits.get("approach_share"), found.get("frontier_operations")
    if share is not None and frontier is not None:
        found["approach"] = int(share * frontier)
    return [
        Line(
            name=f"{policy.reference.name}.{name}",
            operations=value,
            title=f"{name} ({policy.reference.name}) {value:.2e}",
        )
        for name, value in sorted(found.items(), key=lambda each: each[1])
    ]


def draw_usage(shown: GroupUsage) -> str:
    """Return the chart of a control group against the lines, as an SVG document."""
    title = f"Operations of {shown.usage.control_group}"
    return render_usage_chart(title, shown.points, shown.crossings, shown.pace, shown.today)
