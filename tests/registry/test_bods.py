"""The export of beneficial owners: statements that the standard's own schemas and its validator take."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import NotFound
from counterfoil.proof.canonical import Json
from counterfoil.registry.bods import Country, Owner, Source, statements
from tests.shared_data import shared

ORACLE = Path(__file__).parents[2] / ".venv-oracles/bin/python"
# The validator asks the network for a list of identifier schemes when it starts, though for this version of the
# standard it never looks into it: it is given the one code that is used here, and nothing is fetched.
VALIDATE = (
    "import libcove2.common; libcove2.common.get_orgids_prefixes = lambda *_: ['XI-LEI']; "
    "import libcovebods.cli; libcovebods.cli.main()"
)
SOURCE = Source(
    "Companies House of Erewhon",
    "Companies",
    "2026-11-24",
    url="https://companies.example",
    license="https://creativecommons.org/publicdomain/zero/1.0/",
    countries={"NZ": Country("New Zealand", "NZ"), "NZL": Country("New Zealand", "NZ")},
)
COMPANY: dict[str, Json] = {
    "number": "C-1001",
    "name": "Musical Bank Limited",
    "former-names": ["Colleges of Unreason Press Limited"],
    "form": "limited company",
    "registered-office": {"address": "1 High Street", "post-code": "1001", "country": "NZ"},
    "incorporated": "1998-04-01",
    "lei": "529900T8BM49AURSDO55",
    "website": "https://musical-bank.example",
    "beneficial-owners": [
        {
            "person": "P-1",
            "declared": "2024-02-01",
            "interests": [
                {
                    "type": "shareholding",
                    "direct": "direct",
                    "share": {"exact": "37.5"},
                    "start": "1998-04-01",
                },
                {"type": "boardChair", "direct": "direct", "details": "chair of the board"},
            ],
        },
        {
            "person": "P-2",
            "declared": "2024-02-01",
            "interests": [
                {
                    "type": "votingRights",
                    "direct": "indirect",
                    "share": {"minimum": "25", "exclusive-maximum": "50"},
                }
            ],
        },
        {
            "reason": "interestedPartyHasNotProvidedInformation",
            "description": "asked twice",
            "declared": "2024-03-01",
        },
    ],
}
OWNERS = {
    "P-1": Owner(
        "one",
        {
            "names": [{"script": "Latn", "family": "Nosnibor", "given": "Senoj"}],
            "nationality": ["NZL", "XXA"],
            "date-of-birth": "1961-07-09",
        },
    ),
    "P-2": Owner(
        "two",
        {
            "names": [
                {"script": "Latn", "family": "Ydgrun", "given": "Arowhena", "use": "married"},
                {"script": "Latn", "family": "Nosnibor", "given": "Arowhena", "use": "birth"},
            ],
            "date-of-birth": "1970~",
        },
    ),
}


def exported(company: Mapping[str, Json] = COMPANY) -> list[Json]:
    return statements(company, OWNERS, SOURCE, "2026-11-20")


def validated(check: str, said: list[Json], folder: Path) -> Json:
    """What the standard's own validator prints; its exit code is 0 whatever it finds."""
    if not ORACLE.exists():
        pytest.skip("no .venv-oracles here: libcovebods")
    file = folder / "statements.json"
    file.write_text(json.dumps(said), encoding="utf-8")
    run = subprocess.run(
        [ORACLE, "-c", VALIDATE, check, file], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(run.stdout)


def schema_faults(said: list[Json]) -> list[str]:
    """What the standard's schemas say, asked with another validator than the standard's."""
    parts = {
        path.name: json.loads(path.read_text()) for path in shared("data/schemas/bods-0.4").glob("*.json")
    }
    registry = jsonschema_rs.Registry(
        [(part["$id"], part) for name, part in parts.items() if name != "codelist-schema.json"]
    )
    validator = jsonschema_rs.Draft202012Validator(parts["statement.json"], registry=registry)
    return [error.message for error in validator.iter_errors(said)]


def test_a_company_is_exported_as_entity_persons_and_relationships() -> None:
    said = exported()
    assert [each["recordType"] for each in said] == [
        "entity", "person", "relationship", "person", "relationship", "relationship",
    ]  # fmt: skip
    entity, person, relationship = said[:3]
    assert entity["recordDetails"] == {
        "isComponent": False,
        "entityType": {"type": "registeredEntity", "details": "limited company"},
        "name": "Musical Bank Limited",
        "alternateNames": ["Colleges of Unreason Press Limited"],
        "jurisdiction": {"name": "New Zealand", "code": "NZ"},
        "identifiers": [
            {"id": "C-1001", "schemeName": "Companies"},
            {
                "id": "529900T8BM49AURSDO55",
                "scheme": "XI-LEI",
                "schemeName": "Global Legal Entity Identifier Index",
            },
        ],
        "foundingDate": "1998-04-01",
        "addresses": [
            {
                "type": "registered",
                "address": "1 High Street",
                "postCode": "1001",
                "country": {"name": "New Zealand", "code": "NZ"},
            }
        ],
        "uri": "https://musical-bank.example",
    }
    assert person["recordDetails"] == {
        "isComponent": False,
        "personType": "knownPerson",
        "names": [
            {"type": "legal", "fullName": "Senoj Nosnibor", "familyName": "Nosnibor", "givenName": "Senoj"}
        ],
        "nationalities": [{"name": "New Zealand", "code": "NZ"}, {"name": "XXA"}],
        "birthDate": "1961-07",
    }
    assert relationship["recordDetails"] == {
        "isComponent": False,
        "subject": entity["recordId"],
        "interestedParty": person["recordId"],
        "interests": [
            {
                "type": "shareholding",
                "directOrIndirect": "direct",
                "beneficialOwnershipOrControl": True,
                "share": {"exact": 37.5},
                "startDate": "1998-04-01",
            },
            {
                "type": "boardChair",
                "directOrIndirect": "direct",
                "beneficialOwnershipOrControl": True,
                "details": "chair of the board",
            },
        ],
    }
    assert relationship["statementDate"] == "2024-02-01"
    assert {each["declarationSubject"] for each in said} == {entity["recordId"]}


def test_who_is_not_named_is_told_by_the_reason() -> None:
    assert exported()[-1]["recordDetails"]["interestedParty"] == {
        "reason": "interestedPartyHasNotProvidedInformation",
        "description": "asked twice",
    }


def test_of_a_birth_only_the_month_is_told_and_nothing_that_is_uncertain() -> None:
    certain, uncertain = (each["recordDetails"] for each in exported() if each["recordType"] == "person")
    assert certain["birthDate"] == "1961-07"
    assert "birthDate" not in uncertain


def test_names_are_legal_ones_or_those_given_at_birth() -> None:
    names = exported()[3]["recordDetails"]["names"]
    assert [(name["type"], name["fullName"]) for name in names] == [
        ("legal", "Arowhena Ydgrun"),
        ("birth", "Arowhena Nosnibor"),
    ]


def test_a_persons_number_never_leaves() -> None:
    assert "P-1" not in json.dumps(exported())


def test_the_same_content_has_the_same_statement_ids_and_a_change_others() -> None:
    def ids(company: Mapping[str, Json]) -> list[str]:
        return [each["statementId"] for each in exported(company)]

    moved = COMPANY | {"registered-office": {"address": "2 High Street", "country": "NZ"}}
    assert ids(COMPANY) == ids(COMPANY)
    assert [one == other for one, other in zip(ids(COMPANY), ids(moved), strict=True)] == [False] + [True] * 5
    assert all(32 <= len(each) <= 64 for each in ids(COMPANY))
    later = statements(COMPANY, OWNERS, SOURCE._replace(day="2027-01-01"), "2026-11-20")
    assert [each["statementId"] for each in later] == ids(COMPANY)


def test_a_person_named_twice_has_one_statement_and_two_relationships() -> None:
    twice = COMPANY | {"beneficial-owners": COMPANY["beneficial-owners"][:1] * 2}
    said = exported(twice)
    assert [each["recordType"] for each in said] == ["entity", "person", "relationship", "relationship"]
    assert len({each["recordId"] for each in said}) == len({each["statementId"] for each in said}) == 4


def test_a_person_who_was_not_read_is_asked_for_without_his_number() -> None:
    with pytest.raises(NotFound, match="beneficial owner 2 of the company was not read") as raised:
        statements(COMPANY, {"P-1": OWNERS["P-1"]}, SOURCE, "2026-11-20")
    assert "P-2" not in str(raised.value)


def test_the_standards_schemas_take_the_export() -> None:
    assert schema_faults(exported()) == []
    broken = exported()
    broken[1]["recordDetails"]["personType"] = "somebody"
    assert schema_faults(broken) == [
        '"somebody" is not one of "anonymousPerson", "unknownPerson" or "knownPerson"'
    ]


def test_the_standards_own_validator_takes_the_export(tmp_path: Path) -> None:
    assert validated("jsonschemavalidate", exported(), tmp_path) == []
    assert validated("additionalfields", exported(), tmp_path) == {}
    rules = validated("pythonvalidate", exported(), tmp_path)
    assert rules["additional_checks"] == []


def test_the_standards_own_validator_would_have_complained(tmp_path: Path) -> None:
    said = exported()
    del said[0]["recordDetails"]["isComponent"]
    assert validated("jsonschemavalidate", said, tmp_path) != []
    said = exported()[1:]
    assert validated("pythonvalidate", said, tmp_path)["additional_checks"] != []


PERCENT = st.decimals(min_value=0, max_value=100, places=3).map(str)
INTERESTS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["shareholding", "votingRights", "settlor", "otherInfluenceOrControl"]),
            "direct": st.sampled_from(["direct", "indirect", "unknown"]),
        },
        optional={"share": st.fixed_dictionaries({"exact": PERCENT}), "end": st.just("2025-12-31")},
    ),
    min_size=1,
    max_size=3,
)
DECLARED = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "person": st.sampled_from(["P-1", "P-2"]),
                "declared": st.just("2024-02-01"),
                "interests": INTERESTS,
            }
        ),
        st.fixed_dictionaries(
            {"reason": st.sampled_from(["noBeneficialOwners", "unknown"]), "declared": st.just("2024-02-01")}
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30)
@given(DECLARED)
def test_whatever_is_declared_the_schemas_take_it_and_every_record_is_told_once(declared: list[Json]) -> None:
    said = exported(COMPANY | {"beneficial-owners": declared})
    assert schema_faults(said) == []
    assert len({each["recordId"] for each in said}) == len(said)
    relationships = [each for each in said if each["recordType"] == "relationship"]
    assert len(relationships) == len(declared)
