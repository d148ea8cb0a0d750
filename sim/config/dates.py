"""The calendar of a run: dates, instants and periods, and their conversion to years since the first instant."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sim.config.near_dates import near_date
from sim.config.suggest import likely
from sim.errors import SettingError

MONTHS_PER_YEAR = 12
PERIODS_PER_YEAR = (1, 2, 3, 4, 6, 12, 24, 36, 48)
"""Lengths of period whose instants fall on whole months, or split each month evenly."""
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
_OTHER_YEAR = re.compile(r"([+-]?[0-9]+)-[0-9]{2}(?:-[0-9]{2})?")
YEARS = "years 0001 to 9999, in four digits"
"""The years that dates and arrays of instants can represent."""


def read_date(text: str) -> date:
    """A date from '2025-08-08', or the first of the month from '2025-08'.

    >>> read_date("2025-08")
    datetime.date(2025, 8, 1)
    """
    match = _DATE.fullmatch(text)
    if (other := _OTHER_YEAR.fullmatch(text)) and (not match or int(match[1]) == 0):
        raise ValueError(f"{text!r} is not a date: {other[1]} is not a year; allowed: {YEARS}")
    if not match:
        raise ValueError(f"{text!r} is not a date; allowed: 2025-08 or 2025-08-08")
    try:
        return date(int(match[1]), int(match[2]), int(match[3] or 1))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: {error}") from None


def month(when: date) -> str:
    """The year and month of a date as YYYY-MM.

    >>> month(date(987, 6, 5))
    '0987-06'
    """
    return when.isoformat()[:7]


def months(when: date) -> float:
    """Months since year 0, with the day as a fraction of its own month."""
    return when.year * MONTHS_PER_YEAR + when.month - 1 + (when.day - 1) / calendar.monthrange(when.year, when.month)[1]


@dataclass(frozen=True)
class Window:
    """The stretch of time that a run covers: `start` and `end` are instants, with equal periods between them."""

    start: date
    end: date
    periods_per_year: int = MONTHS_PER_YEAR

    @property
    def dt(self) -> float:
        """Length of one period in years."""
        return 1.0 / self.periods_per_year

    @property
    def periods(self) -> int:
        """Number of whole periods from start to end."""
        return round((months(self.end) - months(self.start)) * self.periods_per_year / MONTHS_PER_YEAR)

    def years(self, when: date) -> float:
        """Years from the first instant to a date (negative before it)."""
        return (months(when) - months(self.start)) / MONTHS_PER_YEAR

    def instant(self, index: int) -> date:
        """The date of an instant; inside a month, the day that the even split falls on."""
        whole = months(self.start) + index * MONTHS_PER_YEAR / self.periods_per_year
        month = int(whole + 1e-9)
        year, month_of_year = divmod(month, MONTHS_PER_YEAR)
        length = calendar.monthrange(year, month_of_year + 1)[1]
        return date(year, month_of_year + 1, 1 + int((whole - month) * length + 1e-6))

    @property
    def instants(self) -> list[date]:
        """The dates of all instants, one more than there are periods."""
        return [self.instant(index) for index in range(self.periods + 1)]


def dates(key: str, value: object) -> tuple[date, date]:
    """A date, or the interval {from, to} that it is drawn from, as two dates."""
    if isinstance(value, Mapping):
        if set(value) != {"from", "to"}:
            odd = next((str(name) for name in value if name not in ("from", "to")), "")
            allowed = "{from: 2026-01-01, to: 2027-01-01}"
            raise SettingError(key, f"{dict(value)} is not an interval", allowed, likely(odd, ("from", "to")))
        first, last = one_date(f"{key}.from", value["from"]), one_date(f"{key}.to", value["to"])
        if last < first:
            raise SettingError(f"{key}.to", f"{last} is before {first}", "the later date")
        return first, last
    day = one_date(key, value)
    return day, day


def one_date(key: str, value: object) -> date:
    """A date from its text, or a `SettingError` that names the key."""
    text = str(value)
    try:
        return read_date(text)
    except ValueError as error:
        wrong, _, allowed = str(error).partition("; allowed: ")
        raise SettingError(key, wrong, allowed or "2025-08 or 2025-08-08", near_date(text)) from None
