"""The parts that a description is made of: operations, what they take, what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

Part: TypeAlias = dict[str, Any]

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
ALWAYS: Final = (400, 401, 414, 500, 503)
"""What any request may come to, whatever it asks."""
WRITING: Final = (403, 408, 413, 415, 422)
"""What a request that writes may come to as well."""
MEANINGS: Final = {
    400: "The request is not in form; `detail` says where.",
    401: "Who asks is not known, or it takes somebody who is.",
    403: "The caller lacks the scope, or the endorsements do not satisfy the policy.",
    404: "It is not there.",
    408: "The body did not arrive in time.",
    409: "The record, claim or expectation has moved on: read again and submit anew.",
    412: "The record is not at the version that `If-Match` names, or is there in spite of `If-None-Match: *`.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "The body is of another content type than this takes.",
    422: "The ledger does not take it; `constraint`, `field` and `citation` say why, where there is a rule.",
    428: "It takes `If-Match`, with the version that was seen.",
    500: "Something stored is damaged and not served, or this program has a fault.",
    503: "Not now: ask again after `Retry-After` seconds.",
}
OPEN: Final[list[Part]] = []
CALLERS: Final[list[Part]] = [{"bearer": []}, {"httpSignature": []}]


class Answered(NamedTuple):
    """One answer of an operation: what it means, its schema, headers and links; no schema: no body."""

    meaning: str
    schema: str | Part | None = None
    headers: Sequence[str] = ()
    links: Mapping[str, Part] = {}
    example: object = None
    media_type: str = JSON

    def part(self) -> Part:
        """The same as a response object."""
        made: Part = {"description": self.meaning}
        if self.headers:
            made["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in self.headers}
        if self.schema is not None:
            made["content"] = content(self.schema, self.example, self.media_type)
        if self.links:
            made["links"] = dict(self.links)
        return made


def operation(
    name: str,
    summary: str,
    answers: Mapping[int, Answered],
    errors: Sequence[int] = (),
    *,
    takes: Sequence[str | Part] = (),
    body: Part | None = None,
    security: Sequence[Part] = (),
    text: str | None = None,
) -> Part:
    """An operation. `takes` are parameters: those of the components by name, others whole."""
    tag, _, said = summary.partition(": ")
    codes = sorted({*ALWAYS, *errors})
    made: Part = {
        "operationId": name,
        "tags": [tag],
        "summary": said,
        "responses": {
            **{str(status): each.part() for status, each in answers.items()},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in codes},
        },
        "security": list(security),
    }
    if text:
        made["description"] = text
    if takes:
        made["parameters"] = [
            {"$ref": f"#/components/parameters/{each}"} if isinstance(each, str) else each for each in takes
        ]
    if body is not None:
        made["requestBody"] = body
    return made


def content(schema: str | Part, example: object = None, media_type: str = JSON) -> Part:
    """A body's schema by its name among the components, or whole, with an example."""
    made: Part = {"schema": reference(schema) if isinstance(schema, str) else schema}
    if example is not None:
        made["example"] = example
    return {media_type: made}


def body_of(schema: str | Part, example: object, media_type: str = JSON, *, required: bool = True) -> Part:
    """The body that an operation takes."""
    return {"required": required, "content": content(schema, example, media_type)}


def reference(schema: str) -> Part:
    """A schema among the components, by its name."""
    return {"$ref": f"#/components/schemas/{schema}"}


def link(operation_id: str, text: str, **parameters: str) -> Part:
    """Where an answer leads: an operation, and which parts of request and answer it takes.

    `on_` before a parameter's name says that it stands in a header; `_` in such a name is a hyphen.
    """
    made = {
        f"header.{name[3:].replace('_', '-')}" if name.startswith("on_") else name: value
        for name, value in parameters.items()
    }
    return {"operationId": operation_id, "description": text, "parameters": made}


def problem_responses() -> Part:
    """Every problem among the components, by its status."""
    return {
        str(status): {
            "description": meaning,
            "content": content("Problem", media_type=PROBLEM),
            **({"headers": {"Retry-After": {"schema": {"type": "string"}}}} if status == 503 else {}),
        }
        for status, meaning in MEANINGS.items()
    }


def a_list_of(item: str | Part) -> Part:
    """A page of a list: its items, and the cursor of the next page or null."""
    return {
        "type": "object",
        "required": ["items", "next"],
        "additionalProperties": False,
        "properties": {
            "items": {"type": "array", "items": reference(item) if isinstance(item, str) else item},
            "next": {
                "description": "What `after` takes for the next page; null after the last.",
                "type": ["string", "null"],
            },
        },
    }
