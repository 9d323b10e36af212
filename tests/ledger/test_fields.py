"""Field classes, and the public schema: what a body may hold, and what must go by item."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.content import is_pseudonym
from counterfoil.ledger.definition import parse_definition
from counterfoil.ledger.fields import FieldRule, FieldRules
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Claim
from tests.ledger_fixture import LAND, Ledgerhouse, change, claim, create, refused

ITEM = digest(b"salted fields")


def pseudonym(key: str) -> str:
    return urlsafe_b64encode(sha256(key.encode()).digest()).decode().rstrip("=")


ONE, TWO = pseudonym("one"), pseudonym("two")
SCHEMA: dict[str, Any] = {
    "$defs": {"date": {"type": "string", "maxLength": 11}},
    "type": "object",
    "title": "Persons",
    "properties": {
        "number": {"type": "string", "class": "personal", "searchable": ["exact"], "subject": "person"},
        "born": {"$ref": "#/$defs/date", "class": "special", "searchable": ["year"]},
        "office": {"type": "string", "class": "public"},
        "year": {"type": "integer", "class": "public"},
    },
    "required": ["number", "office"],
    "allOf": [{"required": ["born"]}],
}
PERSON: dict[str, Any] = {
    "schema": SCHEMA,
    "key": "number",
    "record_id": "hmac-sha256",
    "subjects": {"person": None},
    "scopes": ["civil"],
}


def declared(**changed: Any) -> dict[str, Any]:
    return {"title": "t", "authority": LAND} | {
        name.replace("_", "-"): value for name, value in (PERSON | changed).items()
    }


@pytest.fixture
def persons(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger with the personal register `person`."""
    house.taken(create(".register", "person", body={"fields": declared()}))
    return house


# ---- Reading a schema ------------------------------------------------------------------------------


def test_each_field_has_a_class_and_tells_how_it_is_found() -> None:
    rules = FieldRules(SCHEMA)
    assert dict(rules.rules) == {
        "number": FieldRule("number", "personal", ("exact",), "person"),
        "born": FieldRule("born", "special", ("year",)),
        "office": FieldRule("office"),
        "year": FieldRule("year"),
    }
    assert rules.hidden == {"number", "born"}


def test_the_public_schema_speaks_of_public_fields_alone() -> None:
    assert FieldRules(SCHEMA).public_schema() == {
        "$defs": SCHEMA["$defs"],
        "title": "Persons",
        "type": "object",
        "properties": {"office": {"type": "string"}, "year": {"type": "integer"}},
        "required": ["office"],
        "additionalProperties": False,
    }


def test_the_full_schema_is_that_of_all_fields_without_our_keywords() -> None:
    definition = parse_definition("person", declared())
    assert definition.full_schema is not None
    accepts = definition.full_schema.accepts
    assert accepts({"number": "7", "office": "A", "born": "2000"})
    assert not accepts({"number": "7", "office": "A"})
    assert not accepts({"number": "7", "office": "A", "born": "2000", "unlisted": 1})


def test_without_classes_everything_is_public_and_the_schema_stays() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": True}, "required": ["a"], "minProperties": 1}
    rules = FieldRules(schema)
    assert (rules.hidden, rules.public_schema(), rules.full_schema()) == (frozenset(), schema, schema)
    assert FieldRules(None).public_schema() is None


