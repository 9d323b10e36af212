"""Errors as pages, in plain words."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response

from counterfoil.web.portal.answer import HTML_TYPE
from counterfoil.web.portal.templating import render
from counterfoil.web.problem import Problem

HEADINGS: Final = {
    HTTPStatus.BAD_REQUEST: "That could not be understood",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "That cannot be done here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "That cannot be given",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not at this moment",
}
PLAIN: Final = {
    HTTPStatus.NOT_FOUND.phrase: "there is nothing at this address, which may have been mistyped or cut off; the front "
    "page / has links to every page, and /v1/openapi.json has the addresses of the API",
    HTTPStatus.METHOD_NOT_ALLOWED.phrase: "this address does not take that method; Allow says which it takes",
}
DAMAGED: Final = "It is damaged, and not given"
OTHERWISE: Final = "Something went wrong"


def error_page(request: Request[Any, Any, Any], said: Problem) -> Response[Any]:
    """A page that says what is wrong and what to do."""
    heading = DAMAGED if said.kind == "damaged" else HEADINGS.get(HTTPStatus(said.status), OTHERWISE)
    data = render("error.html", heading=heading, problem=said, sentence=_sentence(said.detail))
    headers = {**said.headers, "cache-control": "no-store"}
    return Response(data, media_type=HTML_TYPE, status_code=said.status, headers=headers)


def said_plainly(detail: str) -> str:
    """What an error says, in a sentence also where the library has only the name of the status."""
    return PLAIN.get(detail, detail)


def _sentence(detail: str) -> str:
    """What an error says, as a sentence by itself."""
    text = said_plainly(detail)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
