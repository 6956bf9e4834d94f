"""Templates and how values look in them: escaped, and with what could not be seen made visible."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kyc_gate.console.assets import ASSETS
from kyc_gate.telemetry.printed import escaped, scientific

ROOT = "/console"
"""Where the console stands on the port of the gate's own interface."""


def rendered(template: str, **of: Any) -> str:
    """Return a template filled in."""
    return _templates().get_template(template).render(**of)


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("kyc_gate.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "root": ROOT,
        "style": ASSETS["style"],
        "keys": ASSETS["keys"],
        "htmx": ASSETS["htmx"],
        "icon": ASSETS["icon"],
    }
    found.filters |= {
        "when": when,
        "day": day,
        "operations": operations,
        "percent": percent,
        "shares": shares,
        "words": words,
        "lines": lines,
        "visible": visible,
        "typed": typed,
    }
    return found


def visible(value: Any) -> Any:
    """Return a text with each control, format and private character as an escape, so that none turns a line around.

    The templates apply it to whatever they print. `Any` because a template prints numbers and markup, too.
    """
    if value is None:
        return ""
    return escaped(str(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


def lines(text: str) -> Markup:
    """Return a text of several lines, each made visible and escaped by itself."""
    return Markup("<br>").join(escaped(line) for line in text.splitlines())


def typed(text: str) -> Markup:
    """Return what somebody typed, for the field that they typed it in: escaped, and otherwise as it was."""
    return Markup.escape(text)


def when(at: datetime | str | None) -> Markup | str:
    """Return a moment in UTC to the minute."""
    found = _moment(at)
    if found is None:
        return "–"
    return Markup('<time datetime="{}">{}</time>').format(found.isoformat(), f"{found:%Y-%m-%d %H:%M} UTC")


def day(at: datetime | str | None) -> Markup | str:
    """Return a moment's day in UTC."""
    found = _moment(at)
    if found is None:
        return "–"
    return Markup('<time datetime="{}">{}</time>').format(found.isoformat(), f"{found:%Y-%m-%d}")


def operations(value: float | Decimal | str | None) -> str:
    """Return a number of operations with three digits, such as `3.1e+25`; `unknown` where it is not known."""
    if value is None:
        return "unknown"
    return scientific(int(Decimal(value)))


def percent(share: float | None) -> str:
    """Return a share (0 to 1) as a percentage; `unknown` where it is not known."""
    return "unknown" if share is None else f"{share:.1%}"


def shares(share: float) -> str:
    """Return a share of a line that may be far beyond it, such as `34.1%` or `169 times`."""
    return f"{share:.1%}" if share < 10 else f"{share:,.0f} times"


def words(name: object) -> str:
    """Return a name of the gate's own vocabulary as words: `false_positive` as `false positive`."""
    return str(name).replace("_", " ").replace("-", " ")


def _moment(at: datetime | str | None) -> datetime | None:
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return at.astimezone(UTC) if at else None
