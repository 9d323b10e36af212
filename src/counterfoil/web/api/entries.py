"""Routes over the log's entries, whatever register they are of."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from litestar import route
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, UnsetType

from counterfoil.errors import Malformed
from counterfoil.store.store import Store
from counterfoil.web.api.answers import (
    DEFAULT_LIMIT,
    FOREVER,
    Answer,
    Cursor,
    Limit,
    answer,
    page_of_json,
    stated,
)
from counterfoil.web.api.asking import Asked, NoQuery, query
from counterfoil.web.api.proofs import prove_number
from counterfoil.web.service import Service

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
AT_ONCE: Final = 256
"""How many entries are read while the store is held still."""


class EntriesQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which entries: from a number on, or after the page before."""

    from_: Number | UnsetType = UNSET
    limit: Limit = DEFAULT_LIMIT
    after: Cursor | UnsetType = UNSET


@route("/entries", http_method=["GET", "HEAD"])
async def list_entries(request: Asked, service: NamedDependency[Service]) -> Answer:
    """The log's entries in their order, each byte for byte as it is a leaf of the log."""
    asked = query(request, EntriesQuery)
    after, first = stated(asked.after), stated(asked.from_)
    if after is not None and first is not None:
        raise Malformed("a list begins from a number or after a cursor, not both")
    begin = entry_number(after, "cursor") + 1 if after is not None else first or 0

    def read(store: Store) -> tuple[list[bytes], bool]:
        found = list(store.entries(begin, begin + asked.limit))
        return found, begin + len(found) < store.head.size

    found, more = await (service.read if asked.limit <= AT_ONCE else service.read_long)(read)
    return page_of_json(found, str(begin + len(found) - 1) if found and more else None)


@route("/entries/{number:str}", http_method=["GET", "HEAD"])
async def show_entry(request: Asked, service: NamedDependency[Service], number: FromPath[str]) -> Answer:
    """An entry, byte for byte as it is a leaf of the log."""
    query(request, NoQuery)
    wanted = entry_number(number)
    return answer(await service.read(lambda store: store.entry(wanted)), headers=FOREVER)


@route("/entries/{number:str}/proof", http_method=["GET", "HEAD"])
async def show_entry_proof(
    request: Asked, service: NamedDependency[Service], number: FromPath[str]
) -> Answer:
    """A proof bundle that an entry stands in the log, with who endorsed it."""
    query(request, NoQuery)
    return await prove_number(service, entry_number(number))


def entry_number(text: str, what: str = "entry's number") -> int:
    """The number that `text` is. Raises `Malformed`."""
    if not text.isascii() or not text.isdecimal() or len(text) > 16:
        raise Malformed(f"{text[:40]!r} is no {what}; an entry's number is written in digits")
    return int(text)


entry_routes: Final = [list_entries, show_entry, show_entry_proof]
