"""Times as the tables hold them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from kyc_gate.errors import InputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MICROS = 86_400_000_000
"""Microseconds that a day has."""


def micros(at: datetime) -> int:
    """Return microseconds since 1970, exactly. Raises `InputError` for a time without its offset from UTC."""
    if at.tzinfo is None:
        raise InputError(f"the time `{at.isoformat()}` has no offset from UTC; add one, such as `+00:00`")
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def day_of(at: datetime) -> int:
    """Return the number of the UTC day that `at` falls on."""
    return micros(at) // DAY_MICROS


def second_of(at: datetime) -> int:
    """Return whole seconds since 1970, rounded down. Raises `InputError` for a time without its offset from UTC."""
    return micros(at) // 1_000_000


def moment(seconds: int) -> datetime:
    """Return the time that many seconds after 1970 began."""
    return _EPOCH + timedelta(seconds=seconds)


def date_of(day: int) -> date:
    """Return the UTC day with a number that `day_of` gave."""
    return (_EPOCH + timedelta(days=day)).date()
