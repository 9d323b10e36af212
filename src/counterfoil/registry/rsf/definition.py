"""A register's definition from the system entries of its RSF file.

GOV.UK Registers define a register by the latest system entries `register:NAME` (fields, text), `field:F`
(cardinality, text) and `register-name`. The schema that comes of it takes every item that the file holds: fields
come and go over the years, so that what occurs counts beside what is declared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json
from counterfoil.registry.rsf.format import REGISTER_PREFIX, RsfEntry, RsfFile

_SHAPE_OF_CARDINALITY: Final = {"1": "string", "n": "array"}
_ANY_SHAPE: Final = frozenset(_SHAPE_OF_CARDINALITY.values())


def definition_fields(file: RsfFile, register: str | None = None) -> dict[str, Json]:
    """The fields of a definition: `title`, `description`, `key` and `schema`, without the authority.

    `register` is the register's name here, which a file that defines none must be given. `key` is the field that
    equals the key of every user entry, the register's own name first; it is left out where no field does.

    Raises `Malformed` where there is no name, or a system entry holds something else than it must.
    """
    name = register or file.register
    if name is None:
        raise Malformed("the file defines no register; say what the register is called")
    latest = {entry.key: entry for entry in file.system_entries}
    own = latest.get(f"{REGISTER_PREFIX}{file.register}")
    shapes = _shapes(file.user_entries)
    names = list(dict.fromkeys([*_listed(own), *shapes]))
    key = _key(file, name, names)
    definition: dict[str, Json] = {"title": _text(latest.get("register-name"), "register-name") or name}
    if text := _text(own, "text"):
        definition["description"] = text
    if key is not None:
        definition["key"] = key
    definition["schema"] = {
        "type": "object",
        "properties": {
            each: _property(latest.get(f"field:{each}"), shapes.get(each, set())) for each in names
        },
        "required": [] if key is None else [key],
        "additionalProperties": False,
    }
    return definition


def _shapes(entries: Iterable[RsfEntry]) -> dict[str, set[str]]:
    """The fields that occur in items, and as what: `string`, `array` (of strings) or `other`."""
    shapes: dict[str, set[str]] = {}
    for entry in entries:
        for field, value in entry.item.items():
            shapes.setdefault(field, set()).add(_shape(value))
    return shapes


def _shape(value: Json) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "array"
    return "other"


def _property(declared: RsfEntry | None, seen: set[str]) -> dict[str, Json]:
    cardinality = None if declared is None else str(declared.item.get("cardinality"))
    known = _SHAPE_OF_CARDINALITY.get(cardinality or "")
    shapes = (seen | {known} if known else seen) or _ANY_SHAPE
    schema: dict[str, Json] = {}
    if "other" not in shapes:
        schema["type"] = next(iter(shapes)) if len(shapes) == 1 else sorted(shapes)
        if "array" in shapes:
            schema["items"] = {"type": "string"}
    if text := _text(declared, "text"):
        schema["description"] = text
    return schema


def _key(file: RsfFile, register: str, fields: list[str]) -> str | None:
    """The field that names every user entry; before there are any, only the register's own may."""
    own = [field for field in fields if field in (file.register, register)]
    entries = file.user_entries
    for field in [*own, *fields] if entries else own:
        if all(entry.item.get(field) == entry.key for entry in entries):
            return field
    return None


def _listed(own: RsfEntry | None) -> list[str]:
    if own is None:
        return []
    fields: Json = own.item.get("fields", [])
    if _shape(fields) != "array":
        raise Malformed(f"line {own.line}: the fields of a register must be a list of names")
    return list(fields)


def _text(entry: RsfEntry | None, member: str) -> str | None:
    text = None if entry is None else entry.item.get(member)
    if entry is not None and not isinstance(text, str | None):
        raise Malformed(f"line {entry.line}: {member} in the system entry {entry.key!r} must be text")
    return text
