"""Numbers, times and values as people read them; charts in shapes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.proof.report import WITNESSED
from counterfoil.web.portal.charts import Bar, bars
from counterfoil.web.portal.words import LEVELS, brief, day, duration, moment, number, plain, plural, size


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-23T10:04:59Z", "23 November 2026, 10:04"),
        ("2016-04-05", "5 April 2016"),
        ("2016-04", "April 2016"),
        ("1066", "1066"),
        ("2026-11-23T10:04:59+02:00", "23 November 2026, 10:04 (+02:00)"),
        ("2016-13-05", "2016-13-05"),
        ("some time ago", "some time ago"),
        ("", ""),
        (None, ""),
    ],
)
def test_times_are_written_as_people_write_them(text: str | None, said: str) -> None:
    assert moment(text) == said


def test_a_day_leaves_the_time_out() -> None:
    assert day("2026-11-23T10:04:59Z") == "23 November 2026"


def test_numbers_have_thin_spaces() -> None:
    assert number(1_234_567) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"
    assert [plural(count, "entry") for count in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
    assert plural(3, "record") == "3 records"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "none"),
        (True, "yes"),
        (False, "no"),
        (12, "12"),
        (["a", 1], "a, 1"),
        ([{"a": 1}], '[{"a":1}]'),
        ({"b": None}, '{"b":null}'),
        ("  a \n b ", "  a \n b "),
    ],
)
def test_values_are_a_line_of_text(value: object, said: str) -> None:
    assert plain(value) == said


@given(st.text(), st.integers(2, 100))
def test_a_brief_value_is_brief_and_in_one_line(text: str, most: int) -> None:
    said = brief(text, most)
    assert len(said) <= most
    assert said == " ".join(said.split())


def test_whether_witnesses_are_independent_is_left_to_who_reads() -> None:
    assert LEVELS[WITNESSED] == (
        "The witnesses that the trust policy names have cosigned this log. Whether they are independent of this agency "
        "is for you to judge; if they are, showing the log to different people in different forms would come to light."
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0021, "2 ms"), (2.71, "2.7 seconds"), (61, "1 minute 1 seconds"), (3605.2, "60 minutes 5 seconds")],
)
def test_how_long_something_took(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 byte"),
        (12, "12 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (14_210, "14.2 kB"),
        (3_100_000, "3.1 MB"),
    ],
)
def test_how_long_a_file_is(count: int, said: str) -> None:
    assert size(count) == said


def test_a_chart_has_a_shape_for_each_value_and_words_for_who_cannot_see_it() -> None:
    chart = bars(
        [Bar("May", 50), Bar("June", 0), Bar("<July>", 1000), Bar("August", 1)], "Entries by <month>"
    )
    assert 'role="img" aria-label="Entries by &lt;month&gt;"' in chart
    assert chart.count("<rect") == 3
    assert 'y="95" width="8" height="5"><title>May: 50</title>' in chart
    assert 'y="0" width="8" height="100"><title>&lt;July&gt;: 1\N{NARROW NO-BREAK SPACE}000</title>' in chart
    assert 'y="98" width="8" height="2"><title>August: 1</title>' in chart
    assert "style" not in chart


def test_a_chart_of_nothing_is_empty() -> None:
    assert "<rect" not in bars([], "Nothing")
    assert "<rect" not in bars([Bar("May", 0)], "Nothing")
