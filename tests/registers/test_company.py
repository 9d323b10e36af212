"""The registers company and business-licence: what is entered, and what is refused."""

from __future__ import annotations

import json

import pytest

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import Enforcement, Verdict, enforcement
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.canonical import Json, digest
from counterfoil.proof.entry import Proposal, Reference
from counterfoil.proof.instant import instant
from tests.ledger_fixture import COURT, LAND, MemoryLedger, change, create, refused
from tests.registers.desk import answers, broken, declared, definition, faults, proposal
from tests.shared_data import shared

ANNA, BERT, MILL = {"person": "P-001"}, {"person": "P-002"}, {"company": "C-9"}
WORLD: dict[tuple[str, str], tuple[str, dict[str, Json]]] = {
    ("person", "P-001"): ("alive", {}),
    ("person", "P-002"): ("alive", {}),
    ("person", "P-003"): ("deceased", {}),
    ("person", "P-004"): ("void", {}),
    ("company", "C-1"): ("active", {"incorporated": "1998-04-01"}),
    ("company", "C-9"): ("active", {"incorporated": "2001-01-01"}),
    ("company", "C-8"): ("struck-off", {"incorporated": "2001-01-01"}),
}
COMPANY: dict[str, Json] = {
    "number": "C-1",
    "name": "Musical Bank Limited",
    "former-names": ["Colleges of Unreason Press Limited"],
    "form": "limited company",
    "registered-office": {"address": "1 High Street", "post-code": "1", "country": "NZ", "country-name": "New Zealand"},
    "jurisdiction": "NZ",
    "incorporated": "1998-04-01",
    "object": "banking in coin that nobody spends",
    "activity": [{"scheme": "ISIC", "code": "K6419"}, {"scheme": "NACE", "code": "64.19"}],
    "website": "https://musical-bank.example",
    "euid": "NZR.C-1",
    "lei": "529900T8BM49AURSDO55",
    "branches": [{"name": "Musical Bank Sydney", "number": "77", "country": "AU"}],
    "share-classes": [
        {"class": "A", "nominal": "1.00", "currency": "NZD", "authorised": 1000, "issued": 100, "votes": 1},
        {"class": "B", "nominal": "0.10", "currency": "NZD", "authorised": 500, "issued": 50, "votes": 0},
    ],
    "officers": [{"person": "P-001", "role": "director", "appointed": "1998-04-01", "represents": "alone"}],
    "former-officers": [
        {"person": "P-003", "role": "secretary", "appointed": "1998~", "resigned": "2010-06"}
    ],
    "holdings": [
        {"holder": ANNA, "class": "A", "number": 60},
        {"holder": ANNA, "class": "B", "number": 50},
        {"holder": MILL, "class": "A", "number": 40},
    ],
    "beneficial-owners": [
        {
            "person": "P-001",
            "declared": "2024-02-01",
            "interests": [
                {"type": "shareholding", "direct": "direct", "share": {"exact": "60"}, "start": "1998-04-01"},
                {"type": "votingRights", "direct": "indirect", "share": {"minimum": "25", "exclusive-maximum": "50"}},
            ],
        },
        {"reason": "unknown", "description": "behind the mill", "declared": "2024-02-01"},
    ],
}  # fmt: skip
LICENCE: dict[str, Json] = {
    "number": "L-1",
    "kind": "banking licence",
    "activity": {"scheme": "NACE", "code": "64.19", "text": "other monetary intermediation"},
    "company": "C-1",
    "district": "E0001",
    "territory": "the whole country",
    "issued": "2026-01-10",
    "valid-from": "2026-02-01",
    "valid-to": "2031-01-31",
    "conditions": ["two officers in each branch"],
    "ground": "granted again after review",
    "insurance": "Erewhon Mutual, policy 12",
    "professional-title": "banker",
    "premises": "1 High Street",
}


def entered(operation: str = "create", status: str = "active", /, **fields: Json) -> Proposal:
    changed = {name.replace("_", "-"): value for name, value in fields.items()}
    return proposal("company", operation, status, COMPANY | changed)


def licensed(status: str = "granted", /, **fields: Json) -> Proposal:
    changed = {name.replace("_", "-"): value for name, value in fields.items()}
    told = {name: value for name, value in (LICENCE | changed).items() if value is not None}
    return proposal("business-licence", "create", status, told)


# ---- Definitions ------------------------------------------------------------------------------------


