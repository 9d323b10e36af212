"""JSON Schema 2020-12 inside the state machine: a closed profile, so that every node judges alike and in bounded time.

Local acyclic `$ref` only, no `format`, no `multipleOf`, `pattern` by an engine that runs in linear time, nothing ever
fetched, limits on size and depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import jsonschema_rs

from counterfoil.errors import Malformed
from counterfoil.ledger.schema_faults import Faults, said_faults
from counterfoil.proof.canonical import Json, canonical

MAX_SCHEMA_BYTES: Final = 32_768
MAX_SCHEMA_DEPTH: Final = 24
MAX_EXPANDED_BYTES: Final = 262_144
"""How long a schema may be once each `$ref` is written out, and so what one check of a body can cost."""
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = re.compile(r"#/\$defs/([A-Za-z0-9._-]+)")
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
        _check_expansion(schema)
        self._schema: Json = schema
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema,
                validate_formats=False,
                retriever=_refuse,
                pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_LIMIT),
            )
        except ValueError as error:
            raise Malformed(f"a register's schema is not valid JSON Schema 2020-12: {_said(error)}") from None
        self.accepts: Callable[[object], bool] = self._validator.is_valid

    def faults(self, value: object) -> Iterator[tuple[str, str]]:
        """Where and why `value` does not conform: pairs of a JSON path (`/name/0`, empty: the whole) and a reason."""
        for error in self._validator.iter_errors(value):
            yield "".join(f"/{part}" for part in error.instance_path), error.message

    def faults_said(self, value: object) -> Faults:
        """What does not conform, in sentences that repeat no value."""
        return said_faults(self._schema, self._validator.iter_errors(value))


def _said(error: ValueError) -> str:
    """What the library says of a schema, in one line, and where: its own text has the whole schema in it."""
    if not isinstance(error, jsonschema_rs.ValidationError):
        return " ".join(str(error).split())[:300]
    place = "".join(f"/{part}" for part in error.instance_path)
    return f"at {place or 'its top'}: {' '.join(error.message.split())[:300]}"


def _check(schema: Json, depth: int) -> Iterator[str]:
    """Check a schema's form to the end; the definitions that it refers to, one by one, as often as it does."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise Malformed("a part of the schema that must be a schema is neither an object nor true or false")
    if depth == 0:
        raise Malformed(f"the schema is nested more than {MAX_SCHEMA_DEPTH} deep")
    for keyword, value in schema.items():
        if keyword == "$ref":
            yield _target(value)
        elif keyword == "$schema" and value != DIALECT:
            raise Malformed(f"the schema's $schema must be {DIALECT}, or be left out")
        elif keyword not in ANNOTATIONS and keyword not in ASSERTIONS:
            for branch in _branches(keyword, value):
                yield from _check(branch, depth - 1)


def _branches(keyword: str, value: Json) -> Iterable[Json]:
    """The schemas that stand under a keyword."""
    if keyword in SCHEMAS:
        return (value,)
    if keyword in SCHEMA_LISTS:
        if not isinstance(value, list):
            raise Malformed(f"the schema's {keyword} must be a JSON array")
        return value
    if keyword in SCHEMA_MAPS:
        if not isinstance(value, dict):
            raise Malformed(f"the schema's {keyword} must be a JSON object")
        return value.values()
    raise Malformed(f"the schema keyword {keyword!r:.80} is not in the profile that every node judges alike")


def _target(reference: Json) -> str:
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found is None:
        raise Malformed(
            f"the schema's $ref {str(reference)[:80]!r} must be #/$defs/ and a name of a-z, A-Z, 0-9, '.', '_', '-'"
        )
    return found[1]


def _check_expansion(schema: dict[str, Json]) -> None:
    """Raise `Malformed` where `$ref`s go round, or make a small schema into a huge one once they are written out."""
    uses = {"": list(_check(schema, MAX_SCHEMA_DEPTH))}
    parts = schema.get("$defs", {}) | {"": schema}
    uses |= {name: list(_check(part, MAX_SCHEMA_DEPTH)) for name, part in parts.items() if name}
    for target in {target for targets in uses.values() for target in targets}:
        if target not in parts:
            raise Malformed(f"the schema refers to #/$defs/{target}, which it does not define")
    sizes: dict[str, int] = {}
    for _ in range(MAX_SCHEMA_DEPTH):
        ready = [name for name in uses.keys() - sizes.keys() if all(target in sizes for target in uses[name])]
        sizes |= {
            name: len(canonical(parts[name])) + sum(sizes[target] for target in uses[name]) for name in ready
        }
    if len(sizes) < len(parts):
        raise Malformed(f"the schema's $defs refer to themselves, or more than {MAX_SCHEMA_DEPTH} deep")
    if sizes[""] > MAX_EXPANDED_BYTES:
        raise Malformed(
            f"the schema has over {MAX_EXPANDED_BYTES} bytes once each $ref is written out; refer to definitions less"
        )


def _refuse(address: str) -> Json:
    raise ValueError(f"a schema may not fetch {address}")
