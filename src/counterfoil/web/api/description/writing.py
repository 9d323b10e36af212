"""The operations that write, and the one that verifies."""

from __future__ import annotations

from typing import Final

from counterfoil.web.api.description.parts import (
    CALLERS,
    WRITING,
    Answered,
    Part,
    body_of,
    link,
    operation,
)
from counterfoil.web.api.description.reading import BINARY, PLACE

MADE: Final = ("ETag", "Location", "Idempotent-Replayed")
WAITS: Final = Answered(
    "It waits for endorsements, or lies on the desk for a second officer.",
    {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Changed", "Waiting")]},
    ("Location", "Idempotent-Replayed"),
)
NAMED: Final = {"register": "$response.body#/register", "record": "$response.body#/record"}
AFTER: Final = {
    "record": link("showRecord", "The record.", **NAMED),
    "history": link("showHistory", "Its entries.", **NAMED),
    "version": link("showVersion", "The entry.", version="$response.body#/version", **NAMED),
    "amend": link("amendRecord", "Its next version.", on_If_Match="$response.header.ETag", **NAMED),
    "replace": link("putRecord", "Its next version, whole.", on_If_Match="$response.header.ETag", **NAMED),
    "add": link(
        "addEntry", "Its next version, by an operation.", on_If_Match="$response.header.ETag", **NAMED
    ),
    "proof": link("proveEntry", "Proves it.", number="$response.body#/number"),
    "transaction": link("showTransaction", "What wrote it.", transaction="$response.body#/transaction"),
}
TAKEN: Final = Answered("It is stored for good.", "Changed", MADE, AFTER)
CHANGING: Final = (*WRITING, 404, 409, 412, 428)
FIELDS: Final = {"country": "XK", "name": "Kosovo"}
WHY: Final = {"why": "first registration", "law": "Land Registration Act 2002"}
PROPOSAL: Final = {
    "register": "country",
    "record": "XK",
    "operation": "create",
    "version": 1,
    "body": {"fields": FIELDS},
}
HASH_OF: Final = {"transaction": "$response.body#/transaction"}
SUBMITTED: Final = {
    "transaction": link("showTransaction", "What became of it.", **HASH_OF),
    "endorse": link("endorse", "Endorses it, while it waits.", **HASH_OF),
    "withdraw": link("withdraw", "Takes it back, while it waits.", **HASH_OF),
}

SENT_BUNDLE: Final[Part] = {
    "description": "A proof bundle. One that is not in form is answered with a report that says so.",
    "type": "object",
    "required": ["format"],
}


def _either(public: str, personal: str) -> Part:
    """A body for registers of public fields, and the one for those with hidden fields."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in (public, personal)]}


PATHS: Final[dict[str, Part]] = {
    "/v1/caller": {
        "post": operation(
            "tryCaller",
            "Node: Who is asking, of a request with a body: to try a signature. Nothing is stored",
            {200: Answered("The caller.", "Caller")},
            (408, 413),
            body=body_of({}, {"any": "thing"}, required=False),
        )
    },
    "/v1/registers": {
        "post": operation(
            "createRegister",
            "Registers: Define a register",
            {
                201: Answered(
                    "It is defined.",
                    "DefinedRegister",
                    MADE,
                    {
                        "register": link(
                            "showRegister", "The register.", register="$response.body#/register"
                        ),
                        "definition": link(
                            "showDefinition", "Its entry.", register="$response.body#/register"
                        ),
                        "records": link("listRecords", "Its records.", register="$response.body#/register"),
                        "create": link(
                            "createRecord", "Its first record.", register="$response.body#/register"
                        ),
                    },
                ),
                202: Answered("It waits for endorsements.", "DefinedRegister", ("Location",)),
            },
            (*WRITING, 409, 412),
            takes=("Idempotency-Key",),
            body=body_of(
                "NewRegister", {"register": "country", "definition": {"title": "Countries", "key": "country"}}
            ),
            security=CALLERS,
            text="It takes the scope `govern`.",
        )
    },
    "/v1/registers/{register}/records": {
        "post": operation(
            "createRecord",
            "Records: Enter a new record",
            {201: TAKEN, 202: WAITS},
            (*WRITING, 404, 409, 412),
            takes=("register", "Idempotency-Key"),
            body=body_of(
                _either("NewRecord", "NewPersonalRecord"),
                {"record": "XK", "fields": FIELDS, "circumstances": WHY},
            ),
            security=CALLERS,
            text="In a register that only appends, this is a record's next entry. It takes `write:REGISTER`.",
        )
    },
    "/v1/registers/{register}/records/{record}": {
        "put": operation(
            "putRecord",
            "Records: State a record's whole content",
            {200: TAKEN, 201: TAKEN, 202: WAITS},
            CHANGING,
            takes=(*PLACE, "If-Match-or-new", "If-New", "Idempotency-Key"),
            body=body_of(_either("Content", "PersonalContent"), {"fields": FIELDS, "circumstances": WHY}),
            security=CALLERS,
            text="With `If-None-Match: *` a new record, with `If-Match` the next version of one.",
        ),
        "patch": operation(
            "amendRecord",
            "Records: Change a part of a record's content",
            {200: TAKEN, 202: WAITS},
            CHANGING,
            takes=(*PLACE, "If-Match", "Idempotency-Key"),
            body=body_of(
                _either("MergePatch", "PersonalContent"),
                {"fields": {"name": "Republic of Kosovo"}, "circumstances": {"why": "renamed"}},
                "application/merge-patch+json",
            ),
            security=CALLERS,
        ),
    },
    "/v1/registers/{register}/records/{record}/entries": {
        "post": operation(
            "addEntry",
            "Records: Amend, correct, annul, close or erase a record",
            {201: TAKEN, 202: WAITS},
            CHANGING,
            takes=(*PLACE, "If-Match", "Idempotency-Key"),
            body=body_of(
                _either("NewEntry", "PersonalEntry"),
                {"operation": "correct", "circumstances": {"why": "misspelt"}},
            ),
            security=CALLERS,
        )
    },
    "/v1/transactions": {
        "post": operation(
            "submit",
            "Transactions: Have proposals take effect together, or not at all",
            {
                201: Answered(
                    "All of it is stored for good.", "Receipt", ("Location", "Idempotent-Replayed"), SUBMITTED
                ),
                202: Answered(
                    "It waits for endorsements.", "Receipt", ("Location", "Idempotent-Replayed"), SUBMITTED
                ),
            },
            (*WRITING, 409),
            takes=("Idempotency-Key",),
            body=body_of("Transaction", {"proposals": [PROPOSAL], "receipt": True}),
            security=CALLERS,
            text="It takes `write:REGISTER` for each register in it, and `govern` for those of the ledger's own.",
        )
    },
    "/v1/batches": {
        "post": operation(
            "submitBatch",
            "Transactions: Submit many at once, each of them taken or refused by itself",
            {200: Answered("What became of each, in their order.", "BatchAnswer")},
            WRITING,
            takes=("Idempotency-Key",),
            body=body_of("Batch", {"transactions": [{"proposals": [PROPOSAL]}]}),
            security=CALLERS,
        )
    },
    "/v1/transactions/{transaction}/endorsements": {
        "post": operation(
            "endorse",
            "Transactions: Endorse one that waits",
            {200: Answered("What became of it.", "Receipt", ("Idempotent-Replayed",))},
            (*WRITING, 404, 409),
            takes=("transaction", "Idempotency-Key"),
            body=body_of("Endorsement", {"key": "ed25519:…", "signature": "…"}, required=False),
            security=CALLERS,
            text="Without a body as this agency; with one, by whoever holds the key. It takes the scope `endorse`.",
        )
    },
    "/v1/transactions/{transaction}/withdrawal": {
        "post": operation(
            "withdraw",
            "Transactions: Take back one that waits, and that this agency submitted",
            {200: Answered("What became of it.", "Receipt", ("Idempotent-Replayed",))},
            (*WRITING, 404, 409),
            takes=("transaction", "Idempotency-Key"),
            security=CALLERS,
            text="It takes the scope `endorse`.",
        )
    },
    "/v1/documents": {
        "post": operation(
            "storeDocument",
            "Documents: Store bytes that entries name by their hash",
            {
                201: Answered(
                    "They are stored for good.",
                    "StoredDocument",
                    ("Location",),
                    {"document": link("showDocument", "Its bytes.", document="$response.body#/document")},
                )
            },
            (403, 408, 413),
            takes=("Idempotency-Key",),
            body=body_of(BINARY, "a deed", "application/octet-stream"),
            security=CALLERS,
            text="Any content type is taken, and none is kept. It takes the scope `documents`.",
        )
    },
    "/v1/verify": {
        "post": operation(
            "verify",
            "Proofs: Verify a proof bundle, step by step",
            {200: Answered("The report.", "Report")},
            (408, 413, 415),
            body=body_of(
                {
                    "anyOf": [
                        SENT_BUNDLE,
                        {
                            "type": "object",
                            "required": ["bundle"],
                            "additionalProperties": False,
                            "properties": {
                                "bundle": SENT_BUNDLE,
                                "trust": {
                                    "anyOf": [{"$ref": "#/components/schemas/Trust"}, {"type": "null"}]
                                },
                            },
                        },
                    ]
                },
                {"format": "proof-bundle/v1", "checkpoint": "…", "entries": ["…"]},
            ),
            text="Alone, a bundle is judged by this node's own trust policy, and the report says so.",
        )
    },
}
