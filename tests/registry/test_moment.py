"""Days and times: each names a span, with a first and a last second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.registry.moment import earliest, latest


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2016", (2016, 1, 1, 0, 0, 0), (2016, 12, 31, 23, 59, 59)),
        ("2016-04", (2016, 4, 1, 0, 0, 0), (2016, 4, 31, 23, 59, 59)),
        ("2016-04-05", (2016, 4, 5, 0, 0, 0), (2016, 4, 5, 23, 59, 59)),
        ("2016-04-05T13:23Z", (2016, 4, 5, 13, 23, 0), (2016, 4, 5, 13, 23, 59)),
        ("2016-04-05T13:23:05Z", (2016, 4, 5, 13, 23, 5), (2016, 4, 5, 13, 23, 5)),
        ("2016-04-05T01:23:05+02:00", (2016, 4, 4, 23, 23, 5), (2016, 4, 4, 23, 23, 5)),
        ("1066", (1066, 1, 1, 0, 0, 0), (1066, 12, 31, 23, 59, 59)),
        ("-0044-03-15", (-44, 3, 15, 0, 0, 0), (-44, 3, 15, 23, 59, 59)),
    ],
)
def test_a_day_or_time_is_a_span(text: str, first: tuple[int, ...], last: tuple[int, ...]) -> None:
    assert (earliest(text), latest(text)) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "16", "2016-13", "2016-00-01", "2016-04-32", "2016-04-05T25:00", "yesterday", "2016-04-05 "]
)
def test_what_is_no_day_or_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="day or time"):
        earliest(text)


@given(st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")))
def test_moments_order_as_the_times_they_name(text: str) -> None:
    assert earliest(text) == latest(text)
    assert earliest(text[:10]) <= earliest(text) <= latest(text[:10]) <= latest(text[:7]) <= latest(text[:4])
