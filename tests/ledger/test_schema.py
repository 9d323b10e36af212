"""Schemas inside the state machine: a closed profile of JSON Schema 2020-12, judged alike and in bounded time."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.ledger.schema import DIALECT, MAX_EXPANDED_BYTES, MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, Schema

# ---- What the profile has --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({}, {"a": 1}, None),
        ({"type": "object", "required": ["a"]}, {"a": 1}, {}),
        ({"properties": {"a": {"type": "integer", "minimum": 1, "maximum": 9}}}, {"a": 9}, {"a": 10}),
        ({"properties": {"a": {"exclusiveMinimum": 1, "exclusiveMaximum": 9}}}, {"a": 8}, {"a": 9}),
        (
            {"properties": {"a": {"type": ["string", "null"], "minLength": 2, "maxLength": 3}}},
            {"a": "éé"},
            {"a": "é"},
        ),
        ({"properties": {"a": {"pattern": "^[A-Z]{2}-\\d+$"}}}, {"a": "EE-12"}, {"a": "EE"}),
        ({"properties": {"a": {"enum": ["x", 1]}, "b": {"const": True}}}, {"a": "x", "b": True}, {"a": "y"}),
        ({"properties": {"a": True, "b": False}}, {"a": 1}, {"b": 1}),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
        (
            {"properties": {"a": {"items": {"type": "string"}, "uniqueItems": True}}},
            {"a": ["x"]},
            {"a": ["x", "x"]},
        ),
        (
            {"properties": {"a": {"prefixItems": [{"type": "string"}], "items": False}}},
            {"a": ["x"]},
            {"a": ["x", 1]},
        ),
        ({"properties": {"a": {"minItems": 1, "maxItems": 2}}}, {"a": [1]}, {"a": []}),
        (
            {"properties": {"a": {"contains": {"const": 1}, "minContains": 1, "maxContains": 2}}},
            {"a": [1]},
            {"a": [2]},
        ),
        ({"minProperties": 1, "maxProperties": 2}, {"a": 1}, {}),
        ({"propertyNames": {"pattern": "^[a-z]+$"}}, {"a": 1}, {"A": 1}),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1, "b": 1}, {"a": 1}),
        (
            {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
            {"c": 1},
            {"a": 1},
        ),
        ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 1}, {"a": 1}),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}, {"c": 1}),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}, {"a": 1, "b": 1}),
        ({"not": {"required": ["a"]}}, {"b": 1}, {"a": 1}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"required": ["a"]}}}, {"a": 1}, {"b": 1}),
        (
            {"$schema": DIALECT, "title": "t", "description": "d", "$comment": "c", "required": ["a"]},
            {"a": 1},
            {},
        ),
        ({"default": {"$ref": "x"}, "examples": [{"$ref": "x"}], "const": {"$ref": "x"}}, {"$ref": "x"}, {}),
        ({"properties": {"$ref": {"type": "string"}, "format": {}}}, {"$ref": "x"}, {"$ref": 1}),
    ],
    ids=lambda part: next(iter(part), "") if isinstance(part, dict) else None,
)
def test_the_profile_judges_as_2020_12_does(
    schema: dict[str, Any], good: dict[str, Any], bad: dict[str, Any] | None
) -> None:
    compiled = Schema(schema)
    assert compiled.accepts(good)
    assert list(compiled.faults(good)) == []
    if bad is not None:
        assert not compiled.accepts(bad)
        assert list(compiled.faults(bad))


def test_faults_say_where_and_why() -> None:
    schema = Schema({"properties": {"a": {"items": {"type": "string"}}}, "required": ["b"]})
    faults = dict(schema.faults({"a": ["x", 1]}))
    assert set(faults) == {"/a/1", ""}
    assert faults["/a/1"] == '1 is not of type "string"'
    assert "required" in faults[""]


# ---- What it leaves out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keyword",
    [
        "format",
        "multipleOf",
        "patternProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "$id",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$vocabulary",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "definitions",
        "dependencies",
        "divisibleBy",
        "extends",
        "typo",
        "id",
        "",
    ],
)
def test_other_keywords_are_malformed_wherever_they_stand(keyword: str) -> None:
    places: list[dict[str, Any]] = [
        {keyword: 1},
        {"properties": {"a": {keyword: "x"}}},
        {"$defs": {"unused": {keyword: {}}}},
        {"allOf": [{"not": {"items": {keyword: []}}}]},
    ]
    for schema in places:
        with pytest.raises(
            Malformed, match=f"the schema keyword '{keyword}' is not in the profile".replace("$", r"\$")
        ):
            Schema(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"price": {"pattern": "(["}}}, 'at /properties/price/pattern: "([" is not a "regex"'),
        (
            {"properties": {"a": {"minLength": -1}}},
            "at /properties/a/minLength: -1 is less than the minimum of 0",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as refused:
        Schema(schema)
    assert str(refused.value) == f"a register's schema is not valid JSON Schema 2020-12: {said}"


@pytest.mark.parametrize("schema", [None, True, False, 1, "x", [], [{}]])
def test_a_register_s_schema_is_an_object(schema: Any) -> None:
    with pytest.raises(Malformed, match="a register's schema must be a JSON object"):
        Schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"items": [{}]},
        {"not": None},
        {"additionalProperties": "no"},
        {"allOf": {}},
        {"anyOf": "x"},
        {"oneOf": [1]},
        {"properties": []},
        {"properties": {"a": 1}},
        {"$defs": 1},
        {"$defs": {"a": None}},
        {"dependentSchemas": [{}]},
        {"type": "text"},
        {"type": []},
        {"minimum": "1"},
        {"minLength": -1},
        {"required": "a"},
        {"required": ["a", "a"]},
        {"pattern": 7},
        {"pattern": "("},
        {"uniqueItems": 1},
        {"title": 7},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"$schema": "http://attacker.example/schema"},
        {"$schema": 7},
    ],
    ids=str,
)
def test_what_is_no_schema_is_malformed(schema: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="schema"):
        Schema(schema)


# ---- References ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        "#",
        "#/",
        "",
        "#/$defs",
        "#/$defs/",
        "#/properties/a",
        "#a",
        "other.json",
        "http://attacker.example/",
        "file:///etc/passwd",
        "#/$defs/a/properties/b",
        "#/$defs/a~1b",
        "#/$defs/a%20b",
        "#/$defs/a b",
        "json-schema:///x",
        7,
        None,
        ["#/$defs/a"],
    ],
)
def test_a_reference_goes_to_a_plain_name_in_the_same_schema(reference: Any) -> None:
    with pytest.raises(Malformed, match=r"\$ref .* must be #/\$defs/ and a name"):
        Schema({"$defs": {"a": {}, "a~1b": {}, "": {}}, "properties": {"x": {"$ref": reference}}})


def test_a_reference_needs_its_definition() -> None:
    with pytest.raises(Malformed, match=r"the schema refers to #/\$defs/b, which it does not define"):
        Schema({"$defs": {"a": {}}, "$ref": "#/$defs/b"})
    with pytest.raises(
        Malformed, match=r"refers to #/\$defs/inner"
    ):  # definitions further down are out of reach
        Schema({"properties": {"a": {"$defs": {"inner": {}}, "$ref": "#/$defs/inner"}}})


ROUND: dict[str, dict[str, Any]] = {
    "itself": {"a": {"$ref": "#/$defs/a"}},
    "a pair": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}},
    "through properties": {"a": {"properties": {"child": {"$ref": "#/$defs/a"}}}},
    "a property called default": {"a": {"properties": {"default": {"$ref": "#/$defs/a"}}}},
    "a property called enum": {"a": {"dependentSchemas": {"enum": {"$ref": "#/$defs/a"}}}},
    "a property called const": {"a": {"properties": {"const": {"$ref": "#/$defs/a"}}}},
    "far away": {
        "a": {"$ref": "#/$defs/b"},
        "b": {"$ref": "#/$defs/c"},
        "c": {"items": {"$ref": "#/$defs/a"}},
    },
}


@pytest.mark.parametrize("name", ROUND)
def test_references_do_not_go_round(name: str) -> None:
    with pytest.raises(Malformed, match=r"\$defs refer to themselves, or more than 24 deep"):
        Schema({"$defs": ROUND[name], "properties": {"x": {"$ref": "#/$defs/a"}}})
    with pytest.raises(Malformed, match=r"\$defs refer to themselves"):
        Schema({"$defs": ROUND[name]})


def test_a_chain_of_references_ends_somewhere() -> None:
    def chain(length: int) -> dict[str, Any]:
        links = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(length - 1)}
        return {"$defs": {**links, f"d{length - 1}": {"required": ["a"]}}, "$ref": "#/$defs/d0"}

    longest = Schema(chain(MAX_SCHEMA_DEPTH - 1))
    assert longest.accepts({"a": 1})
    assert not longest.accepts({})
    for length in (MAX_SCHEMA_DEPTH, 600):
        with pytest.raises(Malformed, match="refer to themselves, or more than 24 deep"):
            Schema(chain(length))


def test_a_small_schema_cannot_become_a_huge_one() -> None:
    def doubling(levels: int) -> dict[str, Any]:
        twice = {
            f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 2} for number in range(levels)
        }
        return {"$defs": {**twice, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}

    assert Schema(doubling(8)).accepts({})
    for levels in (12, 20):
        with pytest.raises(
            Malformed, match=f"has over {MAX_EXPANDED_BYTES} bytes once each .ref is written out"
        ):
            Schema(doubling(levels))


# ---- Limits ----------------------------------------------------------------------------------------


def test_depth_and_length_end_somewhere() -> None:
    def nested(levels: int) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        for _ in range(levels - 1):
            schema = {"not": schema}
        return schema

    Schema(nested(MAX_SCHEMA_DEPTH))
    with pytest.raises(Malformed, match="nested more than 24 deep"):
        Schema(nested(MAX_SCHEMA_DEPTH + 1))
    with pytest.raises(Malformed, match="cannot be written as JSON"):
        Schema(nested(5_000))
    Schema({"description": "x" * (MAX_SCHEMA_BYTES - len('{"description":""}'))})
    with pytest.raises(Malformed, match="may have at most 32768 bytes"):
        Schema({"description": "x" * MAX_SCHEMA_BYTES})


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(a)\\1", "(?<=a)b", "\\w{1000}{1000}", "(?>a)"])
def test_patterns_are_those_that_a_linear_engine_can_match(pattern: str) -> None:
    with pytest.raises(Malformed, match="is not valid JSON Schema 2020-12"):
        Schema({"pattern": pattern})


def test_a_pattern_that_would_explode_elsewhere_is_matched_in_linear_time() -> None:
    schema = Schema({"properties": {"a": {"pattern": "^(a+)+$"}}})
    assert not schema.accepts({"a": "a" * 50_000 + "b"})
