"""From a view to an answer: one struct is both the page and its JSON, and the content gives the entity tag."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response

from counterfoil.errors import Malformed
from counterfoil.web.portal.addresses import JSON
from counterfoil.web.portal.ledger_facts import LedgerFacts, ledger_facts
from counterfoil.web.portal.templating import render
from counterfoil.web.service import Service

PageRequest: TypeAlias = Request[Any, Any, Any]
HTML_TYPE: Final = "text/html"
"""The library adds to every type of text that it is UTF-8."""
JSON_TYPE: Final = "application/json"
MAX_NAMED: Final = 8
"""How many unknown members of a query an error names."""
REVALIDATE: Final = "no-cache"
"""Pages are kept by who read them, and asked about each time: the entity tag makes that a few bytes."""


class Answer(msgspec.Struct, frozen=True):
    """What a page's JSON is: the ledger that it is about, and what the page shows of it."""

    ledger: LedgerFacts
    page: msgspec.Struct


def wants_json(request: PageRequest) -> bool:
    """Whether a page is asked for as JSON: by its address, or by an `Accept` that prefers JSON to HTML."""
    if request.scope["path"].endswith(JSON):
        return True
    accepted = request.headers.get("accept", "")
    html, json = accepted.find("text/html"), accepted.find(JSON_TYPE)
    return json >= 0 and (html < 0 or json < html)


def check_members(request: PageRequest, asks: Collection[str]) -> None:
    """Raise `Malformed` where the query has a member that the page does not know: it would be passed over unseen."""
    unknown = sorted({name for name in request.query_params if name not in asks})
    if not unknown:
        return
    known = f"it knows {', '.join(asks)}" if asks else "it takes none"
    raise Malformed(
        f"this page does not know {', '.join(f'{name!r:.40}' for name in unknown[:MAX_NAMED])} in its address; "
        f"{known}, so leave out the rest"
    )


async def answer(
    request: PageRequest,
    service: Service,
    view: msgspec.Struct,
    template: str,
    *,
    address: str,
    json: bool | None = None,
    status: int = 200,
) -> Response[bytes]:
    """A view as a page or as JSON. `address` is the page's own, whose JSON its foot names, without the query."""
    ledger = await ledger_facts(service)
    query, site = request.url.query, site_of(request, service)
    if wants_json(request) if json is None else json:
        data, kind = msgspec.json.encode(Answer(ledger, view)), JSON_TYPE
    else:
        beside = f"{'/index' if address == '/' else address}{JSON}{f'?{query}' if query else ''}"
        data, kind = (
            render(template, view=view, ledger=ledger, address=address, site=site, json_address=beside),
            HTML_TYPE,
        )
    return tagged(request, data, kind, status=status)


def site_of(request: PageRequest, service: Service) -> str:
    """The address at which this node is reached, without a slash at its end."""
    return (service.public_url or str(request.base_url)).rstrip("/")


def tagged(
    request: PageRequest,
    data: bytes,
    media_type: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """Bytes with their entity tag; nothing but that where the reader has them already (RFC 9110 section 13.1.2)."""
    tag = f'"{sha256(data).hexdigest()[:32]}"'
    said = {"etag": tag, "cache-control": REVALIDATE, "vary": "accept", **(headers or {})}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if status == 200 and request.method in {"GET", "HEAD"} and (tag in known or "*" in known):
        return Response(b"", status_code=304, headers=said, media_type=media_type)
    return Response(data, status_code=status, headers=said, media_type=media_type)
