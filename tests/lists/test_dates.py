"""Dates as agencies write them."""

from __future__ import annotations

import pytest

from kyc_gate.lists.dates import day_start, iso_date


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2026-07-09", "2026-07-09"), ("2025-10-06T14:15:21", "2025-10-06"), ("2012-05-17-04:00", "2012-05-17"),
        ("1969", "1969"), ("1969-3", "1969-03"), ("10/20/2017", "2017-10-20"), ("7/18/1988", "1988-07-18"),
        ("10 Dec 1948", "1948-12-10"), ("Dec 1948", "1948-12"), ("November, 1975", "1975-11"),
        ("June 21, 2022", "2022-06-21"), ("21 Jul. 2010", "2010-07-21"), ("circa 1951", "1951~"),
        ("Approximately 1955- 1958", "1955/1958"),
        ("01 Jan 1962 to 31 Dec 1962", "1962-01-01/1962-12-31"), ("", ""), ("unknown", ""), ("31/31/2020", ""),
        ("0000", ""),
        ("30 Feb 2020", ""), ("2020-13-01", ""),
    ],
)  # fmt: skip
def test_a_date_is_as_precise_as_it_is_written(written: str, means: str) -> None:
    """A year stays a year, and what is no date is none."""
    assert iso_date(written) == means


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("03/12/1975", "1975-12-03"),
        ("00/00/1975", "1975"),
        ("00/09/1962", "1962-09"),
        ("dd/mm/1945", "1945"),
        ("05/06/1950", "1950-06-05"),
    ],
)
def test_european_dates_begin_with_the_day(written: str, means: str) -> None:
    """Zeros and letters stand for what is not known."""
    assert iso_date(written, day_first=True) == means


def test_a_day_begins_at_midnight_utc() -> None:
    """A month alone is no moment."""
    moment = day_start("08 Oct 2026")
    assert moment is not None
    assert moment.isoformat() == "2026-10-08T00:00:00+00:00"
    assert day_start("Oct 2026") is None
