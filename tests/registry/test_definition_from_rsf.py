"""Definitions from the system entries of RSF files: those of 14 real registers, and each rule by itself."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.ledger.definition import parse_definition
from counterfoil.proof.canonical import Json
from counterfoil.registry.rsf.definition import definition_fields
from counterfoil.registry.rsf.format import RsfFile
from counterfoil.registry.rsf.reading import read_rsf
from tests.registry.rsf_lines import T1, T2, add, entry
from tests.shared_data import SHARED, shared

REAL = sorted(path.stem for path in (SHARED / "data" / "registers").glob("*.rsf"))
STRING = {"type": "string"}
STRINGS = {"type": "array", "items": {"type": "string"}}
EITHER = {"type": ["array", "string"], "items": {"type": "string"}}


def real(register: str) -> RsfFile:
    return read_rsf(shared(f"data/registers/{register}.rsf").read_bytes())


def file_of(*entries: tuple[str, str, Any]) -> RsfFile:
    """A file with an item line and an entry line for each: kind, key, item."""
    return read_rsf(b"".join(add(item) + entry(kind, key, T1, item) for kind, key, item in entries))


def properties(definition: dict[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = definition["schema"]["properties"]
    return found


# ---- Real registers -------------------------------------------------------------------------------


def test_the_definition_of_a_real_register() -> None:
    assert definition_fields(real("allergen")) == {
        "title": "Allergen",
        "description": "Food allergens recognised by the Food Standards Agency",
        "key": "allergen",
        "schema": {
            "type": "object",
            "properties": {
                "allergen": {
                    "type": "string",
                    "description": "The unique code for a food allergen as recognised by the Food Standards "
                    "Agency.",
                },
                "name": {"type": "string", "description": "The commonly-used name of a record."},
                "allergen-group": {
                    "type": "string",
                    "description": "The unique code for a group of allergens as recognised by the Food Standards "
                    "Agency. For example, almond and cashew are part of the nuts allergen group.",
                },
                "start-date": {
                    "type": "string",
                    "description": "The date a record first became relevant to a register.",
                },
                "end-date": {
                    "type": "string",
                    "description": "The date a record stopped being applicable.",
                },
            },
            "required": ["allergen"],
            "additionalProperties": False,
        },
    }


@pytest.mark.parametrize("register", REAL)
def test_a_real_register_is_named_by_its_own_field_and_its_definition_takes_every_item(register: str) -> None:
    file = real(register)
    fields = definition_fields(file)
    assert fields["key"] == register
    assert fields["schema"]["required"] == [register]
    assert fields["schema"]["additionalProperties"] is False
    definition = parse_definition(register, fields | {"authority": "GB/GOV/1"})
    assert definition.schema is not None
    assert [list(definition.schema.faults(each.item)) for each in file.user_entries] == [
        [] for _ in file.user_entries
    ]
    assert not definition.schema.accepts({"name": "a record without its key"})
    assert not definition.schema.accepts({register: "x", "unheard-of": "y"})
    assert not definition.schema.accepts({register: ["x"]})


@pytest.mark.parametrize("register", REAL)
def test_the_latest_fields_of_a_real_register_are_those_that_occur_or_more(register: str) -> None:
    file = real(register)
    latest = {each.key: each.item for each in file.system_entries}
    listed = latest[f"register:{register}"]["fields"]
    assert list(properties(definition_fields(file))) == listed


def test_a_field_that_was_given_up_before_it_was_used_is_left_out() -> None:
    file = real("jobcentre")
    assert "field:jobcentre-group" in {each.key for each in file.system_entries}
    assert "jobcentre-group" not in properties(definition_fields(file))


def test_fields_of_cardinality_n_are_lists() -> None:
    schemas = properties(definition_fields(real("information-sharing-agreement-0001")))
    lists = [name for name, schema in schemas.items() if schema["type"] == "array"]
    assert lists == [
        "controllers",
        "controller-names",
        "processors",
        "processor-names",
        "areas",
        "area-names",
    ]
    assert all(schemas[name]["items"] == {"type": "string"} for name in lists)


# ---- Each rule ------------------------------------------------------------------------------------

PLACE = {"fields": ["place", "name"], "register": "place", "text": "Places"}


def test_the_latest_of_each_system_entry_counts() -> None:
    file = file_of(
        ("system", "register-name", {"register-name": "Place"}),
        ("system", "register:place", {**PLACE, "text": "Old", "fields": ["place"]}),
        ("system", "field:name", {"cardinality": "n", "field": "name"}),
        ("system", "register-name", {"register-name": "Places of the land"}),
        ("system", "register:place", PLACE),
        ("system", "field:name", {"cardinality": "1", "field": "name", "text": "What it is called"}),
    )
    assert definition_fields(file) == {
        "title": "Places of the land",
        "description": "Places",
        "key": "place",
        "schema": {
            "type": "object",
            "properties": {"place": EITHER, "name": {"type": "string", "description": "What it is called"}},
            "required": ["place"],
            "additionalProperties": False,
        },
    }


def test_a_field_is_defined_by_its_entry_whatever_its_item_calls_it() -> None:
    file = real("territory")
    odd = next(each for each in file.system_entries if each.item.get("field", each.key[6:]) != each.key[6:])
    assert (odd.key, odd.item["field"]) == ("field:end-date", "start-date")
    assert properties(definition_fields(file))["end-date"]["type"] == "string"


def test_what_occurs_in_items_is_accepted_beside_what_is_declared() -> None:
    file = file_of(
        ("system", "register:place", PLACE),
        ("system", "field:place", {"cardinality": "1"}),
        ("system", "field:name", {"cardinality": "1"}),
        ("user", "a", {"place": "a", "name": ["A", "Ay"], "height": "12"}),
        ("user", "b", {"place": "b", "name": "B", "seen": {"by": "us"}, "tags": ["x"]}),
        ("user", "c", {"place": "c", "tags": "y"}),
    )
    assert properties(definition_fields(file)) == {
        "place": STRING,
        "name": EITHER,
        "height": STRING,
        "seen": {},
        "tags": EITHER,
    }
    definition = parse_definition("place", definition_fields(file) | {"authority": "GB/GOV/1"})
    assert definition.schema is not None
    assert all(definition.schema.accepts(each.item) for each in file.user_entries)


@pytest.mark.parametrize(
    ("cardinality", "schema"), [("1", STRING), ("n", STRINGS), (1, STRING), ("many", EITHER)]
)
def test_a_field_that_never_occurs_is_as_its_cardinality_says(cardinality: object, schema: Json) -> None:
    file = file_of(
        ("system", "register:place", PLACE), ("system", "field:name", {"cardinality": cardinality})
    )
    assert properties(definition_fields(file))["name"] == schema


def test_a_file_that_defines_no_register_is_given_a_name_and_keyed_by_what_its_data_shows() -> None:
    file = read_rsf(shared("data/vectors/rsf-negative/valid-register-escaped.tsv").read_bytes())
    with pytest.raises(Malformed, match=r"^the file defines no register; say what the register is called$"):
        definition_fields(file)
    assert definition_fields(file, "welsh-school") == {
        "title": "welsh-school",
        "key": "school",
        "schema": {
            "type": "object",
            "properties": dict.fromkeys(["name", "school", "school-authority", "school-type"], STRING),
            "required": ["school"],
            "additionalProperties": False,
        },
    }


def test_the_registers_own_field_is_the_key_before_another_that_fits_too() -> None:
    file = file_of(("user", "a", {"code": "a", "name": "a", "place": "a"}))
    assert definition_fields(file, "place")["key"] == "place"
    assert definition_fields(file, "site")["key"] == "code"


def test_another_name_keeps_the_key_that_the_file_defines() -> None:
    assert definition_fields(real("country"), "state") | {"schema": None} == {
        "title": "Country",
        "description": "British English names of all countries currently recognised by the UK government",
        "key": "country",
        "schema": None,
    }


def test_without_a_field_that_names_every_record_there_is_no_key() -> None:
    file = file_of(("user", "a", {"place": "a"}), ("user", "b", {"place": "x"}))
    fields = definition_fields(file, "place")
    assert "key" not in fields
    assert fields["schema"]["required"] == []


def test_before_there_are_entries_only_a_listed_field_of_the_registers_name_is_the_key() -> None:
    listed = file_of(("system", "register:place", PLACE))
    assert definition_fields(listed)["key"] == "place"
    unlisted = file_of(("system", "register:place", {"fields": ["code"]}))
    assert "key" not in definition_fields(unlisted)
    bare = file_of(("system", "register:place", {"text": "Places"}))
    assert properties(definition_fields(bare)) == {}


@pytest.mark.parametrize(
    ("key", "item", "message"),
    [
        ("register:place", {"fields": "name"}, "line 2: the fields of a register must be a list of names"),
        ("register:place", {"fields": ["a", 1]}, "line 2: the fields of a register must be a list of names"),
        ("register:place", {"text": 1}, "line 2: text in the system entry 'register:place' must be text"),
        (
            "register-name",
            {"register-name": ["x"]},
            "line 2: register-name in the system entry 'register-name' must be text",
        ),
        ("field:x", {"text": []}, "line 2: text in the system entry 'field:x' must be text"),
    ],
)
def test_a_system_entry_that_holds_something_else_is_refused(key: str, item: Json, message: str) -> None:
    file = file_of(("system", key, item), ("user", "a", {"x": "a"}))
    with pytest.raises(Malformed) as error:
        definition_fields(file, "place")
    assert str(error.value) == message


def test_the_time_of_an_entry_does_not_count_but_its_place_does() -> None:
    old, new = {**PLACE, "text": "Old"}, {**PLACE, "text": "New"}
    file = read_rsf(
        add(new)
        + add(old)
        + entry("system", "register:place", T1, old)
        + entry("system", "register:place", T2, new)
    )
    assert definition_fields(file)["description"] == "New"
