"""Dates that may be partial or uncertain, and durations added to them.

A date is `2026`, `2026-11` or `2026-11-24`, which may be followed by `~` (approximate), `?` (uncertain) or `%` (both):
the subset of the Extended Date/Time Format (ISO 8601-2:2019, levels 0 and 1) that registers keep. A plain one is the
interval of days that it covers; a marked one decides nothing. Days are counted from 1970-01-01 in the proleptic
Gregorian calendar.
"""

from __future__ import annotations

import re
from calendar import monthrange
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import Malformed

_FORM: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T[\d:.]{5,12}(?:Z|[+-]\d\d:\d\d))?)?)?([~?%]?)", re.ASCII
)
_DURATION: Final = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?", re.ASCII)
_DAY: Final = 86_400


class Interval(NamedTuple):
    """The days that a date covers, both included. `sure`: it is not marked as approximate or uncertain."""

    first: int
    last: int
    sure: bool = True


class Duration(NamedTuple):
    """Years, months and days, as ISO 8601 writes them (`P18Y`, `P1Y6M`, `P14D`)."""

    years: int = 0
    months: int = 0
    days: int = 0


@lru_cache(maxsize=4096)
def parse_date(text: str) -> Interval:
    """The days that a date covers; a time counts as the day that it names. Raises `Malformed`."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise Malformed(
            "a date is written as 2026, 2026-11 or 2026-11-24, and ~, ? or % after it where it is not sure"
        )
    year, month, day, mark = found.groups()
    low, high = int(month or 1), int(month or 12)
    if not 1 <= low <= high <= 12:
        raise Malformed("a date's month is from 01 to 12")
    length = _month_length(int(year), high)
    if day is not None and not 1 <= int(day) <= length:
        raise Malformed("a date names a day that its month does not have")
    first, last = int(day or 1), int(day or length)
    return Interval(_days(int(year), low, first), _days(int(year), high, last), not mark)


def day_of(seconds: int) -> Interval:
    """The day, in UTC, of a time in seconds since 1970."""
    return Interval(seconds // _DAY, seconds // _DAY)


@lru_cache(maxsize=256)
def parse_duration(text: str) -> Duration:
    """Read `PnYnMnD`, any of its parts. Raises `Malformed`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Malformed(f"{text[:40]!r} is no duration; write it as P18Y, P6M, P14D or P1Y6M")
    return Duration(*(int(part or 0) for part in found.groups()))


def later(interval: Interval, duration: Duration) -> Interval:
    """The interval a duration later. A day that the month does not have becomes its last.

    Source: XML Schema 1.1 part 2, appendix E (adding durations to dateTimes): 29 February and a year is 28 February.
    """
    return Interval(_add(interval.first, duration), _add(interval.last, duration), interval.sure)


def _add(days: int, duration: Duration) -> int:
    year, month, day = _civil(days)
    months = year * 12 + month - 1 + duration.years * 12 + duration.months
    year, month = months // 12, months % 12 + 1
    return _days(year, month, min(day, _month_length(year, month))) + duration.days


def _month_length(year: int, month: int) -> int:
    # The calendar repeats itself every 400 years, and `monthrange` knows only the years 1 to 9999.
    return monthrange(2000 + year % 400, month)[1]


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Source: E. M. Reingold and N. Dershowitz, Calendrical Calculations, Gregorian."""
    past = year - (month <= 2)
    era, of_era = divmod(past, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _civil(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    months = (5 * of_year + 2) // 153
    month = (months + 2) % 12 + 1
    return year + era * 400 + (month <= 2), month, of_year - (153 * months + 2) // 5 + 1
