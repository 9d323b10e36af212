"""A record through time: as known on one day, as of another, by ledger and by book."""

from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.proof.entry import Claim, Entry
from counterfoil.registry.history import Answer, Clock, FieldChange, as_known, differences


def entry(
    version: int, time: str, operation: str = "amend", *, fields: dict[str, Any] | None = None, **stated: str
) -> Entry:
    """A version of the record `GB`; keywords are circumstances, with `_` for `-`."""
    circumstances = {name.replace("_", "-"): value for name, value in stated.items()}
    body = {
        "fields": {"name": f"name {version}"} if fields is None else fields,
        "circumstances": circumstances,
    }
    return Entry(version, time, "country", "GB", version, operation, body=body)


BOOK = [
    entry(1, "2026-01-10T09:00:00Z", "create", recorded="2016-04-05T13:23:05Z"),
    entry(2, "2026-01-10T09:00:00Z", recorded="2018-01-01T00:00:00Z"),
    entry(3, "2026-03-01T12:00:00Z"),
]


def version_of(answer: Answer) -> int | None:
    return answer.entry.version if answer.entry else None


@pytest.mark.parametrize(
    ("known", "clock", "version"),
    [
        (None, Clock.LEDGER, 3),
        ("2026-02", Clock.LEDGER, 2),
        ("2026-01-10T08:59:59Z", Clock.LEDGER, None),
        ("2026-01-10", Clock.LEDGER, 2),
        ("2017", Clock.BOOK, 1),
        ("2016-04-05T13:23:04Z", Clock.BOOK, None),
        ("2018", Clock.BOOK, 2),
        ("2026-03-01", Clock.BOOK, 3),
    ],
)
def test_what_was_known_depends_on_whose_clock_is_asked(
    known: str | None, clock: Clock, version: int | None
) -> None:
    answer = as_known(BOOK, known=known, clock=clock)
    assert version_of(answer) == version
    assert (answer.clock, answer.known) == (clock, known)


def test_nothing_known_says_so() -> None:
    assert as_known([], known="2026").reason == "nothing was known of it then"


VALID = [
    entry(1, "2020-01-01T00:00:00Z", "create", valid_from="2010-01-01", valid_to="2020-01-01"),
    entry(2, "2021-01-01T00:00:00Z", valid_from="2020-01-01"),
]


@pytest.mark.parametrize(
    ("as_of", "version"),
    [("2009-12-31", None), ("2010", 1), ("2019-12-31", 1), ("2020-01-01", 2), ("2030", 2)],
)
def test_the_version_answers_whose_validity_covers_the_day(as_of: str, version: int | None) -> None:
    assert version_of(as_known(VALID, as_of=as_of)) == version


def test_a_day_may_be_asked_as_it_was_known_before_a_later_version() -> None:
    answer = as_known(VALID, known="2020-06", as_of="2020-06")
    assert (answer.entry, answer.reason) == (None, "it was not valid then")


def test_a_correction_replaces_the_version_before_it_in_every_view() -> None:
    entries = [
        entry(1, "2020-01-01T00:00:00Z", "create", valid_from="2010"),
        entry(2, "2021-01-01T00:00:00Z", "correct", valid_from="2015"),
    ]
    assert version_of(as_known(entries, as_of="2012")) is None
    assert version_of(as_known(entries, known="2020", as_of="2012")) == 1


def test_an_annulled_record_has_no_values_and_a_closed_one_keeps_its_last() -> None:
    made = entry(1, "2020-01-01T00:00:00Z", "create")
    annulled = as_known([made, entry(2, "2021-01-01T00:00:00Z", "annul")])
    closed = as_known([made, entry(2, "2021-01-01T00:00:00Z", "close")])
    assert (annulled.entry, annulled.reason) == (None, "it had been annulled")
    assert (version_of(closed), closed.reason) == (2, "it had been closed")
    assert version_of(as_known([made, entry(2, "2021-01-01T00:00:00Z", "annul")], known="2020")) == 1


def test_entries_may_come_in_any_order() -> None:
    assert as_known(reversed(BOOK)) == as_known(BOOK)


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(Malformed, match="'soon' is not a day or time"):
        as_known(BOOK, known="soon")


def test_differences_name_each_field_that_changed_and_no_other() -> None:
    before = entry(1, "2020-01-01T00:00:00Z", fields={"name": "Burma", "code": "MM", "old": "x"})
    after = entry(2, "2021-01-01T00:00:00Z", fields={"name": "Myanmar", "code": "MM", "new": None})
    assert differences(before, after) == [
        FieldChange("name", "Burma", "Myanmar"),
        FieldChange("new", None, None),
        FieldChange("old", "x", None),
    ]


def test_differences_cover_what_else_an_entry_states() -> None:
    before = Entry(1, "2020-01-01T00:00:00Z", "land", "T1", 1, "create", status="pending")
    claim = Claim("land", "owner", "sha256:" + "0" * 64)
    after = Entry(2, "2021-01-01T00:00:00Z", "land", "T1", 2, "amend", status="registered", claims=(claim,))
    assert differences(before, after) == [
        FieldChange("operation", "create", "amend"),
        FieldChange("status", "pending", "registered"),
        FieldChange("claims", None, ({"scope": "land", "name": "owner", "digest": claim.digest},)),
    ]


def test_a_version_does_not_differ_from_itself() -> None:
    assert differences(BOOK[0], BOOK[0]) == []
