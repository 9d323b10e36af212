"""Times: one form only, UTC, to the second, and the same on every Python."""

from __future__ import annotations

import calendar
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.proof.instant import instant, instant_text

LAST = 253_402_300_799


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01Z", 1),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2026-11-23T10:00:00Z", 1_795_428_000),
        ("2038-01-19T03:14:08Z", 2_147_483_648),
        ("9999-12-31T23:59:59Z", LAST),
    ],
)
def test_a_time_and_its_seconds(text: str, seconds: int) -> None:
    assert instant(text) == seconds
    assert instant_text(seconds) == text


@given(st.integers(0, LAST))
def test_every_second_has_one_text(seconds: int) -> None:
    text = instant_text(seconds)
    assert instant(text) == seconds
    assert calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) == seconds


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_texts_sort_as_times_do(one: int, other: int) -> None:
    assert (instant_text(one) < instant_text(other)) is (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-11-23",
        "2026-11-23T10:00Z",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00:00+00:00",
        "2026-11-23T10:00:00.0Z",
        "2026-11-23t10:00:00z",
        "2026-11-23 10:00:00Z",
        " 2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00Z\n",
        "+2026-11-23T10:00:00Z",
        "20026-11-23T10:00:00Z",
        "-026-11-23T10:00:00Z",
        "٢٠٢٦-11-23T10:00:00Z",
        "2026-W48-1T10:00:00Z",
    ],
)
def test_any_other_form_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="is not a time; write it as 2026-11-23T10:00:00Z"):
        instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T10:00:00Z",
        "2026-00-01T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-01-00T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "2026-11-23T10:60:00Z",
        "2016-12-31T23:59:60Z",  # a leap second, which POSIX time does not have
        "2026-11-23T24:00:00Z",  # which `fromisoformat` takes from Python 3.13 on
        "0000-01-01T00:00:00Z",
    ],
)
def test_a_time_that_never_was_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="is not a time"):
        instant(text)


def test_times_begin_in_1970_and_end_in_9999() -> None:
    with pytest.raises(Malformed, match="lies before 1970"):
        instant("1969-12-31T23:59:59Z")
    with pytest.raises(Malformed, match="lies before 1970"):
        instant_text(-1)
    for seconds in (LAST + 1, 10**30):
        with pytest.raises(Malformed, match="lies after the year 9999"):
            instant_text(seconds)


def test_a_long_text_is_not_repeated_in_the_message() -> None:
    with pytest.raises(Malformed) as caught:
        instant("2" * 100_000)
    assert len(str(caught.value)) < 120
