"""When somebody is at work: hours that a case may wait are counted on days and at hours when a person can look."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kyc_gate.errors import ConfigurationError
from kyc_gate.model.record import Record

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MOST_DAYS = 3_660
"""Days that are looked through at most: ten years. A calendar on which nobody ever works is an error before that."""


class BusinessCalendar(Record, dict=True):
    """Working hours of one office. `holidays` are the operator's own; `country` adds those of the package `holidays`.

    A day belongs to the office's time zone; clocks that are put forward or back make it shorter or longer.
    """

    time_zone: str = "UTC"
    days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    opens: time = time(9)
    closes: time = time(17)
    holidays: tuple[date, ...] = ()
    country: str | None = None
    subdivision: str | None = None

    def check(self) -> None:
        """Raise `ConfigurationError` for a calendar that no case could ever be due by."""
        if not self.days or set(self.days) - set(WEEKDAYS):
            raise ConfigurationError(f"`cases.calendar.days` takes {', '.join(WEEKDAYS)}, at least one")
        if self.opens >= self.closes:
            raise ConfigurationError("`cases.calendar.closes` is not after `opens`")
        _ = self._zone
        self._public(2026)

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigurationError(
                f"`cases.calendar.time_zone`: `{self.time_zone}` is not known here; names are like `Europe/Oslo`,"
                " and a system without time zones needs the package `tzdata`"
            ) from error

    @cached_property
    def _years(self) -> dict[int, frozenset[date]]:
        return {}

    def _public(self, year: int) -> frozenset[date]:
        """Return the country's holidays of a year. Raises `ConfigurationError` where they are not to be had."""
        if self.country is None:
            return frozenset()
        if year not in self._years:
            try:
                import holidays
            except ImportError as error:
                raise ConfigurationError("`cases.calendar.country` needs the extra `calendar`") from error
            try:
                found = holidays.country_holidays(self.country, subdiv=self.subdivision, years=year)
            except NotImplementedError as error:
                raise ConfigurationError(f"`cases.calendar.country`: {error}") from error
            self._years[year] = frozenset(found)
        return self._years[year]

    def works_on(self, day: date) -> bool:
        """Return whether anybody works on the day."""
        return WEEKDAYS[day.weekday()] in self.days and day not in self.holidays and day not in self._public(day.year)

    def after(self, at: datetime, hours: float) -> datetime:
        """Return the moment, in UTC, by which `hours` of work have passed since `at`."""
        left = timedelta(hours=hours)
        now = at.astimezone(UTC)
        day = at.astimezone(self._zone).date()
        for number in range(MOST_DAYS):
            each = day + timedelta(days=number)
            if not self.works_on(each):
                continue
            # Compared and added in UTC: local times of one zone are subtracted as if its clock were never changed.
            opens = max(datetime.combine(each, self.opens, self._zone).astimezone(UTC), now)
            closes = datetime.combine(each, self.closes, self._zone).astimezone(UTC)
            if closes <= opens:
                continue
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise ConfigurationError("`cases.calendar`: nobody works for ten years, so that no case is ever due")
