"""The schemas of what is answered."""

from __future__ import annotations

from typing import Final

from counterfoil.web.api.description.parts import Part, reference
from counterfoil.web.api.description.vocabulary import (
    ENTRY,
    HASH,
    NAME,
    NUMBER,
    OPERATION,
    RECEIPT,
    STANDING,
    TIME,
    VERSION,
    or_null,
    strict,
)

_TEXTS: Final[Part] = {"type": "array", "items": {"type": "string"}}
_TEXT: Final[Part] = {"type": ["string", "null"]}


def _list_of(**members: Part) -> Part:
    named = {name.rstrip("_").replace("_", "-"): schema for name, schema in members.items()}
    item = {
        "type": "object",
        "required": list(named),
        "additionalProperties": False,
        "properties": named,
    }
    return {"type": "array", "items": item}


DESCRIBED: Final[Part] = {
    "description": "What the definition means: classes of fields, who enforces each rule, why items may be read.",
    "anyOf": [
        {"type": "null"},
        strict(
            ["fields", "rules", "subjects", "purposes", "core"],
            fields=_list_of(
                field=NAME,
                class_={"enum": ["public", "personal", "special", "secret"]},
                searchable=_TEXTS,
                subject=_TEXT,
                required={"type": "boolean"},
            ),
            rules=_list_of(
                name=NAME,
                kind=NAME,
                fields=_TEXTS,
                operations=_TEXTS,
                when=_TEXTS,
                policy={},
                citation=_TEXT,
                enforced={"enum": ["every node", "a second agency", "the submitting agency only"]},
                remark=_TEXT,
            ),
            subjects=_list_of(subject=NAME, field=_TEXT),
            purposes=_list_of(
                purpose=NAME,
                law={"type": "string"},
                fields=or_null(_TEXTS),
                when=_TEXTS,
                history={"type": "boolean"},
                case={"type": "boolean"},
            ),
            core=_list_of(item={"type": "string"}, source={"type": "string"}, field=_TEXT, left_out=_TEXT),
        ),
    ],
}

