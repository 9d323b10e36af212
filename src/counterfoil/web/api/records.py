"""Routes below a register: its records, and whatever is asked about one of them.

A record's key may hold any character, so that the part of the address after `records` is told apart here, from the
path as it was sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from litestar import Response, patch, post, put, route
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, UnsetType

from counterfoil.errors import NotFound
from counterfoil.identity.caller import Caller
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from counterfoil.registry.catalogue.catalogue import Page, Row
from counterfoil.registry.history import Clock
from counterfoil.registry.record_name import missing
from counterfoil.store.store import Store
from counterfoil.web.api.answers import AGAIN, DEFAULT_LIMIT, Answer, Cursor, Limit, answer, page, stated
from counterfoil.web.api.asking import Asked, NoQuery, query
from counterfoil.web.api.attaching import read_attachment
from counterfoil.web.api.changes import (
    Change,
    add_entry,
    create_record,
    not_allowed,
    patch_record,
    replace_record,
    require_register,
)
from counterfoil.web.api.history import (
    PROVABLE,
    SHORT,
    show_differences,
    show_history,
    show_known,
    show_version,
)
from counterfoil.web.api.places import Place, place_of, record_path
from counterfoil.web.api.proofs import show_inclusion, show_proof
from counterfoil.web.api.versions import etag, not_modified
from counterfoil.web.service import Service

Read: TypeAlias = Callable[[Asked, Service, Place], Awaitable[Answer]]
Write: TypeAlias = Callable[[Change, Place], Awaitable[Answer]]
Moment: TypeAlias = Annotated[str, msgspec.Meta(min_length=4, max_length=40)]

RECORDS: Final = "/registers/{register:str}/records"
RECORD: Final = "/registers/{register:str}/records/{rest:path}"


class RecordsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which records of a register, in which order. `q` searches them; then the best come first."""

    limit: Limit = DEFAULT_LIMIT
    after: Cursor | UnsetType = UNSET
    order: Literal["key", "-key", "changed", "-changed"] = "key"
    status: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    ended: Literal["true", "false"] | UnsetType = UNSET
    q: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class KnownQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"as_of": "as-of"}):
    """What was known of a record when; nothing of it: what it is now."""

    known: Moment | UnsetType = UNSET
    as_of: Moment | UnsetType = UNSET
    by: Clock | UnsetType = UNSET


@route(RECORDS, http_method=["GET", "HEAD"])
async def list_records(request: Asked, service: NamedDependency[Service], register: FromPath[str]) -> Answer:
    """A register's records as they are now, a page at a time; `q` searches them."""
    asked = query(request, RecordsQuery)
    await service.read(lambda store: require_register(store, register))
    catalogue = await service.current_catalogue()
    after, text, ended = stated(asked.after), stated(asked.q), stated(asked.ended)

    def find() -> Page:
        if text is not None:
            return catalogue.search(text, register, after, asked.limit)
        return catalogue.records(
            register,
            after,
            asked.limit,
            order=asked.order,
            status=stated(asked.status),
            ended=None if ended is None else ended == "true",
        )

    found = await service.in_thread(find)
    read = service.read if asked.limit <= SHORT else service.read_long
    return page(await read(lambda store: _as_stored(store, found.rows)), found.next)


def _as_stored(store: Store, rows: Sequence[Row]) -> list[Row]:
    """What the store says of the records that the catalogue names: the catalogue is an aid, and may be behind."""
    found = []
    for row in rows:
        state = store.record(record_key(row.register, row.record))
        if state is not None and state.number == row.number:
            entry = decode_entry(store.entry(state.number))
            place = (entry.register, entry.record, entry.number, entry.version)
            found.append(Row(*place, entry.status, entry.operation, entry.time))
    return found


@post(RECORDS)
async def new_record(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    register: FromPath[str],
) -> Answer:
    """Enter a new record."""
    query(request, NoQuery)
    return await create_record(Change(request, service, caller), register)


async def show_record(request: Asked, service: Service, place: Place) -> Answer:
    """A record's latest entry, byte for byte as it stands in the log; or what was known of it."""
    asked = query(request, KnownQuery)
    known, as_of, by = stated(asked.known), stated(asked.as_of), stated(asked.by)
    if known or as_of or by:
        not_modified(request, "")  # such an answer has no tag, but what names one must be in form
        return await show_known(service, place, known, as_of, by or Clock.LEDGER)

    def read(store: Store) -> tuple[int, bytes]:
        state = store.record(record_key(place.register, place.record))
        if state is None:
            raise missing(store, place.register, place.record, PROVABLE)
        return state.version, store.entry(state.number)

    version, data = await service.read(read)
    headers = {"etag": etag(version), "link": _links(place)}
    if not_modified(request, headers["etag"]):
        return Answer(b"", status_code=304, headers={**AGAIN, **headers})
    return answer(data, headers=headers)


READERS: Final[dict[str, Read]] = {
    "": show_record,
    "entries": show_history,
    "differences": show_differences,
    "proof": show_proof,
    "inclusion": show_inclusion,
}
"""What can be read of a record, by the part of the address after its key."""
ADDITIONS: Final = "entries"
"""Where a POST goes to that adds an entry."""
ATTACHMENTS: Final = "attachments"
"""Where a POST goes to that asks for an attachment: why stands in its body."""


@route(RECORD, http_method=["GET", "HEAD"])
async def read_record(request: Asked, service: NamedDependency[Service]) -> Answer:
    """A record, or what is asked about it."""
    place = place_of(request.scope["raw_path"])
    match place.rest:
        case ():
            return await show_record(request, service, place)
        case (what,) if what in READERS and what:
            return await READERS[what](request, service, place)
        case (what,) if what == ATTACHMENTS:
            raise not_allowed(methods_at(place))
        case ("entries", version):
            return await show_version(request, service, place, version)
    raise NotFound(
        f"a record has no {'/'.join(place.rest)[:80]!r}; it has {', '.join(filter(None, READERS))}"
    )


@put(RECORD)
async def put_record(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """State a record's whole content."""
    return await _write(request, service, caller, replace_record)


@patch(RECORD)
async def merge_record(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Change a part of a record's content."""
    return await _write(request, service, caller, patch_record)


@post(RECORD)
async def post_entry(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Response[Any]:
    """Add an entry to a record by the operation's name, or ask for a document that is attached to it."""
    place = place_of(request.scope["raw_path"])
    if place.rest == (ATTACHMENTS,):
        return await read_attachment(request, service, caller, place)
    if place.rest != (ADDITIONS,):
        raise not_allowed(methods_at(place))
    query(request, NoQuery)
    return await add_entry(Change(request, service, caller), place)


async def _write(request: Asked, service: Service, caller: Caller, write: Write) -> Answer:
    place = place_of(request.scope["raw_path"])
    if place.rest:
        raise not_allowed(methods_at(place))
    query(request, NoQuery)
    return await write(Change(request, service, caller), place)


def methods_at(place: Place) -> str:
    """The methods that the address of a record, or of something below it, takes."""
    if not place.rest:
        return "GET, HEAD, PUT, PATCH"
    if place.rest == (ATTACHMENTS,):
        return "POST"
    return "GET, HEAD, POST" if place.rest == (ADDITIONS,) else "GET, HEAD"


def _links(place: Place) -> str:
    """Where more about a record is (RFC 8288)."""
    targets = {"version-history": "entries", "describedby": "proof"}
    return ", ".join(
        f'<{record_path(place.register, place.record, rest)}>; rel="{name}"' for name, rest in targets.items()
    )


record_routes: Final = [list_records, new_record, read_record, put_record, merge_record, post_entry]
