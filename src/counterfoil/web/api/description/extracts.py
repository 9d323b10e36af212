"""The operation that gives an extract."""

from __future__ import annotations

from typing import Final

from counterfoil.proof.extract import FORMAT
from counterfoil.web.api.description.parts import CALLERS, WRITING, Answered, Part, body_of, operation
from counterfoil.web.api.description.vocabulary import NAME, TIME, strict

SENT: Final[Part] = {
    "ExtractAsked": strict(
        [],
        key=NAME,
        record=NAME,
        purpose=NAME,
        fields={"type": "array", "items": NAME, "minItems": 1, "maxItems": 200},
        case=NAME,
    )
}
ANSWERED: Final[Part] = {
    "Extract": strict(
        [
            "format",
            "register",
            "record",
            "title",
            "authority",
            "issued",
            "level",
            "fields",
            "labels",
            "bundle",
            "certified",
        ],
        format={"const": FORMAT},
        register=NAME,
        record=NAME,
        title={"type": "string"},
        authority=NAME,
        issued=TIME,
        level={"enum": ["sealed here", "witnessed", "replicated", "published"]},
        purpose=NAME,
        fields={"type": "object"},
        labels={"type": "object", "additionalProperties": {"type": "string"}},
        erased={"type": "array", "items": NAME},
        bundle={"type": "object", "required": ["format"]},
        certified={"type": "object", "required": ["key", "signature"]},
    )
}
AS: Final[Part] = {
    "name": "as",
    "in": "query",
    "description": "`page` for a page to print, which has the JSON inside.",
    "schema": {"enum": ["json", "page"], "default": "json"},
}


def _made() -> Part:
    made = operation(
        "makeExtract",
        "Office: A certified copy of a record with chosen fields and its proof",
        {201: Answered("The extract.", "Extract")},
        (*WRITING, 404, 409),
        takes=("register", AS),
        body=body_of("ExtractAsked", {"purpose": "certificate", "key": "P-000001", "fields": ["names"]}),
        security=CALLERS,
        text="It takes an officer with `disclose:REGISTER`, and is a disclosure as any other; fields that are public "
        "take no purpose.",
    )
    made["responses"]["201"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return made


PATHS: Final[dict[str, Part]] = {"/v1/registers/{register}/extracts": {"post": _made()}}
