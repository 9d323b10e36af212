"""How a report says things: names from outside, numbers, and which steps did not pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.proof.report import NOT_VALID, Report, Step, entries, numbers, plural, quoted


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GB", "GB"),
        ("EE/GOV/LAND", "EE/GOV/LAND"),
        ("sha256:00", "sha256:00"),
        ("", "''"),
        ("Mägi 7", "'Mägi 7'"),
        ("it's", '"it\'s"'),
        ("a\nvalid", "'a\\nvalid'"),
        ("\u202eevil", "'\\u202eevil'"),
    ],
)
def test_a_name_is_quoted_unless_it_is_plain(name: str, said: str) -> None:
    assert quoted(name) == said


@given(st.text())
def test_no_name_ends_the_line_or_turns_text_round(name: str) -> None:
    assert quoted(name).isprintable()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], ""),
        ([7], "7"),
        ([7, 8], "7, 8"),
        ([7, 8, 9], "7 to 9"),
        ([0, 2, 3, 4, 5, 9, 11, 12], "0, 2 to 5, 9, 11, 12"),
    ],
)
def test_runs_of_numbers_are_drawn_together(values: list[int], said: str) -> None:
    assert numbers(values) == said


@given(st.sets(st.integers(0, 60)))
def test_numbers_say_all_of_them_and_no_others(values: set[int]) -> None:
    told: set[int] = set()
    for part in filter(None, numbers(sorted(values)).split(", ")):
        first, _, last = part.partition(" to ")
        told |= set(range(int(first), int(last or first) + 1))
    assert told == values


def test_one_and_many() -> None:
    assert [plural(count, "entry") for count in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
    assert [plural(2, noun) for noun in ("hash", "key", "witness line")] == [
        "2 hashes",
        "2 keys",
        "2 witness lines",
    ]
    assert [entries(values) for values in ([4], [4, 5], [4, 5, 6])] == [
        "entry 4",
        "entries 4, 5",
        "entries 4 to 6",
    ]


def test_a_report_tells_what_failed_from_what_was_not_checked() -> None:
    steps = (Step("form", True, "a"), Step("inclusion", False, "b"), Step("seal", None, "c"))
    report = Report(NOT_VALID, None, (), steps)
    assert report.failed == (steps[1],)
    assert report.unchecked == (steps[2],)
