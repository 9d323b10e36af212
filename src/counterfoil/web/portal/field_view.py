"""A register's fields as people read them: what each holds, in what form, and who may see it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from counterfoil.ledger.definition import DefinitionFields
from counterfoil.proof.canonical import Json
from counterfoil.registry.extract.order import in_order
from counterfoil.web.portal.reading import ordered, properties_of
from counterfoil.web.portal.words import brief

WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "boolean": "yes or no",
    "object": "fields",
    "null": "none",
}
MAX_NAMES: Final = 12
MAX_REFERENCES: Final = 24
"""How far `$ref`s are followed; a schema's refer to one another no deeper."""


class Field(msgspec.Struct, frozen=True):
    """A field as a register defines it; `form`: the pattern that its text has."""

    name: str
    kind: str
    required: bool
    description: str | None
    class_: str = "public"
    form: str | None = None


def fields_of(definition: DefinitionFields) -> tuple[Field, ...]:
    """The fields that a register defines."""
    schema: dict[str, Any] = definition.schema if isinstance(definition.schema, dict) else {}
    required = schema.get("required", ())
    parts = schema.get("$defs", {})
    properties = properties_of(definition)
    names = ordered(definition, properties)
    if definition.core:
        # Its author says what matters most: canonical JSON has sorted the fields themselves.
        said = {"key": definition.key, "schema": schema, "core": msgspec.to_builtins(definition.core)}
        names = in_order(said, names)
    return tuple(_field(name, properties[name], parts, name in required) for name in names)


def _field(name: str, said: Json, parts: Json, required: bool) -> Field:
    whole = resolved(said, parts)
    described = whole.get("description")
    if described is None and isinstance(whole.get("items"), dict):
        described = resolved(whole["items"], parts).get("description")
    pattern = whole.get("pattern")
    return Field(
        name,
        kind(said, parts),
        required,
        described if isinstance(described, str) else None,
        str(whole.get("class", "public")),
        pattern if isinstance(pattern, str) else None,
    )


def resolved(said: Json, parts: Json) -> dict[str, Json]:
    """A schema with those that it refers to written into it; what it says itself stands."""
    found: dict[str, Json] = said if isinstance(said, dict) else {}
    for _ in range(MAX_REFERENCES):
        target = found.get("$ref")
        if not isinstance(target, str):
            break
        part = parts.get(target.rpartition("/")[2]) if isinstance(parts, dict) else None
        rest = {name: value for name, value in found.items() if name != "$ref"}
        found = (part if isinstance(part, dict) else {}) | rest
    return found


def kind(said: Json, parts: Json, depth: int = 3) -> str:
    """What a schema takes, in a few words."""
    schema = resolved(said, parts)
    if isinstance(schema.get("enum"), list):
        return "one of " + ", ".join(brief(each, 24) for each in schema["enum"][:MAX_NAMES])
    kinds = schema.get("type", "any")
    words = [_word(schema, each, parts, depth) for each in (kinds if isinstance(kinds, list) else [kinds])]
    return " or ".join(words)


def _word(schema: dict[str, Json], name: Json, parts: Json, depth: int) -> str:
    if name == "array" and depth:
        item = kind(schema.get("items"), parts, depth - 1)
        members = item.removeprefix("fields ")
        return f"list of {item}s" if " " not in item or item in WORDS.values() else f"list, each: {members}"
    if name == "object" and isinstance(schema.get("properties"), dict):
        return f"fields {', '.join(list(schema['properties'])[:MAX_NAMES])}"
    if name == "integer" and "minimum" in schema and "maximum" in schema:
        return f"whole number, {brief(schema['minimum'], 24)} to {brief(schema['maximum'], 24)}"
    return WORDS.get(str(name), str(name))
