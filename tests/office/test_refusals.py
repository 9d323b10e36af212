"""A refusal tells something of the records that it compares with: it is noted, and only so many are told a day."""

from __future__ import annotations

import pytest

from counterfoil.errors import Malformed, Refused, Unauthorised, Violated
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Reference
from counterfoil.registry.desk.budget import Reading
from counterfoil.registry.desk.limits import Limit
from counterfoil.registry.desk.refusals import REFUSED, Refusals
from counterfoil.registry.personal.change import AS_FOUND, Change
from counterfoil.registry.personal.erasing import GROUNDS, Erasure
from tests.office.changes import marriage, person
from tests.office.house import CLERK, SECOND, House, by_name

MARI, JAAN, CHILD = "P-000001", "P-000002", "P-000003"
UNDER_AGE = marriage("13/2026/1", JAAN, CHILD, "2026-11-10")


def noted(house: House) -> list[tuple[str, str, str]]:
    """What is noted of refusals: officer, register, constraint."""
    return [(each.officer, each.register, each.constraint) for each in house.office.refusals.listed()]


def test_a_refusal_by_what_another_record_says_is_noted_without_any_value(town: House) -> None:
    refused = town.refused(UNDER_AGE)
    assert refused.constraint == "age-of-spouse-b"
    assert noted(town) == [(CLERK.officer, "marriage", "age-of-spouse-b")]
    (refusal,) = town.office.refusals.listed()
    assert refusal.at == town.office.registrar.now()
    assert town.office.refusals.listed(refusal.number) == []


def test_so_is_one_that_the_ledger_finds(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-10"))
    refused = town.refused(marriage("13/2026/2", MARI, "P-000009", "2026-11-11"))
    assert noted(town) == [(CLERK.officer, "marriage", str(refused.constraint))]


def test_what_is_refused_for_its_own_form_is_not(town: House) -> None:
    assert town.refused(person("P-000010", "1980-05-01", "Tamm", "Anu", sex="x")).constraint == "schema"
    assert noted(town) == []


def test_beyond_so_many_a_day_the_reason_is_not_told(town: House) -> None:
    town.office.refusals = Refusals(town.office.desk, Limit(2, 2))
    for _ in range(2):
        assert town.refused(UNDER_AGE).constraint == "age-of-spouse-b"
    with pytest.raises(Unauthorised, match="a second officer must agree") as withheld:
        town.file(UNDER_AGE)
    assert "age" not in str(withheld.value)
    assert len(noted(town)) == 3
    with pytest.raises(Violated):
        town.file(UNDER_AGE, by=SECOND)
    town.taken(marriage("13/2026/2", MARI, JAAN, "2026-11-10"))


def test_until_a_second_officer_allows_more(town: House) -> None:
    town.office.refusals = Refusals(town.office.desk, Limit(0, 0))
    reading = Reading(CLERK.officer, REFUSED, "marriage")
    case = town.office.budgets.ask(reading, 1, "a form with many mistakes")
    town.office.decide(case, SECOND, approved=True, reason="seen the form")
    assert town.refused(UNDER_AGE).constraint == "age-of-spouse-b"
    with pytest.raises(Unauthorised):
        town.file(UNDER_AGE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("why", None),
        ("why", ""),
        ("why", " "),
        ("why", {"a": "b"}),
        ("why", ["sold"]),
        ("why", "x" * 1_001),
        ("valid-from", ["1900-01-01"]),
        ("valid-from", "soon"),
        ("valid-from", "2026-02-30"),
        ("valid-to", 2026),
        ("recorded", "garbage"),
        ("place", None),
        ("decided-by", "0000000000000000"),
        ("not-same", []),
        ("not-same", ["x" * 300]),
        ("not-same", ["a"] * 101),
    ],
)
def test_circumstances_are_known_and_in_form(house: House, name: str, value: Json) -> None:
    change = person("P-000010", "1980-05-01", "Tamm", "Anu")
    with pytest.raises(Malformed, match=f"the circumstance '{name}'") as refused:
        house.file(Change("person", fields=change.fields, circumstances={name: value}))
    assert "garbage" not in str(refused.value)


def test_an_old_book_is_named_by_what_says_something(house: House) -> None:
    stated = {"recorded": "1926", "place": "Book 7", "number": ""}
    change = person("P-000010", "1890", "Tamm", "Anu")
    with pytest.raises(Malformed, match="'number' is a text of 1 to"):
        house.file(Change("person", fields=change.fields, status=AS_FOUND, circumstances=dict(stated)))


def test_an_entry_refers_in_the_clear_to_nothing_that_its_definition_does_not_say(house: House) -> None:
    change = person("P-000010", "1980-05-01", "Tamm", "Anu")
    named = Reference("friend", "person", "Mari Tamm")
    refused = house.refused(Change("person", fields=change.fields, references=(named,)))
    assert by_name(refused) == ("references", None, "the state's law on the population register")
    assert "Mari" not in str(refused)


def test_the_ground_of_an_erasure_is_a_word_of_the_list(house: House) -> None:
    house.taken(person("P-000011", "1890-05-01", "Tammsaare", "Aleksandrine"))
    sworn = Erasure("person", "court order for Mari Tamm", "GDPR art. 17", key="P-000011")  # type: ignore[arg-type]  # what no type lets through
    with pytest.raises(Malformed, match="is one of withdrawn-consent") as refused:
        house.office.ask_erasure(sworn, CLERK)
    assert "Mari" not in str(refused.value)
    asked = Erasure("person", GROUNDS[0], "GDPR art. 17(1)(b)", key="P-000011")
    waiting = house.office.ask_erasure(asked, CLERK).waiting
    assert waiting is not None
    house.office.decide(waiting.case, SECOND, approved=True, reason="Mari Tamm asks for it")
    said = house.latest("person", "P-000011").circumstances
    assert (said["why"], said["law"]) == ("withdrawn-consent", "GDPR art. 17(1)(b)")
    assert "Mari" not in str(said)


def test_an_officer_who_waits_for_nobody_is_not_hindered_by_what_another_was_refused(town: House) -> None:
    town.office.refusals = Refusals(town.office.desk, Limit(0, 0))
    with pytest.raises(Refused):
        town.file(UNDER_AGE)
    town.taken(marriage("13/2026/2", MARI, JAAN, "2026-11-10"), by=SECOND)
