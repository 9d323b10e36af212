"""The schemas of what officers send and are answered."""

from __future__ import annotations

from typing import Final

from counterfoil.registry.personal.change import STATED as SAID
from counterfoil.registry.personal.erasing import GROUNDS
from counterfoil.registry.personal.stated import MAX_NOT_SAME, MAX_TEXT, NOT_SAME
from counterfoil.web.api.description.case_parts import CASE_ID, CASES, TEXT
from counterfoil.web.api.description.parts import Part, reference
from counterfoil.web.api.description.vocabulary import (
    FIELDS,
    HASH,
    NAME,
    NUMBER,
    OPERATION,
    RECEIPT,
    TIME,
    VERSION,
    many,
    or_null,
    strict,
)

ATTACHED: Final[Part] = {
    "kind": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,98}$"},
    "media_type": {"type": "string"},
    "size": VERSION,
    "hash": HASH,
}
TICKETS: Final[Part] = {
    "description": "What `POST /v1/attachments` answered.",
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 2048},
    "maxItems": 20,
}
STATED: Final[Part] = {
    "description": "Who acts for whom, why, by which law, and the clocks of older books; who acted is added.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        name: {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
        for name in sorted(set(SAID) - {NOT_SAME})
    }
    | {NOT_SAME: {"type": "array", "minItems": 1, "maxItems": MAX_NOT_SAME, "items": NAME}},
}
PERSONAL: Final[Part] = {
    "fields": FIELDS,
    "key": or_null(NAME),
    "status": or_null(NAME),
    "circumstances": STATED,
    "references": {"anyOf": [many("Reference", 64), {"type": "null"}]},
    "document": or_null(HASH),
    "control": or_null(reference("Policy")),
    "attachments": TICKETS,
}
ASK: Final[Part] = {
    "purpose": NAME,
    "key": {"description": "The natural key; or `record`, its pseudonym.", **or_null(NAME)},
    "record": or_null(NAME),
    "version": or_null(VERSION),
    "fields": or_null({"type": "array", "items": NAME, "minItems": 1, "maxItems": 200}),
    "case": or_null(NAME),
}
NAMED: Final[Part] = {"type": "array", "items": strict(["register", "record"], register=NAME, record=NAME)}

SENT: Final[Part] = {
    "Changes": strict(
        ["changes"],
        changes={
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": strict(
                ["register"],
                register=NAME,
                operation=OPERATION,
                fields=FIELDS,
                key=or_null(NAME),
                record=or_null(NAME),
                version={"description": "The version that was seen.", **or_null(NUMBER)},
                status=or_null(NAME),
                merge={"description": "`fields` are those that change.", "type": "boolean"},
                patch={"description": "`fields` is a merge patch (RFC 7396).", "type": "boolean"},
                circumstances=STATED,
                control=or_null(reference("Policy")),
                references=many("Reference", 64),
                document=or_null(HASH),
                attachments=TICKETS,
            ),
        },
        not_before=or_null(TIME),
        deadline=or_null(TIME),
        receipt={"description": "Answer with a proof of the entries.", "type": "boolean"},
    ),
    "NewPersonalRecord": strict([], record=or_null(NAME), **PERSONAL),
    "PersonalContent": strict([], **PERSONAL),
    "PersonalEntry": strict(["operation"], operation=OPERATION, **{**PERSONAL, "fields": or_null(FIELDS)}),
    "Ask": strict(
        ["purpose"],
        **ASK,
        proof={
            "description": "With the proof of what is shown; `inclusion`: the quick one of a latest entry.",
            "enum": [True, False, "inclusion"],
        },
    ),
    "Asks": strict(
        ["count", "asks"],
        count={
            "description": "How many there are, so that the number is meant.",
            "type": "integer",
            "minimum": 1,
            "maximum": 200,
        },
        asks={
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "items": strict(["register", "purpose"], register=NAME, **ASK),
        },
    ),
    "BudgetRequest": strict(
        ["purpose", "register", "count", "why"],
        purpose={"type": "string", "minLength": 1, "maxLength": 200},
        register=NAME,
        count={"type": "integer", "minimum": 1, "maximum": 1_000_000},
        why={"type": "string", "minLength": 1, "maxLength": 2000},
    ),
    "Terms": strict(
        ["terms"],
        purpose=or_null(NAME),
        terms={
            "type": "array",
            "minItems": 1,
            "maxItems": 10,
            "items": strict(
                ["field", "value"],
                field={"type": "string", "maxLength": 100},
                value={"type": "string", "minLength": 1, "maxLength": 400},
                kind={"description": "exact, name, phonetic, trigrams or year.", "type": "string"},
            ),
        },
    ),
    "Somebody": strict(["fields"], fields=FIELDS),
    "DecisionOf": strict(
        ["approve", "reason"],
        approve={"type": "boolean"},
        reason={"type": "string", "minLength": 1, "maxLength": 2000},
    ),
    "WithdrawalOf": strict(["reason"], reason={"type": "string", "minLength": 1, "maxLength": 2000}),
    "ErasureAsked": strict(
        ["register", "ground", "law"],
        register={"type": "string"},
        ground={"enum": list(GROUNDS)},
        law=NAME,
        subject=or_null({"type": "string", "maxLength": 100}),
        record=or_null({"type": "string", "maxLength": 255}),
        key=or_null({"type": "string", "maxLength": 255}),
        case=or_null({"type": "string", "maxLength": 255}),
    ),
    "AttachmentWanted": strict(
        ["number", "purpose"],
        number={"type": "integer", "minimum": 0, "maximum": 1000},
        purpose=NAME,
        version=or_null(VERSION),
        case=or_null(NAME),
    ),
}