@pytest.mark.parametrize(
    ("changed", "saying"),
    [
        (
            {"schema": {"properties": {"a": {"class": "hidden"}}}},
            "class of field 'a' must be one of public, personal",
        ),
        (
            {"schema": {"properties": {"a": {"class": "personal"}, "b": {}}}},
            "field 'b' has no class, and others have",
        ),
        (
            {"schema": {"properties": {"a": {"searchable": ["sound"]}}}},
            "searchable of field 'a' must be a list of exact",
        ),
        (
            {"schema": {"properties": {"a": {"class": "personal", "subject": "x"}}}},
            "'a' is about 'x', which is none",
        ),
        (
            {"schema": {"properties": {"circumstances": {"class": "secret"}}}},
            "may not be called 'circumstances'",
        ),
        (
            {"schema": {"properties": {"a": {"items": {"class": "personal"}}}}},
            "'class' is not in the profile",
        ),
        ({"record_id": "natural"}, "key field 'number' is not public, and records named by it would show it"),
        ({"key": "office"}, "key field 'office' is public, and would name the person of each pseudonym"),
        ({"record_id": "md5"}, "record-id 'md5' is not known here"),
        ({"subjects": {"person": "office"}}, "subject 'person' must be named by a field that is not public"),
        ({"scopes": ["unique:person"]}, "'unique:person' can be no claim scope"),
        ({"four_eyes": ["correct", "read"]}, "names the operation 'read', which there is not"),
        ({"attachments": {"scan": ["deed"]}}, "names the operation 'scan'"),
        ({"four_eyes": ["dead"]}, "'dead', which there is not, nor is it a status of its transitions"),
        ({"late": {"field": "day", "after": "P1Y"}}, "late is told by the field 'day'"),
        ({"late": {"field": "number", "after": "a year"}}, "'a year' is no duration"),
        ({"objection": {"operations": ["amend"], "days": 90}}, "has 1 to 89 days"),
        ({"objection": {"operations": [], "days": 9}}, "names operations and has 1"),
        ({"objection": {"operations": ["move"], "days": 9}}, "names the operation 'move'"),
        ({"authority_from": "1990~"}, "authority-from must be a date without"),
        ({"authority_from": "then"}, "a date is written as"),
        ({"key_form": {"case": "upper"}}, "not in form"),
    ],
    ids=str,
)
def test_a_definition_that_cannot_be_kept_is_refused(changed: dict[str, Any], saying: str) -> None:
    with pytest.raises(Malformed, match=saying):
        parse_definition("person", declared(**changed))


# ---- Bodies and items ------------------------------------------------------------------------------


def test_public_fields_stand_in_the_body_and_the_others_go_by_item(persons: Ledgerhouse) -> None:
    (entry,) = persons.taken(create("person", ONE, office="A", item=ITEM))
    assert (entry.fields, entry.item) == ({"office": "A"}, ITEM)


@pytest.mark.parametrize("name", ["born", "unlisted"])
def test_what_is_not_public_stands_in_no_body(persons: Ledgerhouse, name: str) -> None:
    proposal = create("person", ONE, item=ITEM, body={"fields": {"office": "A", name: "2000"}})
    refused(persons.submit(proposal), Violated, "does not conform to its register's schema at /")


def test_the_key_stands_in_no_body_even_where_there_is_no_schema(house: Ledgerhouse) -> None:
    house.taken(
        create(".register", "log", body={"fields": declared(schema=None, subjects={}) | {"append": True}})
    )
    refused(house.submit(change("log", ONE, None, number="7")), Violated, "'number' of log .* is its key")
    house.taken(change("log", ONE, None, item=ITEM))


@pytest.mark.parametrize("operation", ["create", "amend", "correct"])
def test_where_a_hidden_field_is_required_so_is_an_item(persons: Ledgerhouse, operation: str) -> None:
    version = 1
    if operation != "create":
        persons.taken(create("person", ONE, office="A", item=ITEM))
        version = 2
    lacking = change("person", ONE, version, operation, office="A")
    refused(persons.submit(lacking), Violated, "has no item, and its register asks for the field 'number'")


def test_an_item_does_not_stand_for_public_fields(persons: Ledgerhouse) -> None:
    refused(persons.submit(create("person", ONE, item=ITEM)), Violated, '"office" is a required property')
    refused(
        persons.submit(create("person", ONE, item=ITEM, document=ITEM)), Violated, '"office" is a required'
    )


def test_what_ends_or_erases_a_record_need_not_repeat_its_item(persons: Ledgerhouse) -> None:
    persons.taken(create("person", ONE, office="A", item=ITEM))
    persons.taken(change("person", ONE, 2, "erase", office="A"))
    persons.taken(change("person", ONE, 3, "close"))


# ---- Names -----------------------------------------------------------------------------------------


def test_personal_records_have_pseudonyms_for_names(persons: Ledgerhouse) -> None:
    for name in ("37605030299", ONE[:-1], ONE + "A", ONE[:-1] + "B", ONE[:-1] + "="):
        refused(
            persons.submit(create("person", name, office="A", item=ITEM)),
            Malformed,
            "named by keyed pseudonyms",
        )


def test_a_pseudonym_is_what_32_bytes_are_in_base64url() -> None:
    assert all(is_pseudonym(pseudonym(str(number))) for number in range(300))


