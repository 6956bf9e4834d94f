"""What a control group has used, and when it will reach the lines of the policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from kyc_gate.model.record import Record
from kyc_gate.model.usage import DayUsage, Usage
from kyc_gate.policy.policy import Policy
from kyc_gate.reports.chart import render_usage_chart
from kyc_gate.reports.projection import Crossing, Line, crossing, cumulative, pace
from kyc_gate.storage.store import Store


class GroupUsage(Record):
    """One control group over the window, its days and its crossings."""

    usage: Usage
    days: tuple[DayUsage, ...]
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
    used = await store.fetch_daily_usage(name, since, now)
    points, at, today = cumulative(used), pace(used, now.date()), now.date()
    lines = [line for policy in policies for line in policy_lines(policy)]
    return GroupUsage(
        usage=usage,
        days=used,
        crossings=tuple(crossing(line, points, at, today) for line in lines),
        since=since.date(),
        today=today,
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
    at = pace(shown.days, shown.today)
    return render_usage_chart(title, cumulative(shown.days), shown.crossings, at, shown.today)
