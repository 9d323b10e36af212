"""The routes of the pages about the whole ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from litestar import Response, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.types import AnyCallable

from counterfoil.errors import Malformed, NotFound
from counterfoil.web.portal.about_view import about_view
from counterfoil.web.portal.activity_view import activity_view
from counterfoil.web.portal.addresses import JSON, entry_address
from counterfoil.web.portal.answer import PageRequest, answer, check_members, site_of
from counterfoil.web.portal.audit_view import audit_view
from counterfoil.web.portal.front_view import front_view
from counterfoil.web.portal.log_view import entry_view, log_view
from counterfoil.web.portal.reading import read_rows
from counterfoil.web.portal.register_view import MAX_QUERY, registers_view
from counterfoil.web.portal.search_view import HITS, SearchView, hits_of
from counterfoil.web.portal.templating import CONTENTS
from counterfoil.web.service import Service
from counterfoil.web.witness_statuses import witness_statuses

IMMUTABLE: Final = "public, max-age=31536000, immutable"


def page(*paths: str, asks: Collection[str] | None = ()) -> Callable[[AnyCallable], Any]:
    """A route for reading a page, which is no part of the API's description.

    `asks` are the members that its query may have; None where the page itself sees to that.
    """

    async def check_query(request: PageRequest) -> None:
        if asks is not None:
            check_members(request, asks)

    methods = [HttpMethod.GET, HttpMethod.HEAD]
    return route(list(paths), http_method=methods, include_in_schema=False, before_request=check_query)


@page("/", "/index.json")
async def show_front(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """What is kept here."""
    catalogue = await service.current_catalogue()
    return await answer(
        request, service, front_view(catalogue, service.node.clock()), "front.html", address="/"
    )


@page("/registers", "/registers.json")
async def show_registers(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """Every register."""
    view = registers_view(await service.current_catalogue())
    return await answer(request, service, view, "registers.html", address="/registers")


@page("/search", "/search.json", asks=("q", "register", "after"))
async def show_search(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """What is found in all registers, or in one."""
    query, register = request.query_params.get("q", "").strip(), request.query_params.get("register") or None
    after = request.query_params.get("after") or None
    if len(query) > MAX_QUERY:
        raise Malformed(f"a search has at most {MAX_QUERY} characters; look for fewer words")
    catalogue = await service.current_catalogue()
    found = await service.in_thread(lambda: catalogue.search(query, register, after, HITS))
    read = await service.read(lambda store: read_rows(store, found.rows))
    registers = catalogue.registers()
    hits = hits_of(read.rows, query, {each.name: each.title for each in registers})
    shown = tuple(each for each in registers if not each.system)
    view = SearchView(query, register, hits, read.damaged, after, found.next, shown)
    return await answer(request, service, view, "search.html", address="/search")


@page("/entries/{number:str}")
async def show_entry(
    request: PageRequest, service: NamedDependency[Service], number: FromPath[str]
) -> Response[bytes]:
    """One entry of the log."""
    json, text = number.endswith(JSON), number.removesuffix(JSON)
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise NotFound(f"{text[:40]!r} is no entry's number; the log counts its entries from 0")
    view = await service.read(lambda store: entry_view(store, int(text)))
    return await answer(
        request, service, view, "entry.html", address=entry_address(int(text)), json=json or None
    )


@page("/log", "/log.json")
async def show_log(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """The log and who vouches for it."""
    catalogue = await service.current_catalogue()
    witnesses, days = await witness_statuses(service), catalogue.growth()
    view = await service.read(lambda store: log_view(store, witnesses, days))
    return await answer(request, service, view, "log.html", address="/log")


@page("/activity", "/activity.json")
async def show_activity(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """A year's entries."""
    catalogue = await service.current_catalogue()
    view = await service.in_thread(lambda: activity_view(catalogue, service.node.clock()))
    return await answer(request, service, view, "activity.html", address="/activity")


@page("/audit", "/audit.json")
async def show_audit(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """The latest audit."""
    return await answer(request, service, audit_view(service.auditing.latest), "audit.html", address="/audit")


@page("/about", "/about.json")
async def show_about(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """What is proved here and what is not, and how to check it."""
    view = about_view(site_of(request, service))
    return await answer(request, service, view, "about.html", address="/about")


@page("/static/{name:str}")
async def send_static(name: FromPath[str]) -> Response[bytes]:
    """A style sheet, script or picture; its name changes with its content."""
    file = CONTENTS.get(name)
    if file is None:
        raise NotFound("there is no such file; load the page anew, which names those that there are")
    return Response(file.data, media_type=file.media_type, headers={"cache-control": IMMUTABLE})
