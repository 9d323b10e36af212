"""Whether somebody is registered already: candidates are shown with reasons, and judged by an officer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.errors import Malformed, Refused, Unauthorised
from counterfoil.proof.canonical import Json
from counterfoil.registry.desk.budget import Reading
from counterfoil.registry.personal.change import Change
from tests.office.changes import annulled, birth, name, person
from tests.office.house import CLERK, House, by_name

MARI, JAAN = "P-000001", "P-000002"
AGAIN = person("P-000010", "1980-05-01", "Tamm", "Mari")
GDPR = "GDPR art. 5(1)(d)"


def stating(change: Change, not_same: Json) -> Change:
    return Change(change.register, "create", change.fields, circumstances={"not-same": not_same})


def test_the_candidates_for_somebody_come_with_reasons_and_without_what_their_fields_hold(
    town: House,
) -> None:
    (found,) = town.office.candidates("person", AGAIN.fields, CLERK)
    assert found.record == town.record("person", MARI)
    assert found.likely
    assert (found.version, found.score, found.reasons) == (
        1,
        85,
        ("the same name", "the same date of birth", "the same sex"),
    )
    assert town.office.candidates("person", person("P-000010", "1931", "Vanem", "Leena").fields, CLERK) == ()


@pytest.mark.parametrize(
    ("born", "family", "given", "likely"),
    [
        ("1980-05-01", "TAMM", "mari", True),
        ("1980-05-01", "Mari", "Tamm", True),
        ("1980-05-01", "Tamm", "Mary", False),
        ("1980-01-05", "Tamm", "Mari", False),
        ("1980", "Tamm", "Mari", False),
    ],
)
def test_somebody_written_in_another_way_is_found_too(
    town: House, born: str, family: str, given: str, likely: bool
) -> None:
    (found,) = town.office.candidates("person", person("P-000010", born, family, given).fields, CLERK)
    assert (found.record, found.likely) == (town.record("person", MARI), likely)


def test_somebody_who_likely_has_a_record_gets_no_second_one(town: House) -> None:
    refused = town.refused(AGAIN)
    assert by_name(refused) == ("duplicate-check", "names", GDPR)
    assert town.record("person", MARI) in str(refused)
    for value in ("Tamm", "Mari", "1980", MARI):
        assert value not in str(refused)


def test_unless_it_is_said_of_each_candidate_that_it_is_somebody_else(town: House) -> None:
    mari = town.record("person", MARI)
    assert town.refused(stating(AGAIN, ["A" * 43])).constraint == "duplicate-check"
    town.taken(stating(AGAIN, [mari]))
    assert town.shown("person", "P-000010", "civil-registration").circumstances["not-same"] == [mari]
    third = person("P-000011", "1980-05-01", "Tamm", "Mari")
    assert town.refused(stating(third, [mari])).constraint == "duplicate-check"
    town.taken(stating(third, [mari, town.record("person", "P-000010")]))


@pytest.mark.parametrize("said", ["nobody", [1], {"a": "b"}, None], ids=repr)
def test_what_is_said_of_candidates_is_a_list_of_records(town: House, said: Json) -> None:
    with pytest.raises(Malformed, match="lists the records"):
        town.file(stating(AGAIN, said))


def test_a_birth_makes_no_second_person_either(town: House) -> None:
    late = replace(
        birth("13/2026/1", "P-000010", "1980-05-01", names=name("Tamm", "Mari")),
        attachments=town.attached("evidence"),
    )
    assert by_name(town.refused(late)) == ("duplicate-check", "names", GDPR)
    town.decided(replace(late, circumstances={"not-same": [town.record("person", MARI)]}))


def test_twins_are_shown_and_not_taken_for_one(town: House) -> None:
    born = {"mother": MARI, "father": JAAN, "birth_type": "twin"}
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", names=name("Kask", "Anu"), **born))
    twin = birth("13/2026/2", "P-000021", "2026-11-01", names=name("Kask", "Ene"), **born)
    (shown,) = town.office.candidates("person", {**twin.fields, "date-of-birth": "2026-11-01"}, CLERK)
    assert not shown.likely
    assert "may be twins" in shown.reasons
    town.taken(twin)


def test_each_record_that_is_compared_is_disclosed_for_it_and_counts_in_the_budget(town: House) -> None:
    size = town.node.store.head.size
    reading = Reading(CLERK.officer, "duplicate-check", "person")
    left = town.office.budgets.left(reading, town.office.registrar.now())
    (found,) = town.office.candidates("person", AGAIN.fields, CLERK)
    assert town.node.store.head.size == size + 1
    assert town.office.budgets.left(reading, town.office.registrar.now()) == left - 1
    told = town.shown("disclosure", MARI, "subject-access", version=1)
    assert (told.fields["officer"], told.fields["purpose"]) == (CLERK.officer, "duplicate-check")
    assert (told.fields["register"], told.fields["record"]) == ("person", found.record)


def test_beyond_the_budget_nobody_is_compared(town: House) -> None:
    reading = Reading(CLERK.officer, "duplicate-check", "person")
    now = town.office.registrar.now()
    town.office.budgets.spend(reading, town.office.budgets.left(reading, now), now)
    size = town.node.store.head.size
    with pytest.raises(Unauthorised, match="the budget leaves 0"):
        town.office.candidates("person", AGAIN.fields, CLERK)
    assert town.node.store.head.size == size


def test_to_see_a_candidate_is_a_disclosure_for_this_purpose(town: House) -> None:
    (found,) = town.office.candidates("person", AGAIN.fields, CLERK)
    size = town.node.store.head.size
    shown = town.shown("person", MARI, "duplicate-check")
    assert shown.record == found.record
    assert set(shown.fields) == {"number", "names", "sex", "date-of-birth"}
    assert shown.disclosed_by == (size, 1)
    told = town.shown("disclosure", MARI, "subject-access", version=2)
    assert (told.fields["purpose"], told.fields["record"]) == ("duplicate-check", found.record)


def test_who_is_void_is_no_candidate(town: House) -> None:
    town.decided(annulled("person", MARI, town))
    assert town.office.candidates("person", AGAIN.fields, CLERK) == ()
    town.taken(AGAIN)


def test_a_register_that_does_not_ask_for_duplicates_has_none(town: House) -> None:
    with pytest.raises(Refused, match="does not look for duplicates"):
        town.office.candidates("death", {}, CLERK)
