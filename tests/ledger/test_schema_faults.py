"""What a schema asks for, in sentences: everything that is missing at once, and no value repeated."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from counterfoil.ledger.definition import Definition, DefinitionFields
from counterfoil.ledger.schema import Schema
from counterfoil.registers import shipped

PART: dict[str, Any] = {
    "type": "object",
    "required": ["a", "b"],
    "additionalProperties": False,
    "properties": {
        "a": {"type": "string", "minLength": 1},
        "b": {"enum": ["red", "green"]},
        "date": {"description": "A day", "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "form": {"type": "string", "pattern": "^[A-Z]+$"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "list": {"type": "array", "maxItems": 1, "items": {"type": "object", "required": ["x"]}},
        "never": False,
    },
}
GOOD: dict[str, Any] = {"a": "x", "b": "red"}
SECRET = "Featherstonehaugh"


@pytest.mark.parametrize(
    ("value", "field", "said"),
    [
        ({}, "a", "a and b are missing"),
        ({"a": "x"}, "b", "b is missing"),
        (GOOD | {"a": ""}, "a", "a may not be empty"),
        (GOOD | {"b": SECRET}, "b", "b is one of red, green"),
        (GOOD | {"date": SECRET}, "date", "date is written so: A day (^[0-9]{4}-[0-9]{2}-[0-9]{2}$)"),
        (GOOD | {"form": "x"}, "form", "form has the form ^[A-Z]+$"),
        (GOOD | {"count": 12}, "count", "count is 9 at most"),
        (GOOD | {"count": SECRET}, "count", "count is a whole number"),
        (GOOD | {"list": [{}]}, "list/0/x", "list/0/x is missing"),
        (GOOD | {"list": [{"x": 1}, {"x": 1}]}, "list", "list has at most 1 members"),
        (GOOD | {"weird": SECRET}, None, "weird is no name that is known there"),
        (GOOD | {SECRET: 1}, None, "it has a member under a name that is not known there"),
        (GOOD | {"never": 1}, "never", "never may not be there"),
        ({"b": SECRET}, "a", "a is missing; b is one of red, green"),
    ],
)
def test_a_fault_is_a_sentence_that_repeats_no_value(
    value: dict[str, Any], field: str | None, said: str
) -> None:
    found = Schema(PART).faults_said(value)
    assert (found.field, found.said) == (field, said)
    assert SECRET not in found.said


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]}, {}, "it needs a or b and c"),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            "it needs one alone of a or b",
        ),
        (
            {"anyOf": [{"properties": {"a": {"const": 1}}}], "description": "a is one, or nothing"},
            {"a": 2},
            "it must be so: a is one, or nothing",
        ),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, "b is missing"),
        (
            {"not": {"required": ["a"]}},
            {"a": 1},
            "the whole does not conform (not); see in the definition what may",
        ),
    ],
)
def test_a_rule_over_several_members_is_told_too(
    schema: dict[str, Any], value: dict[str, Any], said: str
) -> None:
    assert Schema(schema).faults_said(value).said.startswith(said)


def test_many_faults_are_cut_and_counted() -> None:
    names = [f"n{at:02}" for at in range(20)]
    schema = Schema({"properties": {name: {"type": "string"} for name in names}})
    said = schema.faults_said(dict.fromkeys(names, 1)).said
    assert said.count(" is text") == 12
    assert said.endswith("and 8 faults more")


def test_an_empty_birth_is_told_all_that_it_needs() -> None:
    definition = Definition("birth", _fields("birth"))
    assert definition.full_schema is not None
    found = definition.full_schema.faults_said({"entry-number": "1/2026/1"})
    assert found.said.startswith("type, district, child, names, sex, date and place are missing")


def _fields(name: str) -> DefinitionFields:
    return msgspec.convert(shipped(name, "EX/GOV/CIV"), DefinitionFields)