def test_what_names_a_natural_person_never_stands_in_the_log() -> None:
    assert definition("company").hidden == {
        "beneficial-owners", "former-officers", "holdings", "officers", "transfers",
    }  # fmt: skip
    assert definition("business-licence").hidden == {"holder", "insurance", "premises", "professional-title"}


def schema_members(file: str) -> set[str]:
    members = json.loads(shared(f"data/schemas/bods-0.4/{file}").read_text())
    return set((members.get("properties") or members["$defs"]["Statement"]["properties"]).keys())


@pytest.mark.parametrize(
    ("file", "elsewhere"),
    [
        ("entity-record.json", {"isComponent"}),
        ("person-record.json", {"isComponent", "unspecifiedPersonDetails"}),
        ("relationship-record.json", set()),
        ("statement.json", {"statementId", "recordType", "recordDetails"}),
    ],
)
def test_each_member_of_the_ownership_standard_is_a_field_or_left_out(file: str, elsewhere: set[str]) -> None:
    told = " ".join(each.item for each in definition("company").fields.core)
    words = set(told.replace(",", " ").replace(":", " ").split())
    assert schema_members(file) - words - elsewhere == set()


def test_every_particular_of_the_directive_is_there() -> None:
    sources = [each.source for each in definition("company").fields.core]
    asked = [f"Art. 19(2)({letter})" for letter in "abcdefgh"] + [
        f"Art. 14({letter})" for letter in "defghijk"
    ]
    assert [each for each in asked if not any(source.endswith(each) for source in sources)] == []


@pytest.mark.parametrize("register", ["company", "business-licence"])
def test_a_core_item_is_a_field_or_left_out_with_a_reason(register: str) -> None:
    shown = definition(register)
    for each in shown.fields.core:
        assert (each.field is None) is not (each.left_out is None), each.item
        named = each.field.split(", ") if each.field else []
        assert [name for name in named if name not in {*shown.rules.rules, "status"}] == [], each.item


@pytest.mark.parametrize(
    ("register", "name", "by"),
    [
        ("company", "one-company-of-a-name", Enforcement.EVERY_NODE),
        ("company", "issued-within-authorised", Enforcement.EVERY_NODE),
        ("company", "held-is-issued", Enforcement.SUBMITTER),
        ("company", "officers-are-alive", Enforcement.SUBMITTER),
        ("business-licence", "company-is-active", Enforcement.EVERY_NODE),
        ("business-licence", "valid-from-before-to", Enforcement.EVERY_NODE),
        ("business-licence", "holder-is-alive", Enforcement.SUBMITTER),
    ],
)
def test_where_each_rule_is_enforced(register: str, name: str, by: Enforcement) -> None:
    shown = definition(register)
    constraint = next(each for each in shown.constraints if each.name == name)
    assert enforcement(shown, constraint).by is by


# ---- Schemas ----------------------------------------------------------------------------------------


def test_full_records_conform_and_break_no_rule() -> None:
    assert faults("company", COMPANY) == []
    assert answers(entered(), world=WORLD) == {}
    assert faults("business-licence", LICENCE) == []
    assert answers(licensed(), world=WORLD) == {}
    assert set(definition("company").rules.rules) == {*COMPANY, "ended", "transfers"}
    assert set(definition("business-licence").rules.rules) == {*LICENCE, "holder"}


CLASS = COMPANY["share-classes"][0]
OWNER = COMPANY["beneficial-owners"][0]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"number": "c 1"}, "/number"),
        ({"name": ""}, "/name"),
        ({"incorporated": "1998"}, "/incorporated"),
        ({"registered-office": {"address": "1 High Street", "country": "New Zealand"}}, "/registered-office/country"),
        ({"registered-office": {"country": "NZ"}}, "/registered-office"),
        ({"activity": [{"scheme": "SIC", "code": "64"}]}, "/activity/0/scheme"),
        ({"activity": [{"scheme": "NACE", "code": "banking"}]}, "/activity/0/code"),
        ({"lei": "529900"}, "/lei"),
        ({"share-classes": [CLASS | {"issued": -1}]}, "/share-classes/0/issued"),
        ({"share-classes": [CLASS | {"issued": "100"}]}, "/share-classes/0/issued"),
        ({"share-classes": [CLASS | {"nominal": "1,00"}]}, "/share-classes/0/nominal"),
        ({"officers": [{"person": "P-001", "role": "director"}]}, "/officers/0"),
        ({"officers": [{"person": "P-001", "role": "king", "appointed": "2001"}]}, "/officers/0/role"),
        ({"holdings": [{"holder": ANNA, "class": "A", "number": 0}]}, "/holdings/0/number"),
        ({"holdings": [{"holder": "P-001", "class": "A", "number": 1}]}, "/holdings/0/holder"),
        ({"transfers": [{"class": "A", "number": 1}]}, "/transfers/0"),
        ({"beneficial-owners": []}, "/beneficial-owners"),
        ({"beneficial-owners": [OWNER | {"interests": []}]}, "/beneficial-owners/0"),
        ({"beneficial-owners": [OWNER | {"reason": "unknown"}]}, "/beneficial-owners/0"),
        ({"beneficial-owners": [{"reason": "shy", "declared": "2024-02-01"}]}, "/beneficial-owners/0"),
        ({"profit": "much"}, ""),
    ],
)  # fmt: skip
def test_a_company_in_another_form_is_refused_where_it_is_wrong(wrong: dict[str, Json], place: str) -> None:
    assert [where for where, _ in faults("company", COMPANY | wrong)] == [place]