@pytest.mark.parametrize(
    ("form", "value", "record"),
    [
        ({}, "A  b", "A  b"),
        ({"case": "fold"}, "Straße 1", "strasse 1"),
        ({"spaces": "collapse"}, "  A   b ", "A b"),
        ({"spaces": "remove"}, "12 34\u00a056", "123456"),
        ({"case": "fold", "spaces": "remove"}, "EE 12 a", "ee12a"),
        ({}, "Rene\u0301", "Ren\u00e9"),
    ],
)
def test_a_key_is_compared_in_its_registers_form(
    house: Ledgerhouse, form: dict[str, str], value: str, record: str
) -> None:
    house.taken(
        create(
            ".register",
            "deed",
            body={"fields": {"title": "t", "authority": LAND, "key": "k"} | {"key-form": form}},
        )
    )
    house.taken(create("deed", record, k=value))
    if value != record:
        outcome = house.submit(create("deed", "another", k=value))
        refused(outcome, Violated, "the record deed 'another' must be named by its field 'k'")


def test_a_name_that_is_not_in_form_is_none(house: Ledgerhouse) -> None:
    form = {"key": "k", "key-form": {"case": "fold"}}
    house.taken(create(".register", "deed", body={"fields": {"title": "t", "authority": LAND} | form}))
    refused(
        house.submit(create("deed", "EE1", k="EE1")), Violated, "deed 'EE1' must be named by its field 'k'"
    )


# ---- Claims ----------------------------------------------------------------------------------------


def test_a_register_claims_in_its_own_scopes_only(persons: Ledgerhouse) -> None:
    entry = create("person", ONE, office="A", item=ITEM, claims=(claim("married", "x", scope="land"),))
    refused(
        persons.submit(entry),
        Violated,
        "claims 'married' in the scope 'land', which its register's definition",
    )
    persons.taken(create("person", ONE, office="A", item=ITEM, claims=(claim("married", "x"),)))


def test_hidden_unique_fields_are_claimed_under_the_constraints_name(house: Ledgerhouse) -> None:
    unique = {"kind": "unique", "name": "one-number", "fields": ["number"], "citation": "Persons Act s. 2"}
    house.taken(create(".register", "person", body={"fields": declared(constraints=[unique])}))
    stated = Claim("unique:person", "one-number", digest(b"keyed"))
    house.taken(create("person", ONE, office="A", item=ITEM, claims=(stated,)))
    outcome = house.submit(create("person", TWO, office="A", item=ITEM, claims=(stated,)))
    refused(
        outcome,
        Violated,
        r"is refused: it claims what another live record holds \(one-number, field number; Persons Act s. 2",
    )
    refused(
        house.submit(create("person", TWO, office="A", item=ITEM)),
        Violated,
        "states 0 claims in unique:person",
    )
    other = Claim("unique:person", "one-name", digest(b"keyed"))
    refused(
        house.submit(create("person", TWO, office="A", item=ITEM, claims=(other,))),
        Violated,
        "does not provide for",
    )
    twice = tuple(Claim("unique:person", "one-number", digest(value)) for value in (b"2", b"3"))
    refused(
        house.submit(create("person", TWO, office="A", item=ITEM, claims=twice)), Violated, "states 2 claims"
    )


def test_who_sees_a_unique_field_does_not_change(house: Ledgerhouse) -> None:
    unique = {"kind": "unique", "name": "one-office", "fields": ["office"]}
    house.taken(create(".register", "person", body={"fields": declared(constraints=[unique])}))
    office = {"office": {"type": "string", "class": "secret"}}
    schema = SCHEMA | {"properties": SCHEMA["properties"] | office}
    hidden = change(".register", "person", 2, body={"fields": declared(constraints=[unique], schema=schema)})
    refused(
        house.submit(hidden), Violated, "keeps its unique constraints .* and who sees the fields of those"
    )


# ---- Time ------------------------------------------------------------------------------------------


def test_validity_does_not_begin_before_the_agency_had_authority(house: Ledgerhouse) -> None:
    house.taken(
        create(
            ".register",
            "deed",
            body={"fields": {"title": "t", "authority": LAND, "authority-from": "1991-08-20"}},
        )
    )

    def stating(**circumstances: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in circumstances.items()}
        return create("deed", "1", body={"fields": {}, "circumstances": named})

    for early in ("1991-08-19", "1990", "1991-07"):
        refused(house.submit(stating(valid_from=early)), Violated, "has kept deed since 1991-08-20")
        refused(
            house.submit(stating(valid_from=early, recorded="1995")), Violated, "state when an older book"
        )
    house.taken(stating(valid_from="1950", recorded="1950-03"))
    house.taken(change("deed", "1", 2, body={"fields": {}, "circumstances": {"valid-from": "1991"}}))
    house.taken(change("deed", "1", 3, body={"fields": {}, "circumstances": {"valid-from": "1991-08-20"}}))
