"""Mapping files: what they may say, and what is said of those that say something else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.registry.table.mapping import FieldMapping, Mapping, key_parts, load_mapping


def load(**members: Any) -> Mapping:
    return load_mapping(json.dumps(members).encode())


def test_a_mapping_of_many_parts() -> None:
    mapping = load(
        register="plot",
        key="{county}/{number}",
        format="csv",
        encoding="windows-1252",
        delimiter=";",
        columns=["county", "number", "sold"],
        header=False,
        fields={"sold": {"column": 3, "type": "boolean", "true": ["Y"], "false": ["N"], "required": True}},
        circumstances={"valid-from": {"column": "sold", "type": "date", "format": "%d.%m.%Y"}},
        **{"on-existing": "skip"},
    )
    assert mapping.fields == {
        "sold": FieldMapping(column=3, type_="boolean", true=("Y",), false=("N",), required=True)
    }
    assert (mapping.on_existing, mapping.delimiter, mapping.columns) == (
        "skip",
        ";",
        ("county", "number", "sold"),
    )


def test_codes_may_be_in_any_script() -> None:
    mapping = load(fields={"kind": {"column": "Größe", "values": {"groß": "large"}}})
    assert mapping.fields == {"kind": FieldMapping(column="Größe", values={"groß": "large"})}


def test_one_that_is_written_is_read_again() -> None:
    mapping = Mapping(
        register="plot", key="{a}", fields={"a": FieldMapping(type_="integer", empty="leave out")}
    )
    assert load_mapping(mapping.encode()) == mapping


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"kee": "{a}"}, "unknown field `kee`"),
        (
            {"fields": {"a": {"type": "float"}}},
            "^the field 'a' of the mapping has the type 'float'; there are text, integer, decimal, date, "
            "time, boolean, list, json$",
        ),
        (
            {"circumstances": {"valid-from": {"type": "money"}}},
            "^the circumstance 'valid-from' of the mapping has the type 'money'",
        ),
        (
            {"fields": {"a": {}, "b": {"typ": "text"}}},
            "^the field 'b' of the mapping is not in form: .*`typ`",
        ),
        ({"fields": {"a": 7}}, "^the field 'a' of the mapping is not in form"),
        ({"fields": []}, "the mapping is not in form"),
        ({"encoding": "utf-16"}, "Invalid enum value 'utf-16'"),
        ({"delimiter": ",,"}, "must be one character"),
        ({"delimiter": '"'}, "must be one character"),
        ({"header": False}, "needs its columns named"),
        ({"columns": ["a", ""]}, "a column in columns has no name"),
        ({"fields": {"größe": {}}}, "no field can be called 'größe'"),
        ({"fields": {"": {}}}, "no field can be called ''"),
        ({"fields": {"a": {"column": 0}}}, "columns are counted from 1"),
        ({"fields": {"a": {"format": "%Y"}}}, "which only the types date and time have"),
        ({"fields": {"a": {"type": "date", "format": "%q"}}}, "has %q, which is not known"),
        ({"fields": {"a": {"type": "time"}}}, "must have year, month, day, hour and minute"),
        ({"fields": {"a": {"type": "integer", "values": {}}}}, "has values, which only"),
        ({"fields": {"a": {"type": "integer", "empty": "keep"}}}, "only a text can be empty"),
        ({"fields": {"a": {"type": "list", "separator": ""}}}, "empty separator"),
        ({"fields": {"a": {"true": ["x"], "false": ["x"]}}}, "the same word for true and for false"),
        (
            {"fields": {"a": {"pattern": "("}}},
            "^the field 'a' of the mapping has the pattern '[(]', which is no regular expression [^\n]*$",
        ),
        ({"fields": {"a": {"type": "json", "pattern": "a"}}}, "is of type json"),
        ({"circumstances": {"source": {}}}, "'source' cannot come from a column"),
        ({"circumstances": {"when": {}}}, "'when' cannot come from a column; there are actor, "),
        ({"circumstances": {"why": {"type": "json"}}}, "must be of type text, date or time"),
        ({"status": {"empty": "keep"}}, "must be of type text, date or time"),
        ({"key": "{a"}, "has a brace that stands alone"),
        ({"key": "a"}, "names no column"),
    ],
)
def test_what_does_not_fit_is_named(members: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        load(**members)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the mapping is not JSON"),
        (b'{"key":"{a}","key":"{b}"}', "the member 'key' twice"),
        (b"[]", "not in form"),
        (b"\xff", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
    ],
)
def test_what_is_no_mapping_at_all(data: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        load_mapping(data)


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("{a}", (("", "a"), ("", None))),
        ("x-{a b}/{c.d}!", (("x-", "a b"), ("/", "c.d"), ("!", None))),
        ("{{{a}}}", (("{", "a"), ("}", None))),
    ],
)
def test_a_key_is_made_of_text_and_columns(template: str, parts: tuple[tuple[str, str | None], ...]) -> None:
    assert key_parts(template) == parts
