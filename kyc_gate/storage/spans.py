"""Spans of days: what rows of days add up to, so that sums over any window read a few dozen rows a holder.

INVARIANT: these statements are part of migrations that were shipped, so what they say is never changed.
"""

from __future__ import annotations

SPANS = (16, 256)
"""Days that a span has. A window that begins on any day is read from at most 15 rows of days and 15 of the shorter
spans, and from a row for each of the longer ones after that."""

# A span's part of a row of a day: what falls on it less what its turns lack, counted from the span's first day; and
# the turns. Quotient and remainder apart, as in the sums: so no span leaves 64 bits, whatever its days hold.
_PARTS = tuple(
    part
    for name in ("likely", "high")
    for part in (
        f"{{row}}.{name} / 1000000 - {{row}}.turn_{name} / 1000000 * ({{row}}.day & {{last}})",
        f"{{row}}.{name} % 1000000 - {{row}}.turn_{name} % 1000000 * ({{row}}.day & {{last}})",
        f"{{row}}.turn_{name} / 1000000",
        f"{{row}}.turn_{name} % 1000000",
    )
)
SPAN_COLUMNS = tuple(
    column.format(name) for name in ("likely", "high") for column in ("{}", "{}_rest", "turn_{}", "turn_{}_rest")
)
"""The amounts of a span, in the order of `_PARTS`."""


def span_parts(row: str, days: int) -> list[str]:
    """Return what a row of a day (`row` is its name in SQL) adds to the columns of the span of so many days."""
    return [part.format(row=row, last=days - 1) for part in (*_PARTS, "{row}.runs")]


def span_added(days: int) -> str:
    """Return the statement that adds a new row of a day to its span."""
    columns = (*SPAN_COLUMNS, "runs")
    raised = ", ".join(f"{column} = usage_by_span.{column} + excluded.{column}" for column in columns)
    return (
        f"INSERT INTO usage_by_span (holder, days, start, {', '.join(columns)})"
        f" VALUES (NEW.holder, {days}, NEW.day & -{days}, {', '.join(span_parts('NEW', days))})"
        f" ON CONFLICT (holder, days, start) DO UPDATE SET {raised};"
    )


def span_changed(days: int) -> str:
    """Return the statement that lets the span of a row of a day follow the row's change."""
    columns = zip((*SPAN_COLUMNS, "runs"), span_parts("NEW", days), span_parts("OLD", days), strict=True)
    changed = ", ".join(f"{column} = {column} + ({new}) - ({old})" for column, new, old in columns)
    return (
        f"UPDATE usage_by_span SET {changed} WHERE holder = NEW.holder AND days = {days} AND start = NEW.day & -{days};"
    )


def spans_of_days(days: int) -> str:
    """Return the statement that fills the spans from the rows of days."""
    sums = ", ".join(f"SUM({part})" for part in span_parts("u", days))
    return (
        f"INSERT INTO usage_by_span (holder, days, start, {', '.join((*SPAN_COLUMNS, 'runs'))})"
        f" SELECT u.holder, {days}, u.day & -{days}, {sums} FROM usage_by_day AS u GROUP BY u.holder, u.day & -{days};"
    )


# What the rows of days add up to over spans of days, so that sums over a window read a few dozen rows a holder.
SPAN_TABLE = f"""
CREATE TABLE usage_by_span (
    holder {{integer}} NOT NULL, days INTEGER NOT NULL, start {{integer}} NOT NULL,
    {", ".join(f"{column} {{integer}} NOT NULL" for column in (*SPAN_COLUMNS, "runs"))},
    PRIMARY KEY (holder, days, start)
)"""