@pytest.mark.parametrize("percent", ["100.1", "101", "-1", "25,5", "1e1"])
def test_a_share_that_is_no_percentage_is_refused(percent: str) -> None:
    interest = {"type": "shareholding", "direct": "direct", "share": {"exact": percent}}
    assert faults("company", COMPANY | {"beneficial-owners": [OWNER | {"interests": [interest]}]})


@pytest.mark.parametrize("percent", ["0", "100", "100.0", "25.5", "33.333333"])
def test_a_share_in_per_cent_conforms(percent: str) -> None:
    interest = {"type": "shareholding", "direct": "direct", "share": {"exact": percent}}
    assert faults("company", COMPANY | {"beneficial-owners": [OWNER | {"interests": [interest]}]}) == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"holder": "P-001"}, ""),
        ({"company": None}, ""),
        ({"activity": {"scheme": "NACE"}}, "/activity"),
        ({"valid-from": "2026"}, "/valid-from"),
        ({"issued": "10.1.2026"}, "/issued"),
        ({"fee": "1.00"}, ""),
    ],
    ids=["two holders", "no holder", "no code", "a year", "another form", "unknown field"],
)
def test_a_licence_in_another_form_is_refused(wrong: dict[str, Json], place: str) -> None:
    told = {name: value for name, value in (LICENCE | wrong).items() if value is not None}
    assert [where for where, _ in faults("business-licence", told)] == [place]


# ---- Companies --------------------------------------------------------------------------------------


def test_shares_issued_beyond_what_is_authorised_are_refused() -> None:
    more = [CLASS | {"issued": 1001}, COMPANY["share-classes"][1]]
    held = [{"holder": ANNA, "class": "A", "number": 1001}, {"holder": ANNA, "class": "B", "number": 50}]
    assert broken(entered(share_classes=more, holdings=held), world=WORLD) == ["issued-within-authorised"]


@pytest.mark.parametrize(
    "holdings",
    [
        COMPANY["holdings"][:2],
        [*COMPANY["holdings"], {"holder": BERT, "class": "A", "number": 1}],
        [{"holder": ANNA, "class": "A", "number": 150}],
        [*COMPANY["holdings"], {"holder": BERT, "class": "C", "number": 1}],
    ],
    ids=["less", "more", "of another class", "of a class that is not there"],
)
def test_shares_held_are_shares_issued_class_by_class(holdings: list[Json]) -> None:
    assert broken(entered(holdings=holdings), world=WORLD) == ["held-is-issued"]


def holdings(*held: tuple[dict[str, str], str, int]) -> list[Json]:
    return [{"holder": holder, "class": of, "number": number} for holder, of, number in held]


