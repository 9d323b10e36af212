"""Routes about a record through time: its versions, what was known of it when, what changed between two of them."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from counterfoil.errors import Malformed, NotFound
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.registry.history import Clock, as_known, differences
from counterfoil.registry.moment import latest as check_moment
from counterfoil.registry.record_name import missing
from counterfoil.store.store import Store
from counterfoil.web.api.answers import FOREVER, Answer, PageQuery, answer, page_of_json, stated
from counterfoil.web.api.asking import Asked, NoQuery, query
from counterfoil.web.api.places import Place
from counterfoil.web.api.versions import etag
from counterfoil.web.service import Service

SHORT: Final = 64
"""How many versions may be walked over while the store is held still."""
MAX_KNOWN: Final = 10_000
"""How many versions of a record are compared to say what was known of it."""

PROVABLE: Final = "; proof?absent=1 below it proves that"

Version: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class DifferencesQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Between which versions: the latest and the one before it, where nothing is said."""

    from_: Version | UnsetType = UNSET
    to: Version | UnsetType = UNSET


async def show_history(request: Asked, service: Service, place: Place) -> Answer:
    """A record's entries, the latest first."""
    asked = query(request, PageQuery)
    cursor = stated(asked.after)
    after = None if cursor is None else _number(cursor)

    def read(store: Store) -> tuple[list[bytes], str | None]:
        number: int | None = _latest(store, place)
        if after is not None:
            _check_own(store, place, after)
            number = store.prior(after)
        found: list[bytes] = []
        last = None
        while number is not None and len(found) < asked.limit:
            found.append(store.entry(number))
            last, number = number, store.prior(number)
        return found, None if number is None else str(last)

    return page_of_json(*await (service.read if asked.limit <= SHORT else service.read_long)(read))


async def show_version(request: Asked, service: Service, place: Place, version: str) -> Answer:
    """One version of a record, as it stands in the log."""
    query(request, NoQuery)
    if not version.isascii() or not version.isdecimal() or len(version) > 16:
        raise Malformed(f"{version[:40]!r} is no version; versions are numbers from 1")
    wanted = int(version)
    if not wanted:
        raise NotFound("a record's versions begin with 1")
    (data,) = await _versions(service, place, [wanted])
    return answer(data, headers={**FOREVER, "etag": etag(wanted)})


async def show_differences(request: Asked, service: Service, place: Place) -> Answer:
    """What changed between two versions of a record, field by field."""
    asked = query(request, DifferencesQuery)
    to = stated(asked.to)
    if to is None:
        to = await service.read(lambda store: _last_version(store, place))
    from_ = stated(asked.from_) or max(to - 1, 1)
    before, after = map(decode_entry, await _versions(service, place, [from_, to]))
    changes = differences(before, after)
    return answer(
        {"register": place.register, "record": place.record, "from": from_, "to": to, "changes": changes}
    )


async def show_known(
    service: Service, place: Place, known: str | None, as_of: str | None, by: Clock
) -> Answer:
    """What was known of a record on a day, as of another, by the ledger's clock or that of an older book."""
    for moment in filter(None, (known, as_of)):
        check_moment(moment)

    def read(store: Store) -> list[Entry]:
        number: int | None = _latest(store, place)
        found: list[Entry] = []
        while number is not None:
            if len(found) == MAX_KNOWN:
                raise Malformed(
                    f"the record has over {MAX_KNOWN} versions; read them page by page from entries"
                )
            found.append(decode_entry(store.entry(number)))
            number = store.prior(number)
        return found

    entries = await service.read_long(read)
    told = await service.in_thread(lambda: as_known(entries, known=known, as_of=as_of, clock=by))
    return answer(
        {
            "register": place.register,
            "record": place.record,
            "known": known,
            "as-of": as_of,
            "by": by.value,
            "reason": told.reason,
            "entry": told.entry,
        }
    )


async def _versions(service: Service, place: Place, wanted: list[int]) -> list[bytes]:
    """The canonical bytes of some versions of a record. Raises `NotFound`."""
    lowest = min(wanted)

    def far(store: Store) -> int:
        state = store.record(record_key(place.register, place.record))
        if state is None:
            raise missing(store, place.register, place.record, PROVABLE)
        if not max(wanted) <= state.version:
            raise NotFound(
                f"{place.register} {place.record!r} has no version {max(wanted)}; its last is {state.version}"
            )
        return state.version - lowest

    def read(store: Store) -> list[bytes]:
        state = store.record(record_key(place.register, place.record))
        found: dict[int, int] = {}
        number = state.number if state else None
        version = state.version if state else 0
        while number is not None and version >= lowest:
            found[version] = number
            number, version = store.prior(number), version - 1
        return [store.entry(found[each]) for each in wanted]

    return await (service.read if await service.read(far) <= SHORT else service.read_long)(read)


def _last_version(store: Store, place: Place) -> int:
    return decode_entry(store.entry(_latest(store, place))).version


def _latest(store: Store, place: Place) -> int:
    state = store.record(record_key(place.register, place.record))
    if state is None:
        raise missing(store, place.register, place.record, PROVABLE)
    return state.number


def _check_own(store: Store, place: Place, number: int) -> None:
    if number >= store.head.size:
        raise Malformed("the cursor is of another list; begin again without it")
    entry = decode_entry(store.entry(number))
    if (entry.register, entry.record) != (place.register, place.record):
        raise Malformed("the cursor is of another list; begin again without it")


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 16:
        raise Malformed("the cursor is not one that this list gave; begin again without it")
    return int(cursor)
