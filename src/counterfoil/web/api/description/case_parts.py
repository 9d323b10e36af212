"""The parts of the API's description that are about cases on the desk."""

from __future__ import annotations

from typing import Final

from counterfoil.web.api.description.parts import Part, reference
from counterfoil.web.api.description.vocabulary import NAME, NUMBER, TIME, or_null, strict

CASE_ID: Final[Part] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TEXT: Final[Part] = {"type": "string"}

CASES: Final[Part] = {
    "Case": strict(
        [
            "case",
            "number",
            "kind",
            "register",
            "by",
            "reasons",
            "put",
            "until",
            "standing",
            "decision",
        ],
        case=CASE_ID,
        number=NUMBER,
        kind={"enum": ["change", "erasure", "reading"]},
        register=NAME,
        by=TEXT,
        reasons={"type": "array", "items": TEXT},
        put=TIME,
        until=TIME,
        standing={"enum": ["waiting", "approved", "done", "refused", "withdrawn", "lapsed"]},
        decision=or_null(
            strict(
                ["by", "at", "approved", "reason"],
                by=TEXT,
                at=TIME,
                approved={"type": "boolean"},
                reason={"type": ["string", "null"]},
            )
        ),
        content={
            "description": "What it would do, for whoever may decide it; null for its own officer, and once decided.",
            "type": ["object", "null"],
        },
        because={
            "description": "Why it waits: each reason in a sentence, with the law behind it.",
            "type": "array",
            "items": strict(["name", "says", "citation"], name=NAME, says=TEXT, citation=or_null(TEXT)),
        },
        changes={
            "description": "Each record before and after; of what follows from another change, names of fields alone.",
            "type": "array",
            "items": strict(
                [
                    "register",
                    "record",
                    "operation",
                    "before",
                    "after",
                    "follows",
                    "fields",
                    "changed",
                    "stands",
                ],
                register=NAME,
                record=NAME,
                operation=TEXT,
                before=or_null(TEXT),
                after=or_null(TEXT),
                follows={"type": "boolean"},
                fields={
                    "type": "array",
                    "items": strict(["field", "before", "after"], field=NAME, before={}, after={}),
                },
                changed={"type": "array", "items": NAME},
                stands={"type": "object"},
            ),
        },
        impossible={"description": "Why it could not be done now.", "type": ["string", "null"]},
    ),
    "Withdrawn": strict(["case"], case=reference("Case")),
}
