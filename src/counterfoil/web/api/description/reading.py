"""The operations that read."""

from __future__ import annotations

from typing import Final

from counterfoil.web.api.description.parts import Answered, Part, a_list_of, link, operation

BINARY: Final[Part] = {"type": "string", "format": "binary"}
PAGED: Final = ("limit", "after")
PLACE: Final = ("register", "record")
FOLLOWING: Final = {"register": "$request.path.register", "record": "$request.path.record"}
NEXT: Final = "The next page."

PATHS: Final[dict[str, Part]] = {
    "/v1": {
        "get": operation(
            "showNode",
            "Node: Which ledger this is, how large its log is, and how far it can be trusted",
            {200: Answered("The node.", "Node")},
        )
    },
    "/v1/health": {
        "get": operation(
            "showHealth",
            "Node: Whether the node can do its work",
            {200: Answered("It can.", "Health"), 503: Answered("It cannot, or not now.", "Health")},
        )
    },
    "/v1/trust": {
        "get": operation(
            "showTrust",
            "Node: The trust policy that verifies this ledger's proofs",
            {200: Answered("The policy. Get it once, from elsewhere too, and compare.", "Trust")},
            (404,),
        )
    },
    "/v1/caller": {
        "get": operation(
            "showCaller",
            "Node: Who is asking, as the node sees it",
            {200: Answered("The caller.", "Caller")},
        )
    },
    "/v1/openapi.json": {
        "get": operation(
            "showDescription", "Node: This description", {200: Answered("OpenAPI 3.1.", {"type": "object"})}
        )
    },
    "/v1/metrics": {
        "get": operation(
            "showMetrics",
            "Node: What the node counts, for Prometheus",
            {200: Answered("Prometheus text.", {"type": "string"}, media_type="text/plain")},
            (403,),
            text="It takes the scope `metrics`.",
        )
    },
    "/v1/registers": {
        "get": operation(
            "listRegisters",
            "Registers: Every register by name, the ledger's own among them",
            {200: Answered("A page of registers.", a_list_of("RegisterSummary"))},
            takes=PAGED,
        )
    },
    "/v1/registers/{register}": {
        "get": operation(
            "showRegister",
            "Registers: How a register is defined, who keeps it, and how much it holds",
            {200: Answered("The register.", "Register")},
            (404,),
            takes=("register",),
        )
    },
    "/v1/registers/{register}/definition": {
        "get": operation(
            "showDefinition",
            "Registers: The entry that defines a register",
            {200: Answered("The entry.", "Entry", ("ETag",))},
            (404,),
            takes=("register",),
        )
    },
    "/v1/registers/{register}/records": {
        "get": operation(
            "listRecords",
            "Records: A register's records as they are now",
            {200: Answered("A page of records.", a_list_of("Row"))},
            (404,),
            takes=("register", *PAGED, "order", "status", "ended", "q"),
            text="With `q`, records that have these words, the best first, whatever `order` says.",
        )
    },
    "/v1/registers/{register}/records/{record}": {
        "get": operation(
            "showRecord",
            "Records: A record's latest entry, or what was known of it",
            {
                200: Answered(
                    "The entry, byte for byte as it stands in the log; with `known`, `as-of` or `by`, what was known.",
                    {
                        "anyOf": [
                            {"$ref": "#/components/schemas/Entry"},
                            {"$ref": "#/components/schemas/Known"},
                        ]
                    },
                    ("ETag", "Link"),
                ),
                304: Answered("The client has the latest entry."),
            },
            (404,),
            takes=(*PLACE, "known", "as-of", "by", "If-None-Match"),
        )
    },
    "/v1/registers/{register}/records/{record}/entries": {
        "get": operation(
            "showHistory",
            "Records: A record's entries, the latest first",
            {200: Answered("A page of entries.", a_list_of("Entry"))},
            (404,),
            takes=(*PLACE, *PAGED),
        )
    },
    "/v1/registers/{register}/records/{record}/entries/{version}": {
        "get": operation(
            "showVersion",
            "Records: One version of a record",
            {
                200: Answered(
                    "The entry.",
                    "Entry",
                    ("ETag",),
                    {"proof": link("proveEntry", "Proves it.", number="$response.body#/number")},
                )
            },
            (404,),
            takes=(*PLACE, "version"),
        )
    },
    "/v1/registers/{register}/records/{record}/differences": {
        "get": operation(
            "showDifferences",
            "Records: What changed between two versions of a record",
            {200: Answered("What changed, field by field.", "Differences")},
            (404,),
            takes=(*PLACE, "from-version", "to-version"),
        )
    },
    "/v1/registers/{register}/records/{record}/proof": {
        "get": operation(
            "proveRecord",
            "Proofs: That a record's entries are what they are, or that there is no such record",
            {200: Answered("A proof bundle, with all that shows who endorsed what.", "Bundle")},
            (404,),
            takes=(*PLACE, "versions", "absent"),
        )
    },
    "/v1/registers/{register}/records/{record}/inclusion": {
        "get": operation(
            "proveQuickly",
            "Proofs: A record's latest entry, with proof that it stands in the log and is the latest",
            {200: Answered("A proof bundle without who endorsed it.", "Bundle", ("ETag",))},
            (404,),
            takes=PLACE,
        )
    },
    "/v1/entries": {
        "get": operation(
            "listEntries",
            "Entries: The log's entries in their order",
            {200: Answered("A page of entries.", a_list_of("Entry"))},
            takes=("from-number", *PAGED),
            text="`from` and `after` exclude each other.",
        )
    },
    "/v1/entries/{number}": {
        "get": operation(
            "showEntry",
            "Entries: An entry, byte for byte as it is a leaf of the log",
            {200: Answered("The entry.", "Entry")},
            (404,),
            takes=("number",),
        )
    },
    "/v1/entries/{number}/proof": {
        "get": operation(
            "proveEntry",
            "Proofs: That an entry stands in the log, and who endorsed it",
            {200: Answered("A proof bundle.", "Bundle")},
            (404,),
            takes=("number",),
        )
    },
    "/v1/transactions/{transaction}": {
        "get": operation(
            "showTransaction",
            "Transactions: What became of a transaction",
            {200: Answered("The transaction.", "KnownTransaction")},
            (404,),
            takes=("transaction",),
        )
    },
    "/v1/pending": {
        "get": operation(
            "listPending",
            "Transactions: Those that wait for endorsements or for their time",
            {200: Answered("A page of transactions.", a_list_of("KnownTransaction"))},
            takes=PAGED,
        )
    },
    "/v1/documents/{document}": {
        "get": operation(
            "showDocument",
            "Documents: A document's bytes",
            {200: Answered("The document.", BINARY, ("ETag",), media_type="application/octet-stream")},
            (404,),
            takes=("document",),
        )
    },
}
