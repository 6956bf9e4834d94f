"""Hours of work, counted over nights, weekends, holidays, and clocks that are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kyc_gate.errors import ConfigurationError
from kyc_gate.service.business_calendar import BusinessCalendar
from kyc_gate.service.settings import Settings

OSLO = BusinessCalendar(time_zone="Europe/Oslo", holidays=(date(2026, 12, 24),))


@pytest.mark.parametrize(
    ("at", "hours", "due"),
    [
        pytest.param("2026-11-27T10:00", 2, "2026-11-27T12:00", id="the-same-day"),
        pytest.param("2026-11-27T15:30", 4, "2026-11-30T11:30", id="over-a-weekend"),
        pytest.param("2026-11-28T12:00", 1, "2026-11-30T09:00", id="opened-on-a-saturday"),
        pytest.param("2026-12-23T15:00", 2, "2026-12-25T09:00", id="over-a-holiday-of-ones-own"),
        pytest.param("2026-03-27T15:00", 2, "2026-03-30T08:00", id="over-the-change-to-summer-time"),
        pytest.param("2026-11-27T03:00", 1, "2026-11-27T09:00", id="before-it-opens"),
    ],
)
def test_only_hours_of_work_count(at: str, hours: float, due: str) -> None:
    """Times are UTC; the office is open from nine to five in Oslo."""
    begun, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, due))
    assert OSLO.after(begun, hours) == expected
    assert Settings(calendar=OSLO, due_hours=hours).due_at(begun, urgent=False) == expected


def test_holidays_of_a_country_count() -> None:
    """The seventeenth of May is a holiday in Norway."""
    norway = BusinessCalendar(time_zone="Europe/Oslo", country="NO")
    assert norway.after(datetime(2027, 5, 14, 14, 0, tzinfo=UTC), 2).date() == date(2027, 5, 18)


@pytest.mark.parametrize(
    ("of", "says"),
    [
        pytest.param({"days": ()}, "`cases.calendar.days`", id="no-day"),
        pytest.param({"days": ("monday",)}, "`cases.calendar.days`", id="misspelt"),
        pytest.param({"time_zone": "Europe/Olso"}, "`Europe/Olso`", id="zone"),
        pytest.param({"country": "XX"}, "`cases.calendar.country`", id="country"),
    ],
)
def test_a_calendar_that_is_none_is_refused(of: dict[str, object], says: str) -> None:
    """The error names the key."""
    with pytest.raises(ConfigurationError, match=says):
        BusinessCalendar(**of).check()  # type: ignore[arg-type]