ANSWERED: Final[Part] = {
    "Filed": strict(
        ["records", "receipt"],
        records=NAMED,
        receipt=strict(list(RECEIPT), **RECEIPT),
        proof=or_null(reference("Bundle")),
    ),
    "Waiting": {
        "description": "It lies on the desk; `reasons` are names of constraints, and words as `four-eyes`.",
        **strict(
            ["records", "case", "reasons"],
            records=NAMED,
            case=CASE_ID,
            reasons={"type": "array", "items": TEXT},
        ),
    },
    "Shown": strict(
        [
            "register",
            "record",
            "number",
            "version",
            "status",
            "fields",
            "circumstances",
            "erased",
            "disclosed",
        ],
        register=NAME,
        record=NAME,
        number=NUMBER,
        version=VERSION,
        status=or_null(NAME),
        fields={"type": "object"},
        circumstances={"type": "object"},
        erased={"description": "Whether some of the item's keys are gone.", "type": "boolean"},
        disclosed={
            "description": "The entries that say that this was shown; none where all of it is public.",
            **strict(["first", "count"], first=or_null(NUMBER), count=NUMBER),
        },
        proof=reference("Bundle"),
    ),
    **CASES,
    "Decided": strict(
        ["case"],
        case=reference("Case"),
        records=NAMED,
        receipt=strict(list(RECEIPT), **RECEIPT),
        erased=strict(
            ["register", "record", "subject", "entry", "keys", "complete"],
            register=NAME,
            record=NAME,
            subject=TEXT,
            entry=NUMBER,
            keys=NUMBER,
            complete={"type": ["string", "null"]},
        ),
    ),
    "Match": strict(
        ["register", "record", "version", "status", "current"],
        register=NAME,
        record=NAME,
        version=VERSION,
        status=or_null(NAME),
        current={"type": "boolean"},
    ),
    "Candidate": strict(
        ["register", "record", "version", "score", "likely", "reasons"],
        register=NAME,
        record=NAME,
        version=VERSION,
        score={"type": "integer"},
        likely={"type": "boolean"},
        reasons={"type": "array", "items": TEXT},
    ),
    "Attached": strict(["attachment", "kind", "media-type", "size", "hash"], attachment=TEXT, **ATTACHED),
}
