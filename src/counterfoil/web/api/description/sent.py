"""The schemas of what is sent."""

from __future__ import annotations

from typing import Final

from counterfoil.proof.canonical import MAX_INTEGER
from counterfoil.web.api.description.parts import Part, reference
from counterfoil.web.api.description.vocabulary import (
    CIRCUMSTANCES,
    CONTENT,
    HASH,
    NAME,
    NUMBER,
    OPERATION,
    PROPOSAL,
    PROPOSED,
    TIME,
    VERSION,
    many,
    or_null,
    strict,
)

SENT: Final[Part] = {
    "Value": {
        "anyOf": [
            {"type": ["string", "boolean", "null"]},
            {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
            {"type": "array", "items": {"type": "string"}},
            {
                "type": "object",
                "propertyNames": {"pattern": "^[\\x20-\\x7e]*$"},
                "additionalProperties": {"type": "string"},
            },
        ],
        "description": "JSON without floating-point numbers, nested at most 16 deep.",
    },
    "Claim": strict(["scope", "name", "digest"], scope=NAME, name=NAME, digest=HASH),
    "Reference": strict(["role", "register", "record"], role=NAME, register=NAME, record=NAME),
    "Tree": strict(["root", "size"], root=HASH, size=VERSION),
    "Policy": {
        "description": "`agency:NAME`, `key:KEY`, or how many of several are required.",
        "anyOf": [
            {"type": "string", "pattern": "^(agency|key):.+$", "maxLength": 500},
            strict(
                ["require", "of"],
                require={"type": "integer", "minimum": 1},
                of={"type": "array", "items": reference("Policy"), "minItems": 1},
            ),
        ],
    },
    "Proposal": strict(["register", "record", "operation"], **PROPOSAL),
    "Content": {
        "description": "What a record's next entry states, whole: what is left out, the record no longer has.",
        **strict([], **CONTENT),
    },
    "NewRecord": strict(["record"], record=NAME, **CONTENT),
    "NewEntry": {
        "description": "Members that are left out stay as they were, but for circumstances.",
        **strict(["operation"], operation=OPERATION, **CONTENT),
    },
    "MergePatch": {
        "description": "A merge patch (RFC 7396) over the record's content; null takes a member away.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "fields": {
                "type": ["object", "null"],
                "propertyNames": {"pattern": "^[\\x20-\\x7e]*$"},
                "additionalProperties": reference("Value"),
            },
            **{
                name: or_null(schema) if name in {"claims", "references"} else schema
                for name, schema in CONTENT.items()
                if name != "fields"
            },
        },
    },
    "Expectation": {
        "description": "A record at a version (0: absent), or a claim held or free.",
        **strict(
            [],
            register=or_null(NAME),
            record=or_null(NAME),
            version=or_null(NUMBER),
            claim=or_null(HASH),
            held={"type": ["boolean", "null"]},
        ),
    },
    "Transaction": strict(
        ["proposals"],
        proposals=many("Proposal", 1000, 1),
        expectations=many("Expectation", 1000),
        not_before=or_null(TIME),
        deadline=or_null(TIME),
        receipt={"description": "Answer with a proof of the entries.", "type": "boolean"},
    ),
    "Batch": strict(
        ["transactions"],
        transactions={
            "description": "Like a transaction by itself, but without a receipt; each is taken or refused by itself.",
            "type": "array",
            "minItems": 1,
            "maxItems": 256,
            "items": strict(
                ["proposals"],
                proposals={"type": "array", "items": PROPOSED, "minItems": 1, "maxItems": 1000},
                expectations={"type": "array", "items": {"type": "object"}, "maxItems": 1000},
                not_before={"type": ["string", "null"]},
                deadline={"type": ["string", "null"]},
            ),
        },
    ),
    "Endorsement": strict(
        ["key", "signature"],
        key={"description": "The signer's key: `ed25519:` and base64url.", "type": "string"},
        signature={"description": "Over the transaction, in base64url.", "type": "string"},
    ),
    "NewRegister": strict(
        ["register"],
        register={"type": "string", "pattern": "^[a-z][a-z0-9-]{0,98}$"},
        definition={
            "description": "Title, authority, key, schema, constraints and so on, as docs/ledger.md has them.",
            "type": "object",
            "properties": {"title": {"type": "string"}, "key": {"type": "string"}},
        },
        circumstances=or_null(CIRCUMSTANCES),
    ),
}
