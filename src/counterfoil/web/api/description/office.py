"""The operations of officers: changes judged by the agency, disclosures, search, the desk, erasures, attachments."""

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

CASE: Final = {"case": "$response.body#/case"}
LAID: Final = Answered(
    "It lies on the desk for a second officer.",
    "Waiting",
    ("Location",),
    {
        "case": link("showCase", "The case.", **CASE),
        "decide": link("decideCase", "Decides it, by a second officer.", **CASE),
    },
)
ASKING: Final = (*WRITING, 404)
ASK: Final = {"purpose": "identification", "key": "P-000001", "fields": ["names"]}


def _items(schema: str, **members: Part) -> Part:
    return {
        "type": "object",
        "required": ["items", *members],
        "additionalProperties": False,
        "properties": {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}},
            **members,
        },
    }


PATHS: Final[dict[str, Part]] = {
    "/v1/changes": {
        "post": operation(
            "fileChanges",
            "Office: Have changes of records take effect together, judged with every field",
            {
                201: Answered("All of it is stored for good.", "Filed", ("Location", "Idempotent-Replayed")),
                202: Answered(
                    "It lies on the desk for a second officer, or waits for endorsements.",
                    {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Waiting", "Filed")]},
                    ("Location", "Idempotent-Replayed"),
                ),
            },
            (*ASKING, 409),
            takes=("Idempotency-Key",),
            body=body_of(
                "Changes",
                {"changes": [{"register": "person", "fields": {"number": "P-000001"}}], "receipt": True},
            ),
            security=CALLERS,
            text="It takes an officer with `write:REGISTER` for each register in it.",
        )
    },
    "/v1/registers/{register}/disclosures": {
        "post": operation(
            "disclose",
            "Office: Show fields of a record, once it is in the log that they are shown",
            {200: Answered("What was shown.", "Shown")},
            ASKING,
            takes=("register",),
            body=body_of("Ask", ASK),
            security=CALLERS,
            text="It takes an officer with `disclose:REGISTER`. Asking again is a disclosure of its own.",
        )
    },
    "/v1/disclosures": {
        "post": operation(
            "discloseMany",
            "Office: Show fields of several records; how many is named before anything is decrypted",
            {200: Answered("What was shown, in the order asked for.", _items("Shown"))},
            ASKING,
            body=body_of("Asks", {"count": 1, "asks": [{"register": "person", **ASK}]}),
            security=CALLERS,
            text="It takes an officer with `disclose:REGISTER` for each register in it.",
        )
    },
    "/v1/budget-requests": {
        "post": operation(
            "askBudget",
            "Office: Ask a second officer to let more items be read than the budget allows",
            {202: LAID},
            WRITING,
            body=body_of(
                "BudgetRequest",
                {"purpose": "identification", "register": "person", "count": 500, "why": "the yearly check"},
            ),
            security=CALLERS,
            text="It takes an officer with `disclose:REGISTER`. What is approved holds for eight hours.",
        )
    },
    "/v1/registers/{register}/search": {
        "post": operation(
            "searchItems",
            "Office: Find records by what their hidden fields hold, and show nothing of them",
            {200: Answered("The records.", _items("Match", more={"type": "boolean"}))},
            ASKING,
            takes=("register",),
            body=body_of("Terms", {"terms": [{"field": "number", "value": "P-000001"}]}),
            security=CALLERS,
            text="It takes an officer with `search:REGISTER`. Without a purpose, records are left out whose status "
            "only some purposes allow to be read.",
        )
    },
    "/v1/registers/{register}/candidates": {
        "post": operation(
            "findCandidates",
            "Office: The records that may be of somebody who is to be registered",
            {200: Answered("The candidates, likely ones first.", _items("Candidate"))},
            ASKING,
            takes=("register",),
            body=body_of("Somebody", {"fields": {"names": [{"family": "Tamm", "given": "Mari"}]}}),
            security=CALLERS,
            text="It takes an officer with `search:REGISTER`. Each record that is compared is disclosed for it, under "
            "the purpose `duplicate-check`, and counts in the read budget; 20 are compared at most.",
        )
    },
    "/v1/desk": {
        "get": operation(
            "listCases",
            "Office: The cases that wait for a second officer",
            {
                200: Answered(
                    "Those that the officer may decide, and the officer's own.",
                    _items("Case", next={"type": ["string", "null"]}),
                )
            },
            (403,),
            takes=("register-of", "limit", "after-case"),
            security=CALLERS,
        )
    },
    "/v1/desk/{case}": {
        "get": operation(
            "showCase",
            "Office: A case, and for whoever may decide it what it holds",
            {200: Answered("The case.", "Case")},
            (403, 404, 422),
            takes=("case",),
            security=CALLERS,
            text="What it holds is shown once a disclosure is in the log for everybody whom its changes are about, "
            "under the purpose `second-officer`.",
        )
    },
    "/v1/desk/{case}/decision": {
        "post": operation(
            "decideCase",
            "Office: Decide a case as a second officer; approved, it is carried out at once",
            {200: Answered("What became of it.", "Decided")},
            (*ASKING, 409),
            takes=("case", "Idempotency-Key"),
            body=body_of("DecisionOf", {"approve": True, "reason": "seen, with the certificate"}),
            security=CALLERS,
            text="It takes an officer with `decide:REGISTER` for each register that the case would change.",
        )
    },
    "/v1/desk/{case}/attachments/{number}": {
        "get": operation(
            "readCaseAttachment",
            "Office: A document attached to a change that waits",
            {200: Answered("The document, in its media type.", {})},
            (403, 404, 422),
            takes=("case", "attached"),
            security=CALLERS,
            text="For whoever may decide the case, disclosed as the case is; by its number from 0, over all changes.",
        )
    },
    "/v1/desk/{case}/withdrawal": {
        "post": operation(
            "withdrawCase",
            "Office: Withdraw a case that is not carried out",
            {200: Answered("The case.", "Withdrawn")},
            (*ASKING, 409),
            takes=("case", "Idempotency-Key"),
            body=body_of("WithdrawalOf", {"reason": "entered twice"}),
            security=CALLERS,
            text="It takes the officer whose case it is, or one with `decide:REGISTER` for each register in it.",
        )
    },
    "/v1/erasures": {
        "post": operation(
            "askErasure",
            "Office: Ask for what is known of a subject to be erased",
            {202: LAID},
            (*ASKING, 409),
            takes=("Idempotency-Key",),
            body=body_of(
                "ErasureAsked",
                {
                    "register": "person",
                    "key": "P-000001",
                    "ground": "unlawful-processing",
                    "law": "GDPR art. 17(1)(d)",
                },
            ),
            security=CALLERS,
            text="It takes an officer with `erase:REGISTER`, and a second one to decide it.",
        )
    },
    "/v1/attachments": {
        "post": operation(
            "attach",
            "Office: Store a document encrypted, for a change that attaches it",
            {
                201: Answered(
                    "A ticket, which stands for it in a change of the same officer's for a day.", "Attached"
                )
            },
            (403, 408, 413),
            takes=("kind", "media-type", "Idempotency-Key"),
            body=body_of(BINARY, "a scan", "application/octet-stream"),
            security=CALLERS,
            text="At most 50 MB. It takes an officer with `write:REGISTER` for some register.",
        )
    },
    "/v1/registers/{register}/records/{record}/attachments": {
        "post": operation(
            "readAttachment",
            "Office: A document attached to a record, once it is in the log that it is shown",
            {200: Answered("The document.", BINARY, media_type="*/*")},
            ASKING,
            takes=PLACE,
            body=body_of("AttachmentWanted", {"number": 0, "purpose": "court-order", "case": "C-7"}),
            security=CALLERS,
            text="It takes an officer with `disclose:REGISTER`.",
        )
    },
}