@pytest.mark.parametrize(
    ("transfers", "after", "refusals"),
    [
        (
            [{"from": ANNA, "to": BERT, "class": "A", "number": 10}],
            holdings((ANNA, "A", 50), (ANNA, "B", 50), (MILL, "A", 40), (BERT, "A", 10)),
            [],
        ),
        (
            [{"from": ANNA, "to": MILL, "class": "A", "number": 60}],
            holdings((ANNA, "B", 50), (MILL, "A", 100)),
            [],
        ),
        (
            [{"from": BERT, "to": ANNA, "class": "A", "number": 10}],
            holdings((ANNA, "A", 70), (ANNA, "B", 50), (MILL, "A", 30)),
            ["transferred-by-the-holder"],
        ),
        (
            [{"from": MILL, "to": BERT, "class": "A", "number": 50}],
            holdings((ANNA, "A", 50), (ANNA, "B", 50), (BERT, "A", 50)),
            ["transferred-by-the-holder"],
        ),
        (
            [{"from": ANNA, "to": MILL, "class": "A", "number": 10}],
            holdings((ANNA, "A", 60), (ANNA, "B", 40), (MILL, "A", 40), (MILL, "B", 10)),
            ["transferred-by-the-holder"],
        ),
        (
            [{"from": ANNA, "to": {"person": "P-003"}, "class": "A", "number": 60}],
            holdings(({"person": "P-003"}, "A", 60), (ANNA, "B", 50), (MILL, "A", 40)),
            ["transferred-to-the-living"],
        ),
        (
            [{"from": ANNA, "to": {"company": "C-8"}, "class": "A", "number": 60}],
            holdings(({"company": "C-8"}, "A", 60), (ANNA, "B", 50), (MILL, "A", 40)),
            ["company-shareholders-are-active"],
        ),
    ],
    ids=["some", "all", "by no holder", "more than held", "class swapped", "to the dead", "to one struck off"],
)  # fmt: skip
def test_only_a_holder_transfers_and_no_more_than_is_held(
    transfers: list[Json], after: list[Json], refusals: list[str]
) -> None:
    moved = entered("amend", "active", transfers=transfers, holdings=after)
    assert broken(moved, entered(), world=WORLD) == refusals


def test_new_shares_are_issued_to_somebody() -> None:
    more = [CLASS | {"issued": 110}, COMPANY["share-classes"][1]]
    held = [*COMPANY["holdings"], {"holder": BERT, "class": "A", "number": 10}]
    issued = [{"to": BERT, "class": "A", "number": 10}]
    after = entered("amend", "active", share_classes=more, holdings=held, transfers=issued)
    assert broken(after, entered(), world=WORLD) == []
    silent = entered("amend", "active", share_classes=more, holdings=held)
    assert broken(silent, entered(), world=WORLD) == ["transferred-by-the-holder"]


@pytest.mark.parametrize("person", ["P-003", "P-004", "P-999"], ids=["dead", "void", "unknown"])
def test_a_director_is_a_living_person(person: str) -> None:
    seat = [{"person": person, "role": "director", "appointed": "2026-01-01"}]
    assert broken(entered(officers=seat), world=WORLD) == ["officers-are-alive"]


def test_one_who_left_office_may_have_died_since() -> None:
    left = [{"person": "P-003", "role": "director", "appointed": "1998-04-01", "resigned": "2010-06-01"}]
    assert broken(entered(former_officers=left), world=WORLD) == []


def test_a_shareholder_who_died_stays_until_the_heirs_are_entered() -> None:
    dead = {"person": "P-003"}
    held = holdings((dead, "A", 60), (ANNA, "B", 50), (MILL, "A", 40))
    assert broken(entered(holdings=held), world=WORLD) == []


def test_a_beneficial_owner_is_a_living_person() -> None:
    assert broken(entered(beneficial_owners=[OWNER | {"person": "P-003"}]), world=WORLD) == [
        "beneficial-owners-are-alive"
    ]


@pytest.mark.parametrize(
    ("before", "after", "refusals"),
    [
        ("active", "struck-off", []),
        ("struck-off", "active", []),
        ("as-found", "active", []),
        ("active", "dissolved", []),
        ("dissolved", "active", ["life-of-a-company"]),
        ("active", "as-found", ["life-of-a-company"]),
    ],
)
def test_the_life_of_a_company(before: str, after: str, refusals: list[str]) -> None:
    assert broken(entered("amend", after), entered("create", before), world=WORLD) == refusals


def test_a_company_keeps_its_number_and_its_first_day() -> None:
    earlier = entered("amend", "active", incorporated="1990-01-01")
    assert broken(earlier, entered(), world=WORLD) == ["number-and-day-stand"]


def test_a_company_ends_after_it_began() -> None:
    ended = entered("amend", "struck-off", ended="1998-03-31")
    assert broken(ended, entered(), world=WORLD) == ["ended-after-incorporated"]


