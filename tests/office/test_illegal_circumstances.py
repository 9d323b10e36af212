"""What may not come into the log in the clear, and dates that cannot be: refused before anything is stored."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.errors import Refused
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Change
from tests.office.changes import death, person
from tests.office.house import House, by_name

POPULATION = "the law on civil registration: a life ends with an entry of death"
HASH = "sha256:" + "ab" * 32


def refused_outright(house: House, change: Change) -> str:
    """How a change is refused that breaks no rule of a register, but may not be asked for."""
    size = house.node.store.head.size
    with pytest.raises(Refused) as raised:
        house.file(change)
    assert house.node.store.head.size == size
    return str(raised.value)


@pytest.mark.parametrize(
    "control",
    [
        "agency:Mari Tamm",
        "agency:EE/GOV/REGISTRY",
        {"require": 1, "of": ["agency:EE/GOV/REGISTRY"]},
    ],
)
def test_no_control_is_put_on_a_person(town: House, control: Json) -> None:
    change = replace(person("P-000010", "1990-01-01", "Saar", "Tiiu"), control=control)
    assert refused_outright(town, change) == (
        "a record of person changes by its register's policy alone; leave the control out"
    )


def test_a_title_is_controlled_by_members_and_keys_only(town: House) -> None:
    title = Change("land-title", fields={"title": "T-1"}, control="agency:Mari Tamm")
    assert refused_outright(town, title) == (
        "the control names an agency that is no member of this ledger; name a member, or a key"
    )


def test_no_document_in_the_clear_is_named_by_a_person(town: House) -> None:
    change = replace(person("P-000010", "1990-01-01", "Saar", "Tiiu"), document=HASH)
    assert refused_outright(town, change) == (
        "a document of person would be stored as it is, and its hash stand in the log; attach it instead"
    )


def test_no_older_book_has_recorded_what_is_to_come(town: House) -> None:
    change = replace(
        person("P-000010", "1990-01-01", "Saar", "Tiiu"), circumstances={"recorded": "2999-01-01"}
    )
    assert by_name(town.refused(change))[:2] == ("recorded", "recorded")


def test_who_is_alive_has_no_date_of_death(town: House) -> None:
    born_dead = person("P-000010", "1990-01-01", "Saar", "Tiiu", date_of_death="2020-01-01")
    assert by_name(town.refused(born_dead)) == ("alive-without-death", "date-of-death", POPULATION)
    amended = Change("person", "amend", key="P-000009", fields={"date-of-death": "2020-01-01"}, merge=True)
    assert by_name(town.refused(amended)) == ("alive-without-death", "date-of-death", POPULATION)


def test_the_date_of_a_death_stays_because_others_stand_on_it(town: House) -> None:
    town.taken(death("13/2026/1", "P-000002", "2026-11-01"))
    fields, paper = {"date": "2025-01-01"}, town.attached("evidence")
    moved = Change("death", "correct", key="13/2026/1", fields=fields, merge=True, attachments=paper)
    assert by_name(town.refused(moved)) == (
        "entry-stays",
        "date",
        "a wrong entry is annulled and made anew",
    )
