"""Dates in other formats: the accepted date that was likely meant."""

import calendar
import re
import unicodedata

_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTHS = ("", *_NAMES)
_YEAR = r"(?P<year>[0-9]{4})"
_MONTH = r"(?P<month>[0-9]{1,2})"
_DAY = r"(?P<day>[0-9]{1,2})"
_WORD = r"(?P<word>[a-z]{3,9})\.?"
_BETWEEN = r"[-/ .,_]+"
_FORMS = tuple(
    re.compile(form + r"(?:[t ][0-9:.]+z?)?")
    for form in (
        _YEAR,
        f"{_YEAR}{_BETWEEN}{_MONTH}(?:{_BETWEEN}{_DAY})?",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})?",
        f"{_MONTH}{_BETWEEN}{_YEAR}",
        f"{_DAY}{_BETWEEN}{_MONTH}{_BETWEEN}{_YEAR}",
        f"(?:{_DAY}{_BETWEEN})?{_WORD}{_BETWEEN}{_YEAR}",
        f"{_WORD}{_BETWEEN}{_DAY}{_BETWEEN}{_YEAR}",
        f"{_YEAR}{_BETWEEN}{_WORD}(?:{_BETWEEN}{_DAY})?",
    )
)


def near_date(text: str) -> str:
    """The date that a text likely means, as 2025-08 or 2025-08-08; empty where it is unclear.

    >>> near_date("2032"), near_date("2032/1"), near_date("Jan 2032"), near_date("08.08.2025"), near_date("3.4.2025")
    ('2032-01', '2032-01', '2032-01', '2025-08-08', '')
    """
    text = "".join("-" if unicodedata.category(letter) == "Pd" else letter for letter in unicodedata.normalize("NFKC", text))
    found = next((one for form in _FORMS if (one := form.fullmatch(text.strip().casefold()))), None)
    if found is None:
        return ""
    parts = found.groupdict()
    year, word = int(parts["year"]), parts.get("word")
    day, month = int(parts.get("day") or 0), int(parts.get("month") or 0)
    if word:
        month = next((at for at, name in enumerate(_MONTHS) if at and name.startswith(word)), 0)
        if not month:
            return ""
    elif found.re.pattern.startswith(_DAY):  # in some countries the day comes first, in others the month
        if day <= 12 and month <= 12 and day != month:
            return ""
        day, month = (month, day) if month > 12 else (day, month)
    return _within(year, month, day)


def _within(year: int, month: int, day: int) -> str:
    """The date inside the calendar that is nearest to some numbers; without a day where it is 0."""
    if not 1 <= year <= 9999 or month > 99:
        return ""
    month = min(max(month, 1), 12)
    if not day:
        return f"{year:04d}-{month:02d}"
    return f"{year:04d}-{month:02d}-{min(day, calendar.monthrange(year, month)[1]):02d}"