ANSWERED: Final[Part] = {
    "Problem": {
        "description": "What is wrong and what to do (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "detail", "kind"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "kind": {"description": "The kind of error, as the command line has it.", "type": "string"},
            "constraint": {"type": "string"},
            "field": {"type": "string"},
            "citation": {"type": "string"},
        },
    },
    "Entry": {
        "description": "An entry, byte for byte as it is a leaf of the log: its hash is SHA-256(0x00 || body).",
        **strict(["number", "time", "register", "record", "version", "operation"], **ENTRY),
    },
    "Changed": strict(
        ["register", "record", "version", "number", "transaction", "standing"],
        register=NAME,
        record=NAME,
        version=or_null(VERSION),
        number=or_null(NUMBER),
        records={
            "description": "In registers with hidden fields: all that changed, what follows from it too.",
            "type": "array",
            "items": strict(["register", "record"], register=NAME, record=NAME),
        },
        transaction=HASH,
        standing=STANDING,
    ),
    "Receipt": strict(
        ["transaction", "standing", "first", "count"],
        **RECEIPT,
        proof=or_null(reference("Bundle")),
    ),
    "BatchAnswer": strict(
        ["items"],
        items={
            "type": "array",
            "items": {
                "anyOf": [
                    strict(
                        ["status", "replayed", "receipt"],
                        status={"enum": [201, 202]},
                        replayed={"type": "boolean"},
                        receipt=strict(list(RECEIPT), **RECEIPT),
                    ),
                    strict(["status", "problem"], status={"type": "integer"}, problem=reference("Problem")),
                ]
            },
        },
    ),
    "KnownTransaction": strict(
        [
            "transaction",
            "standing",
            "first",
            "count",
            "complete",
            "header",
            "endorsements",
            "proposals",
            "reason",
        ],
        **RECEIPT,
        complete={"type": ["boolean", "null"]},
        header={"type": ["object", "null"]},
        endorsements={"type": "array", "items": reference("Endorsement")},
        proposals={"type": "array", "items": reference("Proposal")},
        reason={"type": ["string", "null"]},
    ),
    "RegisterSummary": strict(
        ["register", "title", "records", "entries", "last-time", "system"],
        register=NAME,
        title={"type": ["string", "null"]},
        records=NUMBER,
        entries=NUMBER,
        last_time=or_null(TIME),
        system={"type": "boolean"},
    ),
    "Register": {
        "type": "object",
        "required": ["register", "title", "records", "entries", "authority", "version", "definition"],
        "properties": {"register": NAME, "definition": {"type": ["object", "null"]}, "described": DESCRIBED},
    },
    "DefinedRegister": strict(
        ["register", "version", "number", "transaction", "standing"],
        register=NAME,
        version=or_null(VERSION),
        number=or_null(NUMBER),
        transaction=HASH,
        standing=STANDING,
    ),
    "Row": strict(
        ["register", "record", "number", "version", "status", "operation", "time"],
        register=NAME,
        record=NAME,
        number=NUMBER,
        version=VERSION,
        status=or_null(NAME),
        operation=OPERATION,
        time=TIME,
    ),
    "Known": strict(
        ["register", "record", "known", "as-of", "by", "reason", "entry"],
        register=NAME,
        record=NAME,
        known={"type": ["string", "null"]},
        as_of={"type": ["string", "null"]},
        by={"enum": ["ledger", "book"]},
        reason={"type": "string"},
        entry=or_null(reference("Entry")),
    ),
    "Differences": strict(
        ["register", "record", "from", "to", "changes"],
        register=NAME,
        record=NAME,
        from_=VERSION,
        to=VERSION,
        changes={
            "type": "array",
            "items": strict(["field", "before", "after"], field=NAME, before={}, after={}),
        },
    ),
    "Bundle": {
        "description": "A proof bundle: docs/proof-bundle.md says what its members are and how to check them.",
        "type": "object",
        "required": ["format", "checkpoint", "entries"],
        "properties": {
            "format": {"const": "proof-bundle/v1"},
            "checkpoint": {"type": "string"},
            "entries": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    },
    "Report": strict(
        ["verdict", "level", "claims", "steps", "trust"],
        verdict={"enum": ["valid", "consistent, signer unknown", "not valid"]},
        level={"enum": ["sealed here", "witnessed", "replicated", "published", None]},
        claims={"type": "array", "items": {"type": "string"}},
        steps={
            "type": "array",
            "items": strict(
                ["name", "passed", "detail"],
                name={"type": "string"},
                passed={"type": ["boolean", "null"]},
                detail={"type": "string"},
            ),
        },
        trust={"description": "By whose trust policy the bundle was judged.", "type": "string"},
    ),
    "Trust": {
        "description": "A trust policy: whose signatures count, and how the log began.",
        "type": "object",
        "required": ["format", "origin", "agencies", "require"],
    },
    "StoredDocument": strict(["document", "size"], document=HASH, size=NUMBER),
    "Caller": strict(
        ["name", "kind", "scopes"],
        name={"type": "string"},
        kind={"enum": ["anonymous", "token", "key", "operator"]},
        scopes={"type": "array", "items": {"type": "string"}},
    ),
    "Node": strict(
        ["origin", "agency", "size", "root", "time", "level", "links"],
        origin={"type": "string"},
        agency={"type": "string"},
        size=NUMBER,
        root=HASH,
        time=TIME,
        level={"enum": ["sealed here", "witnessed", "replicated", "published"]},
        links={"type": "object", "additionalProperties": {"type": "string"}},
    ),
    "Health": strict(
        ["status", "size", "catalogue-behind", "checks", "witnesses"],
        status={"enum": ["ok", "failing"]},
        size=NUMBER,
        catalogue_behind=NUMBER,
        checks={
            "type": "array",
            "items": strict(
                ["name", "ok", "detail"],
                name={"type": "string"},
                ok={"type": "boolean"},
                detail={"type": "string"},
            ),
        },
        witnesses={
            "type": "array",
            "items": strict(["name", "size", "behind"], name={"type": "string"}, size=NUMBER, behind=NUMBER),
        },
    ),
}
