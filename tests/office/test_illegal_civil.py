"""What no civil registrar can enter: each is refused by name, with the rule's citation, and nothing is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from counterfoil.errors import Violated
from counterfoil.proof.canonical import Json
from counterfoil.registers import names, shipped
from counterfoil.registry.personal.change import Acting, Change
from tests.office.changes import annulled, birth, death, marriage, person
from tests.office.conftest import registered_town
from tests.office.house import SECOND, House, by_name, copies, define

MARRIAGE_AGE = "1962 Convention on Consent to Marriage, art. 2; Convention on the Rights of the Child art. 1"
CONSENT = "1962 Convention on Consent to Marriage, art. 1: both parties consent in person"
MONOGAMY = "the state's marriage law (monogamy); 1962 Convention, art. 1: consent of both parties"
ONE_DEATH = "the law on civil registration; a marriage ends with the death of a spouse"
BORN_FIRST = "the law on civil registration: nobody dies before being born"
LAW = "the state's law on civil registration"


def test_a_dead_person_does_not_marry(town: House) -> None:
    town.taken(death("13/2026/1", "P-000002", "2026-11-01"))
    refused = town.refused(marriage("13/2026/1", "P-000001", "P-000002", "2026-11-03"))
    assert by_name(refused) == ("spouses-alive", "spouse-b", CONSENT)


def test_a_married_person_does_not_marry_another(town: House) -> None:
    town.taken(marriage("13/2026/1", "P-000001", "P-000002", "2026-11-03"))
    refused = town.refused(marriage("13/2026/2", "P-000009", "P-000002", "2026-11-04"))
    assert by_name(refused) == ("not-married-or-dead", "spouse-b", MONOGAMY)


def test_nobody_marries_themselves(town: House) -> None:
    refused = town.refused(marriage("13/2026/1", "P-000001", "P-000001", "2026-11-03"))
    assert by_name(refused) == ("not-married-or-dead", "spouse-a", MONOGAMY)


@pytest.mark.parametrize(("born", "marries"), [("2008-11-04", False), ("2008-11-03", True)])
def test_a_person_marries_from_the_eighteenth_birthday_on(town: House, born: str, marries: bool) -> None:
    town.taken(person("P-000010", born, "Saar", "Tiiu"))
    wedding = marriage("13/2026/1", "P-000001", "P-000010", "2026-11-03")
    if marries:
        town.taken(wedding)
    else:
        assert by_name(town.refused(wedding)) == ("age-of-spouse-b", "spouse-b", MARRIAGE_AGE)


def test_a_person_dies_once(town: House) -> None:
    town.taken(death("13/2026/1", "P-000002", "2026-11-01"))
    refused = town.refused(death("13/2026/2", "P-000002", "2026-11-02"))
    assert by_name(refused) == ("dies-once", "deceased", ONE_DEATH)


def test_a_person_does_not_die_before_birth(town: House) -> None:
    refused = town.refused(death("13/2026/1", "P-000009", "1970-10-09"))
    assert by_name(refused) == ("after-birth", "deceased", BORN_FIRST)
    town.taken(death("13/2026/1", "P-000009", "1970-10-10"))


def test_nobody_dies_who_is_not_registered(town: House) -> None:
    refused = town.refused(death("13/2026/1", "P-999999", "2026-11-01"))
    assert by_name(refused) == ("ends-life", "deceased", "the law on the population register")


def test_a_child_is_born_once_and_later_than_its_parents(town: House) -> None:
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother="P-000001"))
    again = town.refused(
        birth(
            "13/2026/2",
            "P-000020",
            "2026-11-01",
            names=[{"script": "Latn", "use": "birth", "family": "Ader"}],
        )
    )
    assert by_name(again) == ("creates-person", "child", "Convention on the Rights of the Child art. 7(1)")
    years_ago = birth("13/2026/3", "P-000021", "2014-12-31", mother="P-000003")
    older = town.refused(replace(years_ago, attachments=town.attached("evidence")))
    assert by_name(older) == (
        "mother-older",
        "mother",
        "the law on civil registration: a parent is older than the child",
    )


def test_what_has_not_happened_yet_is_not_registered(town: House) -> None:
    refused = town.refused(death("13/2026/1", "P-000002", "2026-11-25"))
    assert by_name(refused) == (
        "died-already",
        "date",
        "the law on civil registration: what is registered has happened",
    )


def test_an_annulled_entry_is_not_corrected(town: House) -> None:
    town.taken(death("13/2026/1", "P-000002", "2026-11-01"))
    town.decided(annulled("death", "13/2026/1", town))
    refused = town.refused(corrected("death", "13/2026/1", town, date="2026-11-02"))
    assert by_name(refused) == ("ended", "status", LAW)


def test_what_must_be_attached_is_asked_for(town: House) -> None:
    town.taken(death("13/2026/1", "P-000002", "2026-11-01"))
    bare = Change("death", "correct", {"date": "2026-11-02"}, key="13/2026/1", merge=True)
    assert by_name(town.refused(bare)) == ("attachments", "attachments", LAW)


# ---- Who may act ------------------------------------------------------------------------------------


def officer(house: House, number: str) -> Acting:
    """The officer who is this person."""
    return Acting("person", "00000000000000cc", house.office.registrar.pseudonyms.subject(number))


@pytest.mark.parametrize(
    "change",
    [
        Change("person", "amend", {"nationality": ["EST"]}, key="P-000001", merge=True),
        marriage("13/2026/1", "P-000001", "P-000002", "2026-11-03"),
        birth("13/2026/1", "P-000020", "2026-11-01", mother="P-000001"),
        death("13/2026/1", "P-000001", "2026-11-01"),
    ],
    ids=lambda change: change.register,
)
def test_an_officer_does_not_act_on_a_record_about_themselves(town: House, change: Change) -> None:
    mari = officer(town, "P-000001")
    refused = town.refused(change, by=mari)
    assert refused.constraint == "own-record"
    assert refused.field == "officer"
    assert refused.citation
    assert "P-000001" not in str(refused)
    town.taken(change, by=officer(town, "P-000009"))


def test_nor_on_one_that_is_changed_by_what_follows(town: House) -> None:
    town.taken(marriage("13/2026/1", "P-000001", "P-000002", "2026-11-03"))
    widowing = death("13/2026/1", "P-000002", "2026-11-04")
    assert town.refused(widowing, by=officer(town, "P-000001")).constraint == "own-record"
    town.taken(widowing)


def test_nor_decides_on_one(town: House) -> None:
    filed = town.file(corrected("person", "P-000001", town, sex="other"))
    assert filed.waiting is not None
    with pytest.raises(Violated) as refused:
        town.office.decide(filed.waiting.case, officer(town, "P-000001"), approved=True, reason="it is me")
    assert refused.value.constraint == "own-record"
    assert town.latest("person", "P-000001").version == 1
    town.office.decide(filed.waiting.case, SECOND, approved=True, reason="seen")
    assert town.latest("person", "P-000001").version == 2


# ---- Since when the agency has authority ------------------------------------------------------------


def test_no_validity_starts_before_the_agency_had_authority(bare: Path, tmp_path: Path) -> None:
    house = House(copies(bare, tmp_path)())
    for register in names():
        define(house.node, register, **({"authority_from": "1926-07-01"} if register == "marriage" else {}))
    registered_town(house)
    old = marriage("13/2026/1", "P-000001", "P-000002", "2026-11-03")
    early = with_circumstances(old, **{"valid-from": "1926-06-30"})
    assert by_name(house.refused(early)) == ("authority-from", "valid-from", shipped("marriage", "")["law"])
    house.taken(with_circumstances(old, **{"valid-from": "1926-07-01"}))
    house.close()


def with_circumstances(change: Change, **circumstances: Json) -> Change:
    return Change(change.register, change.operation, change.fields, circumstances=circumstances)


def corrected(register: str, key: str, house: House, **fields: Json) -> Change:
    return Change(register, "correct", fields, key=key, merge=True, attachments=house.attached("evidence"))
