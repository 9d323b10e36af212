"""Routes that write a record: create, replace, patch, and what else can be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from litestar.exceptions import HTTPException

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Conflict, NotFound, Refused
from counterfoil.identity.caller import Caller
from counterfoil.ledger.system import GOVERNED, LEDGER_ONLY
from counterfoil.node import Node
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.transaction import Expectation
from counterfoil.registry.record_name import missing
from counterfoil.store.store import Store
from counterfoil.web.api.answers import Answer, answer, receipt_members, replayed, transaction_path
from counterfoil.web.api.asking import (
    JSON,
    MERGE_PATCH,
    Asked,
    converted,
    json_value,
    repeatable,
    require_write,
)
from counterfoil.web.api.content import Content, NewEntry, NewRecord, following, patched, proposal
from counterfoil.web.api.personal_records import Filing
from counterfoil.web.api.places import REGISTERS, Place, record_path
from counterfoil.web.api.versions import etag, is_new, seen
from counterfoil.web.service import Service

_APPEND: Final[WeakKeyDictionary[Node, dict[str, bool]]] = WeakKeyDictionary()
"""By register, whether it only appends; a register keeps that for its whole life."""


class Change(NamedTuple):
    """A request that writes: what is asked, of whom, and by whom."""

    request: Asked
    service: Service
    caller: Caller

    async def submit(self, proposed: Proposal, data: bytes, expected: Expectation | None = None) -> Answer:
        """Submit one proposal for a request whose body is `data`, and say what became of it."""
        again = repeatable(self.request, self.caller, data)
        expectations = [expected] if expected else []
        submission = Submission([proposed], expectations, again.key, again.request)
        receipt = await submitted(self.service, submission)
        return await _answer(self.service, proposed, receipt, made=self.request.method == "POST")

    async def submit_next(
        self, place: Place, version: int, operation: str, content: Content, data: bytes
    ) -> Answer:
        """Submit the next entry of a record that the client saw at a version; 0 where it saw none."""
        register, record = place.register, place.record
        if not await appends(self.service, register):
            return await self.submit(proposal(register, record, operation, version + 1, content), data)
        proposed = proposal(register, record, "amend", None, content)
        return await self.submit(proposed, data, Expectation(register, record, version))


async def create_record(change: Change, register: str) -> Answer:
    """Enter a new record, whose key stands in the body; in a register that appends, the record's next entry."""
    require_write(change.caller, register)
    append = await appends(change.service, register)
    value, data = await json_value(change.request, change.service)
    if await is_personal(change.service, register):
        return await Filing(*change).create(register, value, data)
    content = converted(value, NewRecord)
    operation, version = ("amend", None) if append else ("create", 1)
    return await change.submit(proposal(register, content.record, operation, version, content), data)


async def replace_record(change: Change, place: Place) -> Answer:
    """State the whole content of a record: of a new one (`If-None-Match: *`), or of one that was seen (`If-Match`)."""
    require_write(change.caller, place.register)
    await appends(change.service, place.register)
    new = is_new(change.request)
    versions = None if new else seen(change.request)
    value, data = await json_value(change.request, change.service)
    personal = await is_personal(change.service, place.register)
    content = Content() if personal else converted(value, Content)
    version = 0 if new else await _seen(change.service, place, versions)
    if personal:
        return await Filing(*change).replace(place, version, value, data)
    return await change.submit_next(place, version, "amend" if version else "create", content, data)


async def patch_record(change: Change, place: Place) -> Answer:
    """Change parts of a record's content, by a merge patch (RFC 7396)."""
    patch, data, before, version = await _read_change(change, place, MERGE_PATCH)
    if await is_personal(change.service, place.register):
        return await Filing(*change).patch(before, version, patch, data)
    return await change.submit_next(place, version, "amend", patched(before, patch), data)