def test_personal_data_of_a_company_is_erased_ten_years_after_its_end_and_not_before() -> None:
    gone = entered("create", "struck-off", ended="2016-11-24")
    erased = entered("erase", "struck-off", ended="2016-11-24")
    day_before, day = instant("2026-11-23T12:00:00Z"), instant("2026-11-24T12:00:00Z")
    assert broken(erased, gone, world=WORLD, now=day_before) == ["kept-ten-years-after-the-end"]
    assert broken(erased, gone, world=WORLD, now=day) == []
    assert answers(entered("erase", "active"), entered(), world=WORLD) == {
        "kept-ten-years-after-the-end": Verdict.UNDECIDABLE
    }


# ---- Licences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "refusals"),
    [
        ({"valid_to": "2026-02-01"}, ["valid-from-before-to"]),
        ({"valid_to": "2026-01-31"}, ["valid-from-before-to"]),
        ({"valid_to": None}, []),
        ({"valid_from": "1998-03-31"}, ["not-before-the-company"]),
        ({"company": "C-8"}, ["company-is-active"]),
        ({"company": None, "holder": "P-001"}, []),
        ({"company": None, "holder": "P-003"}, ["holder-is-alive"]),
    ],
    ids=[
        "a day of nothing", "ends before it begins", "without end", "before the company", "company struck off",
        "a person", "a dead person",
    ],
)  # fmt: skip
def test_a_licence_is_for_a_time_and_for_somebody_in_being(
    changed: dict[str, Json], refusals: list[str]
) -> None:
    assert broken(licensed(**changed), world=WORLD) == refusals


def test_a_licence_whose_holder_died_can_still_be_ended() -> None:
    alive = licensed(company=None, holder="P-003")
    for status in ("revoked", "expired"):
        ended = licensed(status, company=None, holder="P-003")
        amended = proposal("business-licence", "amend", status, ended.fields)
        assert broken(amended, alive, world=WORLD) == []


def test_a_licence_does_not_pass_to_another() -> None:
    passed = proposal("business-licence", "amend", "granted", LICENCE | {"company": "C-9"})
    assert broken(passed, licensed(), world=WORLD) == ["holder-stands"]


# ---- What every node refuses, whoever submitted -----------------------------------------------------


def house() -> MemoryLedger:
    made = MemoryLedger(LAND, COURT)
    for register in ("legal-hold", "person", "company", "business-licence"):
        made.define(register, **declared(register))
    return made


def clear(register: str, fields: dict[str, Json]) -> dict[str, Json]:
    hidden = definition(register).hidden
    public = {name: value for name, value in fields.items() if name not in hidden}
    return {"body": {"fields": public}, "item": digest(b"what names a person")}


def found(made: MemoryLedger, number: str = "C-1", **fields: Json) -> Json:
    changed = {name.replace("_", "-"): value for name, value in fields.items()}
    content = clear("company", COMPANY | {"number": number} | changed)
    return made.submit(create("company", number, status="active", **content))


def grant(made: MemoryLedger, *references: Reference) -> Json:
    content = clear("business-licence", LICENCE)
    return made.submit(create("business-licence", "L-1", status="granted", references=references, **content))


def test_every_node_refuses_a_name_that_is_taken_and_shares_beyond_the_authorised() -> None:
    made = house()
    assert found(made).standing is Standing.TAKEN
    refused(found(made, "C-2"), Violated, "one-company-of-a-name")
    beyond = [CLASS | {"issued": 1001}]
    refused(
        found(made, "C-2", name="Other Limited", share_classes=beyond), Violated, "issued-within-authorised"
    )


def test_every_node_refuses_a_company_without_the_item_that_names_its_officers() -> None:
    content = clear("company", COMPANY) | {"item": None}
    outcome = house().submit(create("company", "C-1", status="active", **content))
    assert outcome.standing is Standing.REFUSED


def test_every_node_refuses_the_licence_of_a_company_that_is_not_active() -> None:
    made = house()
    of_company = Reference("company", "company", "C-1")
    refused(grant(made, of_company), Violated, "company-is-active")
    assert found(made).standing is Standing.TAKEN
    refused(grant(made), Violated, "company-is-active")
    assert grant(made, of_company).standing is Standing.TAKEN
    content = clear("company", COMPANY)
    made.submit(change("company", "C-1", 2, "amend", status="struck-off", **content))
    content = clear("business-licence", LICENCE | {"territory": "the valley"})
    amended = change("business-licence", "L-1", 2, status="granted", references=(of_company,), **content)
    refused(made.submit(amended), Violated, "company-is-active")
