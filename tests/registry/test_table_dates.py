"""Dates as tables have them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.proof.instant import MONTHS
from counterfoil.registry.table.dates import DateFormat


@pytest.mark.parametrize(
    ("form", "text", "read"),
    [
        ("%Y-%m-%d", "1995-12-21", "1995-12-21"),
        ("%Y-%m-%d %H:%M", "1995-12-21 00:00", "1995-12-21"),
        ("%d.%m.%Y", "1.2.2003", "2003-02-01"),
        ("%d %b %Y", "3 mar 2020", "2020-03-03"),
        ("%B %d, %Y", "September 30, 1999", "1999-09-30"),
        ("%Y%m%d", "20240229", "2024-02-29"),
        ("%m/%Y", "7/0123", "0123-07"),
        ("%Y", "1902", "1902"),
        ("100%% %Y", "100% 1902", "1902"),
        ("(%Y)", "(1902)", "1902"),
    ],
)
def test_a_date_is_read_as_precisely_as_its_format(form: str, text: str, read: str) -> None:
    assert DateFormat(form, time=False).read(text) == read


@pytest.mark.parametrize(
    ("form", "text", "read"),
    [
        ("%Y-%m-%d %H:%M", "1995-12-21 09:30", "1995-12-21T09:30:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "1995-12-21T09:30:59Z", "1995-12-21T09:30:59Z"),
        ("%Y-%m-%d %H:%M %z", "0995-12-21 09:30 +0130", "0995-12-21T09:30:00+01:30"),
    ],
)
def test_a_time_keeps_its_offset_or_none(form: str, text: str, read: str) -> None:
    assert DateFormat(form, time=True).read(text) == read


@pytest.mark.parametrize(
    "text", ["", "1995-02-29", "1995-13-01", "0000-01-01", "1995-1-1x", "٢٠٢٠-01-01", " 1995-01-01"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="is no date as the format %Y-%m-%d has it"):
        DateFormat("%Y-%m-%d", time=False).read(text)


def test_a_month_that_there_is_not(subtests: pytest.Subtests) -> None:
    for text in ("1 Foo 2020", "1 März 2020"):
        with subtests.test(text), pytest.raises(Malformed, match="is no date"):
            DateFormat("%d %B %Y", time=False).read(text)


def test_a_time_of_day_is_not_lost_in_silence() -> None:
    with pytest.raises(Malformed, match="has a time of day, which a date would lose"):
        DateFormat("%Y-%m-%d %H:%M", time=False).read("1995-12-21 00:01")


@pytest.mark.parametrize(
    ("form", "time", "said"),
    [
        ("%y-%m-%d", False, "has %y, which is not known"),
        ("%Y-%m-%d %", False, "has %, which is not known"),
        ("%m-%d", False, "must have a year"),
        ("%Y-%d", False, "must have a year"),
        ("%Y %Y", False, "each once"),
        ("%Y %b %m", False, "each once"),
        ("", False, "must have a year"),
        ("%Y-%m-%d", True, "must have year, month, day, hour and minute"),
    ],
)
def test_a_format_that_says_too_little_or_too_much(form: str, time: bool, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        DateFormat(form, time=time)


@given(st.dates())
def test_every_day_comes_back(day: date) -> None:
    assert (
        DateFormat("%d/%m/%Y", time=False).read(f"{day.day}/{day.month:02}/{day.year:04}") == day.isoformat()
    )
    named = f"{MONTHS[day.month - 1]} {day.day} {day.year:04}"
    assert DateFormat("%B %d %Y", time=False).read(named) == day.isoformat()