async def add_entry(change: Change, place: Place) -> Answer:
    """Do something to a record by the operation's name: amend, correct, annul, close, erase."""
    value, data, before, version = await _read_change(change, place)
    if await is_personal(change.service, place.register):
        return await Filing(*change).add(before, version, value, data)
    stated = converted(value, NewEntry)
    return await change.submit_next(place, version, stated.operation, following(before, stated), data)


async def appends(service: Service, register: str) -> bool:
    """Whether a register only appends. Raises `NotFound` where there is none, `Refused` for the ledger's own."""
    known = _APPEND.setdefault(service.node, {})
    if register not in known:
        if register in LEDGER_ONLY:
            raise Refused(f"the ledger itself writes {register}; nobody else can")
        await service.read(lambda store: require_register(store, register))
        definition = await service.read(lambda _: service.node.definition(register))
        known[register] = definition.append
    return known[register]


async def is_personal(service: Service, register: str) -> bool:
    """Whether a register holds anything that must not stand in the log: then the office writes its records."""
    if register.startswith("."):
        return False
    definition = await service.read(lambda _: service.node.definition(register))
    return definition.pseudonymous or bool(definition.hidden)


def require_register(store: Store, register: str) -> None:
    """Raise `NotFound` unless there is a register of this name."""
    if register not in GOVERNED | LEDGER_ONLY and store.record(record_key(".register", register)) is None:
        raise NotFound(f"there is no register {register[:120]!r}; {REGISTERS} lists those there are")


async def submitted(service: Service, submission: Submission) -> Receipt:
    """Submit. Raises `Refused` for a document that is not stored: the request's own address is there."""
    try:
        return await service.writer.submit(submission)
    except NotFound as error:
        raise Refused(str(error)) from None


def not_allowed(allowed: str) -> HTTPException:
    """What a method comes to that is not for an address."""
    return HTTPException(status_code=405, detail=f"this address takes {allowed}", headers={"allow": allowed})


async def _read_change(
    change: Change, place: Place, content_type: str = JSON
) -> tuple[Json, bytes, Entry, int]:
    """The body of a request to change a record and its bytes, the record's latest entry, and the version seen."""
    require_write(change.caller, place.register)
    await appends(change.service, place.register)
    versions = seen(change.request)
    value, data = await json_value(change.request, change.service, content_type)
    before = await _latest(change.service, place)
    return value, data, before, _choose(before.version, versions)


async def _latest(service: Service, place: Place) -> Entry:
    def read(store: Store) -> bytes:
        state = store.record(record_key(place.register, place.record))
        if state is None:
            raise missing(store, place.register, place.record)
        return store.entry(state.number)

    return decode_entry(await service.read(read))


async def _seen(service: Service, place: Place, versions: Sequence[int] | None) -> int:
    """The version that the client saw: the one that it names, the latest where it names any or several."""
    if versions is not None and len(versions) == 1:
        return versions[0]
    try:
        return _choose((await _latest(service, place)).version, versions)
    except NotFound as error:
        raise Conflict(str(error)) from None


def _choose(version: int, versions: Sequence[int] | None) -> int:
    return version if versions is None or version in versions else max(versions)


async def _answer(service: Service, proposed: Proposal, receipt: Receipt, *, made: bool) -> Answer:
    """What became of a change: its entry's place once it is taken, 202 while it waits for endorsements.

    `made`: the request was to add something, so that what is taken is answered with 201.
    """
    members = receipt_members(receipt)
    first, count = members.pop("first"), members.pop("count")
    version: int | None = None
    headers = replayed(receipt)
    if count:
        version = proposed.version
        if version is None or headers:
            version = decode_entry(await service.read(lambda store: store.entry(first))).version
        headers["etag"] = etag(version)
        headers["location"] = record_path(proposed.register, proposed.record)
    else:
        headers["location"] = transaction_path(receipt.transaction)
    document = {
        "register": proposed.register,
        "record": proposed.record,
        "version": version,
        "number": first,
    }
    status = 202 if not count else 201 if made or version == 1 else 200
    return answer({**document, **members}, status, headers)
