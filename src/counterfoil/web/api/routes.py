"""The routes of the API, under `/v1`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from litestar import HttpMethod, Response, Router, route
from litestar.handlers import HTTPRouteHandler

from counterfoil.web.api.about import about_routes
from counterfoil.web.api.asking import Asked
from counterfoil.web.api.attaching import attaching_routes
from counterfoil.web.api.desk import desk_routes
from counterfoil.web.api.disclosing import disclosing_routes
from counterfoil.web.api.documents import document_routes
from counterfoil.web.api.entries import entry_routes
from counterfoil.web.api.extracts import extract_routes
from counterfoil.web.api.filing import filing_routes
from counterfoil.web.api.finding import finding_routes
from counterfoil.web.api.openapi import description_routes
from counterfoil.web.api.places import check_path, place_of
from counterfoil.web.api.records import RECORD, methods_at, record_routes
from counterfoil.web.api.registers import register_routes
from counterfoil.web.api.transactions import transaction_routes
from counterfoil.web.api.verifying import verify_routes
from counterfoil.web.api.withdrawal import withdrawal_routes

_HANDLERS: Final[list[HTTPRouteHandler]] = [
    *about_routes,
    *register_routes,
    *record_routes,
    *entry_routes,
    *transaction_routes,
    *document_routes,
    *verify_routes,
    *filing_routes,
    *disclosing_routes,
    *extract_routes,
    *finding_routes,
    *desk_routes,
    *withdrawal_routes,
    *attaching_routes,
    *description_routes,
]


async def check_address(request: Asked) -> None:
    """Refuse an address that the router reads otherwise than it was written."""
    check_path(request.scope["raw_path"])


def _options(handlers: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """A route for OPTIONS beside each: the library's own knows only one of several handlers of an address."""
    methods: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for handler in handlers:
        for path in handler.paths:
            methods[path] |= handler.http_methods
    return [_telling(path, ", ".join(sorted(allowed))) for path, allowed in methods.items()]


def _telling(path: str, allowed: str) -> HTTPRouteHandler:
    @route(path, http_method=HttpMethod.OPTIONS, status_code=204)
    async def tell_methods(request: Asked) -> Response[None]:
        at = f"{methods_at(place_of(request.scope['raw_path']))}, OPTIONS" if path == RECORD else allowed
        return Response(None, status_code=204, headers={"allow": at})

    return tell_methods


# Those for OPTIONS come first: of several at one address the library keeps the one that it was given first.
routes: Final[list[Any]] = [
    Router("/v1", route_handlers=[*_options(_HANDLERS), *_HANDLERS], before_request=check_address)
]
