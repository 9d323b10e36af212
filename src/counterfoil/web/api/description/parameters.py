"""Parameters, headers and ways to sign in that operations share."""

from __future__ import annotations

from typing import Final

from counterfoil.registry.personal.attachments import MEDIA_TYPES
from counterfoil.web.api.description.parts import Part
from counterfoil.web.api.description.vocabulary import HASH, NAME, NUMBER, VERSION


def _query(name: str, text: str, schema: Part) -> Part:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _path(name: str, text: str, schema: Part, example: object) -> Part:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": schema,
        "example": example,
    }


def _header(name: str, text: str, schema: Part, *, required: bool = False) -> Part:
    return {"name": name, "in": "header", "required": required, "description": text, "schema": schema}


MOMENT: Final[Part] = {
    "type": "string",
    "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?)?$",
}
TAGS: Final[Part] = {
    "type": "string",
    "pattern": '^[ \\t]*(\\*|(W/)?"[!#-~]*"([ \\t]*,[ \\t]*(W/)?"[!#-~]*")*)[ \\t]*$',
}
PARAMETERS: Final[Part] = {
    "register": _path("register", "A register's name.", NAME, "country"),
    "record": _path(
        "record", "A record's key, percent-encoded: it may hold any character, `/` among them.", NAME, "GB"
    ),
    "version": _path("version", "A version of the record.", VERSION, 1),
    "number": _path("number", "An entry's number in the log.", NUMBER, 0),
    "attached": _path("number", "An attachment's number, from 0.", NUMBER, 0),
    "transaction": _path("transaction", "A transaction's hash.", HASH, f"sha256:{'0' * 64}"),
    "document": _path("document", "A document's hash.", HASH, f"sha256:{'0' * 64}"),
    "case": _path(
        "case",
        "A case's id.",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "0" * 32,
    ),
    "kind": {
        **_query(
            "kind",
            "What the document is, as the register names it.",
            {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,98}$"},
        ),
        "required": True,
        "example": "order",
    },
    "media-type": {
        **_query(
            "media-type",
            "Its media type; only some are taken.",
            {"type": "string", "enum": sorted(MEDIA_TYPES)},
        ),
        "required": True,
    },
    "register-of": _query("register", "Only cases of this register.", NAME),
    "after-case": _query("after", "The `next` of the page before.", NUMBER),
    "limit": _query(
        "limit", "How many items at most.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
    ),
    "after": _query(
        "after", "The `next` of the page before.", {"type": "string", "minLength": 1, "maxLength": 2048}
    ),
    "order": _query(
        "order",
        "By key or by the last change; `-` turns it round.",
        {"enum": ["key", "-key", "changed", "-changed"]},
    ),
    "status": _query("status", "Only records with this status.", NAME),
    "ended": _query("ended", "Only records that have ended, or that have not.", {"type": "boolean"}),
    "q": _query(
        "q", "Only records that have these words.", {"type": "string", "minLength": 1, "maxLength": 200}
    ),
    "known": _query("known", "What was known then: a day, or a time.", MOMENT),
    "as-of": _query("as-of", "What was true in the world then.", MOMENT),
    "by": _query("by", "Known to this ledger, or to the older book.", {"enum": ["ledger", "book"]}),
    "from-version": _query("from", "The earlier version; the one before `to` where left out.", VERSION),
    "to-version": _query("to", "The later version; the latest where left out.", VERSION),
    "from-number": _query("from", "The number of the first entry.", NUMBER),
    "versions": _query(
        "versions",
        "Which versions to prove.",
        {"anyOf": [{"enum": ["latest", "all"]}, {"type": "string", "pattern": "^[1-9][0-9]{0,14}$"}]},
    ),
    "absent": _query("absent", "Prove that there is no such record.", {"const": "1"}),
    "If-Match": _header(
        "If-Match",
        "The version that was seen, as `ETag` has it; `*`: whichever is the latest.",
        {**TAGS, "examples": ['"1"', "*"]},
        required=True,
    ),
    "If-Match-or-new": _header(
        "If-Match",
        "The version that was seen; for a new record, `If-None-Match: *` instead.",
        {**TAGS, "examples": ["*"]},
    ),
    "If-New": _header("If-None-Match", "There must be no such record yet.", {"const": "*"}),
    "If-None-Match": _header(
        "If-None-Match",
        "What the client has: answered with 304 where that is the latest.",
        TAGS,
    ),
    "Idempotency-Key": _header(
        "Idempotency-Key",
        "The client's name for this request: sent again, it is answered as it was, and not done again.",
        {"type": "string", "pattern": "^[\\t -~]{1,255}$"},
    ),
}
HEADERS: Final[Part] = {
    "ETag": {"description": "The record's version.", "schema": {"type": "string", "pattern": '^".+"$'}},
    "Location": {"description": "Where what was made is.", "schema": {"type": "string", "pattern": "^/v1/"}},
    "Link": {"description": "Where more about it is (RFC 8288).", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "The request had been answered before.",
        "schema": {"const": "true"},
    },
}
SECURITY: Final[Part] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token: `counterfoil access add NAME --scope …` makes one.",
    },
    "httpSignature": {
        "type": "http",
        "scheme": "signature",
        "description": "An HTTP message signature (RFC 9421, Ed25519) by a key that the node knows.",
    },
}
