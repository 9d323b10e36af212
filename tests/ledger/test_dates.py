"""Partial and uncertain dates as intervals of days, and durations added to them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.ledger.dates import Duration, Interval, day_of, later, parse_date, parse_duration

EPOCH = date(1970, 1, 1)


def covering(first: date, last: date) -> Interval:
    return Interval((first - EPOCH).days, (last - EPOCH).days)


@given(st.dates())
def test_a_day_is_itself(day: date) -> None:
    assert parse_date(day.isoformat()) == covering(day, day)


@given(st.dates())
def test_a_month_and_a_year_cover_their_days(day: date) -> None:
    last = day.replace(day=monthrange(day.year, day.month)[1])
    assert parse_date(day.isoformat()[:7]) == covering(day.replace(day=1), last)
    assert parse_date(day.isoformat()[:4]) == covering(date(day.year, 1, 1), date(day.year, 12, 31))


@pytest.mark.parametrize("mark", ["~", "?", "%"])
@pytest.mark.parametrize("text", ["1931", "1931-05", "1931-05-02"])
def test_a_mark_says_that_a_date_is_not_sure(text: str, mark: str) -> None:
    assert parse_date(text + mark) == parse_date(text)._replace(sure=False)


@pytest.mark.parametrize("text", ["2026-11-23T10:00:00Z", "2026-11-23T23:59:59+02:00", "2026-11-23T10:00Z"])
def test_a_time_counts_as_the_day_that_it_names(text: str) -> None:
    assert parse_date(text) == parse_date("2026-11-23")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-02-29",
        "2026-02-00",
        "2026-11-31",
        "2026-11-23~?",
    ],
)
def test_a_text_that_names_no_day_is_no_date(text: str) -> None:
    with pytest.raises(Malformed, match="a date"):
        parse_date(text)


@pytest.mark.parametrize(
    "text",
    ["~2026", "2026-11-23T10", "23.11.2026", "2026-11-23 ", "-0044", "2026/2027", "\u0662\u0660\u0662\u0666"],
)
def test_anything_else_is_no_date(text: str) -> None:
    with pytest.raises(Malformed, match="a date"):
        parse_date(text)


@given(st.integers(0, 4 * 10**9))
def test_a_time_lies_on_its_day_in_utc(seconds: int) -> None:
    assert day_of(seconds) == covering(*[EPOCH + timedelta(seconds=seconds)] * 2)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P18Y", (18, 0, 0)),
        ("P6M", (0, 6, 0)),
        ("P14D", (0, 0, 14)),
        ("P1Y2M3D", (1, 2, 3)),
        ("P0D", (0, 0, 0)),
    ],
)
def test_a_duration_has_years_months_and_days(text: str, duration: tuple[int, ...]) -> None:
    assert parse_duration(text) == Duration(*duration)


@pytest.mark.parametrize("text", ["", "P", "18Y", "P1W", "PT1H", "P-1Y", "P1.5Y", "P1D1Y", "P1Y ", "p1y"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(Malformed, match="is no duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2008-11-23", "P18Y", "2026-11-23"),
        ("2008-02-29", "P18Y", "2026-02-28"),
        ("2008-02-29", "P20Y", "2028-02-29"),
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2026-12-15", "P1M", "2027-01-15"),
        ("2026-11-23", "P14D", "2026-12-07"),
        ("2026-01-31", "P1Y1M1D", "2027-03-01"),
        ("2008", "P18Y", "2026"),
    ],
)
def test_a_duration_is_added_as_a_calendar_has_it(start: str, duration: str, end: str) -> None:
    assert later(parse_date(start), parse_duration(duration)) == parse_date(end)


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(0, 999), st.integers(0, 10_000))
def test_a_later_date_is_that_of_the_standard_library(day: date, years: int, count: int) -> None:
    year = day.year + years
    end = date(year, day.month, min(day.day, monthrange(year, day.month)[1])) + timedelta(days=count)
    assert later(covering(day, day), Duration(years, 0, count)) == covering(end, end)


@given(st.dates(), st.integers(0, 400), st.integers(0, 30), st.integers(0, 30))
def test_of_two_dates_the_later_one_stays_the_later(day: date, apart: int, months: int, count: int) -> None:
    first = covering(day, day).first
    moved = later(Interval(first, first + apart), Duration(0, months, count))
    assert moved.first <= moved.last
