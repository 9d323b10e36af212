"""JSON Schema 2020-12 inside the state machine: a closed profile, so that every node judges alike and in bounded time.

Local acyclic `$ref` only, no `format`, no `multipleOf`, `pattern` by an engine that runs in linear time, nothing ever
fetched, limits on size and depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import jsonschema_rs

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json, canonical

MAX_SCHEMA_BYTES: Final = 32_768
MAX_SCHEMA_DEPTH: Final = 24
PATTERN_LIMIT: Final = 1 << 20
"""The compiled size in bytes that one `pattern` may have."""
ANNOTATIONS: Final = frozenset(
    {
        "$comment",
        "$schema",
        "default",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
ASSERTIONS: Final = frozenset(
    {
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
    }
    | {"minItems", "minLength", "minProperties", "minimum", "pattern", "required", "type", "uniqueItems"}
    | {"dependentRequired", "maxContains", "minContains"}
)
SCHEMAS: Final = frozenset(
    {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
)
SCHEMA_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAPS: Final = frozenset({"$defs", "dependentSchemas", "properties"})


class Schema:
    """A compiled schema of the closed profile. Raises `Malformed` where it is outside it."""

    def __init__(self, schema: Json):
        if not isinstance(schema, dict):
            raise Malformed("a register's schema must be a JSON object")
        if len(canonical(schema)) > MAX_SCHEMA_BYTES:
            raise Malformed(f"a register's schema may have at most {MAX_SCHEMA_BYTES} bytes")
        _check(schema, MAX_SCHEMA_DEPTH)
        _check_references(schema)
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema,
                validate_formats=False,
                retriever=_refuse,
                pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_LIMIT),
            )
        except ValueError as error:
            raise Malformed(f"a register's schema is not valid JSON Schema 2020-12: {error}") from None
        self.accepts: Callable[[object], bool] = self._validator.is_valid

    def faults(self, value: object) -> Iterator[tuple[str, str]]:
        """Where and why `value` does not conform: pairs of a JSON path (`/name/0`, empty: the whole) and a reason."""
        for error in self._validator.iter_errors(value):
            yield "".join(f"/{part}" for part in error.instance_path), error.message


def _check(schema: Json, depth: int) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise Malformed("a part of the schema that must be a schema is neither an object nor true or false")
    if depth == 0:
        raise Malformed(f"the schema is nested more than {MAX_SCHEMA_DEPTH} deep")
    for keyword, value in schema.items():
        if keyword in SCHEMAS:
            _check(value, depth - 1)
        elif keyword in SCHEMA_LISTS or keyword in SCHEMA_MAPS:
            kind: type = list if keyword in SCHEMA_LISTS else dict
            if not isinstance(value, kind):
                raise Malformed(
                    f"the schema's {keyword} must be a JSON {'array' if kind is list else 'object'}"
                )
            for branch in value if kind is list else value.values():
                _check(branch, depth - 1)
        elif keyword == "$ref":
            if not isinstance(value, str) or not value.startswith("#/$defs/"):
                raise Malformed(f"the schema's $ref {value!r} must point to #/$defs/… in the same schema")
        elif keyword not in ANNOTATIONS and keyword not in ASSERTIONS:
            raise Malformed(
                f"the schema keyword {keyword!r} is not in the profile that every node judges alike"
            )


def _check_references(schema: dict[str, Json]) -> None:
    definitions = schema.get("$defs", {})
    uses = {name: set(_references(part)) for name, part in definitions.items()}
    for target in _references(schema):
        if target not in definitions:
            raise Malformed(f"the schema refers to #/$defs/{target}, which it does not define")
    settled: set[str] = set()
    while ready := {name for name, targets in uses.items() if name not in settled and targets <= settled}:
        settled |= ready
    if len(settled) < len(uses):
        raise Malformed(f"the schema's $defs {', '.join(sorted(set(uses) - settled))} refer to themselves")


def _references(part: Json) -> Iterator[str]:
    if isinstance(part, dict):
        for keyword, value in part.items():
            if keyword == "$ref" and isinstance(value, str):
                yield value.removeprefix("#/$defs/")
            elif keyword not in {"const", "default", "enum", "examples"}:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _refuse(address: str) -> Json:
    raise ValueError(f"a schema may not fetch {address}")
