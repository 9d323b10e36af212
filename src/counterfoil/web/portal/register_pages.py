"""The routes of registers and their records.

A record's key may have any characters, slashes among them, so that the address is read from the bytes of the request.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from counterfoil.errors import NotFound
from counterfoil.proof.trust import Trust
from counterfoil.web.portal.activity_view import years_of
from counterfoil.web.portal.addresses import (
    JSON,
    RecordAddress,
    read_record_address,
    record_address,
    register_address,
)
from counterfoil.web.portal.answer import PageRequest, answer, check_members, tagged
from counterfoil.web.portal.downloads import TYPES, parts_of, write_download
from counterfoil.web.portal.pages import page
from counterfoil.web.portal.proof_view import (
    Proven,
    asked_versions,
    file_name,
    is_long,
    own_trust,
    proof_view,
    prove,
)
from counterfoil.web.portal.record_view import Asked, differences_view, record_view
from counterfoil.web.portal.register_view import Wanted, find_rows, register_view
from counterfoil.web.service import Service

BUNDLE_TYPE: Final = "application/json"
_PROVED: Final = ("version", "versions")
ASKS: Final = {
    "": ("known", "as-of", "by", "before"),
    "differences": ("from", "to"),
    "proof": _PROVED,
    "proof-bundle": _PROVED,
}
"""What the query of a record's pages may have."""


@page("/registers/{name:str}", asks=("sort", "state", "q", "after"))
async def show_register(
    request: PageRequest, service: NamedDependency[Service], name: FromPath[str]
) -> Response[bytes] | Stream:
    """A register with its records, or the whole of it as a file."""
    catalogue = await service.current_catalogue()
    summaries = {each.name: each for each in catalogue.registers()}
    register, dot, kind = name.rpartition(".")
    json = kind == "json" and name not in summaries and bool(dot)
    if name not in summaries and kind in TYPES:
        entries = summaries[register].entries if register in summaries else 0
        return await _download(service, register, kind, entries)
    asked = register if json else name
    summary = summaries.get(asked)
    if summary is None:
        raise NotFound(
            f"there is no register {asked[:120]!r} here; the list of registers says which there are"
        )
    wanted = Wanted.read(dict(request.query_params))
    rows, following = await service.in_thread(lambda: find_rows(catalogue, asked, wanted))
    years = years_of(catalogue, asked)
    view = await service.read(
        lambda store: register_view(store, asked, wanted, rows, following, summary, years)
    )
    return await answer(
        request, service, view, "register.html", address=register_address(asked), json=json or None
    )


@page("/registers/{name:str}/records", "/registers/{name:str}/records.json", asks=None)
async def lead_to_register(request: PageRequest, name: FromPath[str]) -> Response[None]:
    """What one may guess: the records stand on the register's page."""
    json = JSON if request.scope["path"].endswith(JSON) else ""
    query = request.url.query
    place = register_address(name) + json + (f"?{query}" if query else "")
    return Response(None, status_code=308, headers={"location": place})


@page("/registers/{name:str}/records/{rest:path}", asks=None)
async def show_record(
    request: PageRequest, service: NamedDependency[Service], name: FromPath[str], rest: FromPath[str]
) -> Response[bytes]:
    """A record, or one of the pages below it."""
    address = read_record_address(request.scope["raw_path"])
    check_members(request, ASKS[address.page])
    match address.page:
        case "differences":
            return await _differences(request, service, address)
        case "proof":
            return await _proof(request, service, address)
        case "proof-bundle":
            return await _bundle(request, service, address)
    asked = Asked.read(dict(request.query_params), service.node.clock())
    deep = asked.past or asked.before is not None
    read = service.read_long if deep else service.read
    view = await read(lambda store: record_view(store, address.register, address.key, asked))
    place = record_address(address.register, address.key)
    return await answer(request, service, view, "record.html", address=place, json=address.json or None)


async def _differences(request: PageRequest, service: Service, address: RecordAddress) -> Response[bytes]:
    first, second = request.query_params.get("from"), request.query_params.get("to")
    view = await service.read_long(
        lambda store: differences_view(store, address.register, address.key, first, second)
    )
    place = record_address(address.register, address.key, "differences")
    return await answer(request, service, view, "differences.html", address=place, json=address.json or None)


async def _proof(request: PageRequest, service: Service, address: RecordAddress) -> Response[bytes]:
    proven, trust = await _proven(request, service, address)
    view, _ = await service.in_thread(lambda: proof_view(proven, trust, address.register, address.key))
    place = record_address(address.register, address.key, "proof")
    return await answer(request, service, view, "proof.html", address=place, json=address.json or None)


async def _proven(request: PageRequest, service: Service, address: RecordAddress) -> tuple[Proven, Trust]:
    asked, trust = asked_versions(dict(request.query_params)), own_trust(service.node.home)
    long = await service.read(lambda store: is_long(store, address.register, address.key))
    read = service.read_long if long else service.read
    return await read(lambda store: prove(store, trust, address.register, address.key, asked)), trust


async def _bundle(request: PageRequest, service: Service, address: RecordAddress) -> Response[bytes]:
    proven, _ = await _proven(request, service, address)
    data = await service.in_thread(proven.bundle.encode)
    return tagged(request, data, BUNDLE_TYPE, headers=_as_file(file_name(address.register, address.key)))


async def _download(service: Service, register: str, form: str, entries: int) -> Stream:
    folder = service.node.home.cache
    file = await service.read_long(lambda store: write_download(store, register, form, entries, folder))
    headers = {**_as_file(f"{register.lstrip('.')}.{form}"), "cache-control": "no-store"}
    return Stream(parts_of(file), media_type=TYPES[form], headers=headers)


def _as_file(name: str) -> dict[str, str]:
    """RFC 6266: the browser saves it under this name."""
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
