"""The definition that a register gets from the table it is first imported from."""

from __future__ import annotations

from typing import Any, Final

from counterfoil.ledger.schema import MAX_SCHEMA_BYTES
from counterfoil.proof.canonical import Json, canonical
from counterfoil.registry.table.mapping import FieldMapping, Mapping
from counterfoil.registry.table.rows import Conversion

_SHAPES: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "decimal": {"type": "string", "pattern": "^-?(0|[1-9][0-9]*)([.][0-9]+)?$"},
    "integer": {"type": "integer"},
    "date": {"type": "string"},
    "time": {"type": "string"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "json": {},
}


def table_definition(name: str, agency: str, mapping: Mapping, conversion: Conversion) -> dict[str, Json]:
    """The fields of a definition for the register `name`; `agency` keeps it where the mapping names no other.

    `source` keeps the fields in the order of the table, which a schema cannot: its members are sorted.
    """
    told = {"description": mapping.description, "law": mapping.law, "key": conversion.key_field}
    definition: dict[str, Json] = {"title": mapping.title or name, "authority": mapping.authority or agency}
    definition |= {member: text for member, text in told.items() if text is not None}
    if conversion.whole:
        return definition
    key = conversion.key_field
    required = [each for each, field in conversion.fields.items() if field.required or each == key]
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {each: _shape(field) for each, field in conversion.fields.items()},
        "required": sorted(required),
    }
    if len(canonical(schema)) <= MAX_SCHEMA_BYTES:
        definition["schema"] = schema
    return definition | {"source": {"fields": list(conversion.fields)}}


def field_order(definition: dict[str, Json]) -> list[str]:
    """A register's fields in the order of the table that it came from, then those that its schema has beside."""
    source, schema = definition.get("source"), definition.get("schema")
    listed = source.get("fields") if isinstance(source, dict) else None
    ordered = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return list(dict.fromkeys([*ordered, *properties]))


def hidden_fields(definition: dict[str, Json]) -> frozenset[str]:
    """The names of a register's fields that are not public, of which nothing stands in the log."""
    schema = definition.get("schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    rules = properties.items() if isinstance(properties, dict) else ()
    return frozenset(
        name for name, rule in rules if isinstance(rule, dict) and rule.get("class", "public") != "public"
    )


def _shape(field: FieldMapping) -> dict[str, Json]:
    shape = dict(_SHAPES[field.type_])
    if field.values is not None:
        words: dict[str, Json] = {"enum": sorted(set(field.values.values()))}
        return shape | ({"items": words} if field.type_ == "list" else words)
    if field.type_ == "text" and field.pattern is not None and field.empty != "keep":
        shape["pattern"] = field.pattern
    return shape
