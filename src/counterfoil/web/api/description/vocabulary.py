"""What schemas are made of: values with a form of their own, and the members that several share."""

from __future__ import annotations

from typing import Any, Final

from counterfoil.proof.canonical import MAX_INTEGER
from counterfoil.web.api.description.parts import Part, reference

HASH: Final[Part] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
TIME: Final[Part] = {"type": "string", "format": "date-time"}
NAME: Final[Part] = {"type": "string", "minLength": 1, "maxLength": 255}
NUMBER: Final[Part] = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
VERSION: Final[Part] = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}
FIELDS: Final[Part] = {
    "description": "Names in ASCII; values without floating-point numbers: decimals are strings.",
    "type": "object",
    "propertyNames": {"pattern": "^[\\x20-\\x7e]*$"},
    "additionalProperties": reference("Value"),
}
CIRCUMSTANCES: Final[Part] = {
    "description": "Who acted, why, on which legal basis, in which case, and the clocks of older books.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        name: {"type": "string", "minLength": 1}
        for name in (
            "actor",
            "on-behalf-of",
            "why",
            "law",
            "case",
            "recorded",
            "valid-from",
            "valid-to",
            "source",
        )
    },
}
STANDING: Final[Part] = {"enum": ["taken", "pending", "withdrawn", "refused", "lapsed"]}


def strict(required: list[str], **properties: Any) -> Part:
    """An object with these members and no others; `_` in a name is a hyphen."""
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": {name.rstrip("_").replace("_", "-"): schema for name, schema in properties.items()},
    }


def or_null(schema: Part) -> Part:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(name: str, most: int, least: int = 0) -> Part:
    """A list of one of the schemas here."""
    return {"type": "array", "items": reference(name), "minItems": least, "maxItems": most}


CONTENT: Final[Part] = {
    # Null is as good as nothing.
    "fields": or_null(FIELDS),
    "status": or_null(NAME),
    "circumstances": or_null(CIRCUMSTANCES),
    "claims": many("Claim", 64),
    "references": many("Reference", 64),
    "document": or_null(HASH),
    "item": or_null(HASH),
    "tree": or_null(reference("Tree")),
    "control": or_null(reference("Policy")),
}
OPERATION: Final[Part] = {"enum": ["create", "amend", "correct", "annul", "close", "erase"]}
ENTRY: Final[Part] = {
    "number": NUMBER,
    "time": TIME,
    "register": NAME,
    "record": NAME,
    "version": VERSION,
    "operation": OPERATION,
    "transaction": HASH,
    "previous": HASH,
    "status": NAME,
    "body": strict(["fields"], fields={"type": "object"}, circumstances={"type": "object"}),
    "item": HASH,
    "document": HASH,
    "tree": reference("Tree"),
    "claims": many("Claim", 64),
    "references": many("Reference", 64),
    "control": reference("Policy"),
}
PROPOSAL: Final[Part] = {
    name: schema
    for name, schema in ENTRY.items()
    if name not in {"number", "time", "transaction", "previous"}
} | {
    "version": or_null(VERSION),
    "status": or_null(NAME),
    "body": or_null(strict(["fields"], fields=FIELDS, circumstances=CIRCUMSTANCES)),
    "item": or_null(HASH),
    "document": or_null(HASH),
    "tree": or_null(reference("Tree")),
    "control": or_null(reference("Policy")),
}
PROPOSED: Final[Part] = {
    "description": "A proposal; one that is not in form is refused with its transaction alone.",
    "type": "object",
    "required": ["register", "record", "operation"],
}
RECEIPT: Final[Part] = {
    "transaction": HASH,
    "standing": STANDING,
    "first": {"description": "The number of its first entry, once it is taken.", **or_null(NUMBER)},
    "count": NUMBER,
}
