"""What of a value does not conform to a schema, in sentences that repeat none of it: it may be personal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import jsonschema_rs

from counterfoil.proof.canonical import Json, canonical

MAX_SAID: Final = 12
"""How many faults are told at once."""
MAX_WORDS: Final = 400
_FIELD: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
COMBINING: Final = frozenset({"anyOf", "not", "oneOf", "oneOfMultipleValid", "oneOfNotValid"})
TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "array": "a list",
        "boolean": "true or false",
        "integer": "a whole number",
        "null": "null",
        "number": "a number",
        "object": "an object with members",
        "string": "text",
    }
)
BOUNDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "exclusiveMaximum": "must be less than {}",
        "exclusiveMinimum": "must be more than {}",
        "maxItems": "has at most {} members",
        "maxLength": "has at most {} characters",
        "maxProperties": "has at most {} members",
        "maximum": "is {} at most",
        "minItems": "has at least {} members",
        "minLength": "has at least {} characters",
        "minProperties": "has at least {} members",
        "minimum": "is {} at least",
    }
)


class Faults(NamedTuple):
    """The first field (a path) that does not conform, and what must be otherwise; the field is None for the whole."""

    field: str | None
    said: str


def said_faults(schema: Json, errors: Iterable[jsonschema_rs.ValidationError]) -> Faults:
    """Put into words what a validator found by `schema`: all that is missing at once, then what stands there wrongly.

    A rule over several fields is told where no field has a fault of its own.
    """
    missing: list[str] = []
    wrong: list[tuple[str, str]] = []
    over_several: list[tuple[str, str]] = []
    for error in errors:
        path = [str(part)[:80] for part in error.instance_path]
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            missing.append("/".join([*path, error.kind.property[:80]]))
        else:
            whole = error.kind.name in COMBINING and not _only_asks(_at(schema, error.schema_path[:-1]))
            found = over_several if whole else wrong
            found.append(("/".join(path), _sentence(schema, error, "/".join(path))))
    rest = wrong if missing or wrong else over_several
    said = [*([_missing(missing)] if missing else []), *dict.fromkeys(text for _, text in rest)]
    first = missing[0] if missing else rest[0][0] if rest else ""
    left = [f"and {len(said) - MAX_SAID} faults more"] if len(said) > MAX_SAID else []
    return Faults(first or None, "; ".join([*said[:MAX_SAID], *left]) or "they do not conform to the schema")


def _missing(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is missing"
    return f"{', '.join(names[:-1])} and {names[-1]} are missing"


def _sentence(schema: Json, error: jsonschema_rs.ValidationError, path: str) -> str:
    steps = [*error.schema_path]
    keyword = str(error.kind.name)
    parent = _at(schema, steps[:-1])
    if keyword == "additionalProperties":
        return " and ".join(_unknown(path, error))
    said = _WORDS.get(keyword)
    if said is not None:
        return f"{path or 'it'} {said(parent)}"
    if keyword in {"minItems", "minLength", "minProperties"} and parent.get(keyword) == 1:
        return f"{path or 'it'} may not be empty"
    if keyword in BOUNDS:
        return f"{path or 'it'} {BOUNDS[keyword].format(_value(parent.get(keyword)))}"
    described = parent.get("description")
    if isinstance(described, str):
        return f"{path or 'of the whole'}: {described[:MAX_WORDS]}"
    return f"{path or 'the whole'} does not conform ({keyword}); see in the definition what may stand there"


def _unknown(path: str, error: jsonschema_rs.ValidationError) -> Iterator[str]:
    kind = error.kind
    names = (
        kind.unexpected[:3]
        if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties)
        else []
    )
    for name in map(str, names):
        # A name that no author of a schema would give is perhaps a value in the wrong place.
        if _FIELD.fullmatch(name):
            yield f"{'/'.join(filter(None, [path, name]))} is no name that is known there"
        else:
            yield f"{path or 'it'} has a member under a name that is not known there"


def _at(schema: Json, steps: Sequence[str | int]) -> dict[str, Json]:
    """The part of a schema to which steps lead; empty where they do not."""
    part: Any = schema
    for step in steps:
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            return {}
    return part if isinstance(part, dict) else {}


def _value(value: Json) -> str:
    return value if isinstance(value, str) else canonical(value).decode()[:80]


def _enum(schema: dict[str, Json]) -> str:
    words = [_value(each) for each in schema.get("enum", ())]
    return f"is one of {', '.join(words)[:MAX_WORDS]}"


def _pattern(schema: dict[str, Json]) -> str:
    described, pattern = schema.get("description"), _value(schema.get("pattern", ""))[:120]
    return (
        f"is written so: {described[:MAX_WORDS]} ({pattern})"
        if isinstance(described, str)
        else f"has the form {pattern}"
    )


def _type(schema: dict[str, Json]) -> str:
    types = schema.get("type", [])
    return f"is {' or '.join(TYPES.get(each, str(each)) for each in (types if isinstance(types, list) else [types]))}"


def _branches(schema: dict[str, Json]) -> str:
    """Where each branch only asks for members, which of them; else what the definition says of them."""
    if _only_asks(schema):
        branches = schema.get("anyOf") or schema.get("oneOf") or []
        one = "" if "anyOf" in schema else "one alone of "
        return f"needs {one}{' or '.join(' and '.join(each['required']) for each in branches)}"
    described = schema.get("description")
    if isinstance(described, str):
        return f"must be so: {described[:MAX_WORDS]}"
    return "fits none of the forms that the definition allows"


def _only_asks(schema: dict[str, Json]) -> bool:
    """Whether a schema's branches ask for members and for nothing else."""
    branches = schema.get("anyOf") or schema.get("oneOf") or []
    return bool(branches) and all(isinstance(each, dict) and each.keys() == {"required"} for each in branches)


_WORDS: Final[Mapping[str, Callable[[dict[str, Json]], str]]] = MappingProxyType(
    {
        "anyOf": _branches,
        "const": lambda schema: f"is {_value(schema.get('const'))}",
        "enum": _enum,
        "falseSchema": lambda _: "may not be there",
        "oneOf": _branches,
        "oneOfMultipleValid": _branches,
        "oneOfNotValid": _branches,
        "pattern": _pattern,
        "type": _type,
        "uniqueItems": lambda _: "has no member twice",
    }
)
