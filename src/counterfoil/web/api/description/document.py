"""The whole description, put together."""

from __future__ import annotations

from functools import cache
from typing import Final

from counterfoil.proof.canonical import canonical
from counterfoil.web.api.description import extracts, office, office_parts, reading, writing
from counterfoil.web.api.description.answered import ANSWERED
from counterfoil.web.api.description.parameters import HEADERS, PARAMETERS, SECURITY
from counterfoil.web.api.description.parts import Part, problem_responses
from counterfoil.web.api.description.sent import SENT

TEXT: Final = (
    "Append-only public registers with proofs. Reading is open to everybody; writing takes a token or an HTTP message "
    "signature. Every answer can be checked without trusting the node that gave it: with a proof bundle, and a trust "
    "policy from elsewhere. Errors are problem details (RFC 9457). Members and query parameters that are not described "
    "here are refused."
)


def document() -> Part:
    """The description as a JSON value."""
    paths: dict[str, Part] = {path: dict(item) for path, item in reading.PATHS.items()}
    for path, item in (*writing.PATHS.items(), *office.PATHS.items(), *extracts.PATHS.items()):
        paths.setdefault(path, {}).update(item)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Registers",
            "version": "1",
            "summary": "Read, write and prove public registers",
            "description": TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {
                **SENT,
                **ANSWERED,
                **office_parts.SENT,
                **office_parts.ANSWERED,
                **extracts.SENT,
                **extracts.ANSWERED,
            },
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": problem_responses(),
            "securitySchemes": SECURITY,
        },
    }


@cache
def encoded_document() -> bytes:
    """The same as bytes."""
    return canonical(document())
