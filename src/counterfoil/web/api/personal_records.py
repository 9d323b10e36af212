"""The routes that write a record, in a register with hidden fields: through the office, by the same addresses."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from counterfoil.errors import Malformed, NotFound
from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Reference, decode_entry
from counterfoil.registry.personal.change import Filed
from counterfoil.registry.personal.registrar import Terms
from counterfoil.store.store import Store
from counterfoil.web.api.answers import Answer, private, receipt_members, replayed, transaction_path
from counterfoil.web.api.asking import Asked, converted, repeatable
from counterfoil.web.api.content import Name, Operation
from counterfoil.web.api.filing import StatedChange, Tickets, file, records, waiting
from counterfoil.web.api.officers import acting
from counterfoil.web.api.places import Place, record_path
from counterfoil.web.api.versions import etag
from counterfoil.web.service import Service


class Stated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a record's next entry states: fields in plain, `key` (its natural key), `attachments` (their tickets)."""

    fields: dict[str, Json] = {}
    key: Name | None = None
    status: Name | None = None
    circumstances: dict[str, Json] = {}
    references: tuple[Reference, ...] | None = None
    document: str | None = None
    control: Json | None = None
    attachments: Tickets = ()


class NewStated(Stated, frozen=True, forbid_unknown_fields=True):
    """A new record, named by its natural key, or by `record` where that is known."""

    record: Name | None = None


class NextStated(Stated, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record's next entry by its operation; without `fields` they stay as they were."""

    operation: Operation
    fields: dict[str, Json] | None = None  # type: ignore[assignment]  # left out is not the same as empty here


class Filing(NamedTuple):
    """A request that has the office write one record."""

    request: Asked
    service: Service
    caller: Caller

    async def create(self, register: str, value: Json, data: bytes) -> Answer:
        """Enter a new record."""
        asked = converted(value, NewStated)
        return await self._file(_change(register, asked.record, "create", None, asked), data)

    async def replace(self, place: Place, version: int, value: Json, data: bytes) -> Answer:
        """State a record's whole content; `version` is the one seen, 0 where there was none."""
        asked = converted(value, Stated)
        operation = "amend" if version else "create"
        return await self._file(_change(place.register, place.record, operation, version, asked), data)

    async def patch(self, before: Entry, version: int, value: Json, data: bytes) -> Answer:
        """Change parts of a record's content, by a merge patch (RFC 7396)."""
        if not isinstance(value, dict):
            raise Malformed("a merge patch must be a JSON object, of the members that change")
        asked = converted(value, Stated)
        change = _change(before.register, before.record, "amend", version, await self._kept(asked, before))
        return await self._file(msgspec.structs.replace(change, patch=True), data)

    async def add(self, before: Entry, version: int, value: Json, data: bytes) -> Answer:
        """Do something to a record by the operation's name."""
        asked = converted(value, NextStated)
        if asked.operation == "erase":
            raise Malformed("an erasure needs a ground and a second officer; ask for it at /v1/erasures")
        stated = Stated(**{name: getattr(asked, name) for name in Stated.__struct_fields__})
        if asked.fields is None:
            stated = msgspec.structs.replace(stated, fields={})
        kept = await self._kept(stated, before)
        change = _change(before.register, before.record, asked.operation, version, kept)
        return await self._file(msgspec.structs.replace(change, merge=asked.fields is None), data)

    async def _kept(self, asked: Stated, before: Entry) -> Stated:
        """With the references and the document that the record had, but for what follows from its fields."""
        definition = await self.service.read(lambda _: self.service.node.definition(before.register))
        derived = {each.role for each in definition.constraints if each.kind == "reference"}
        references = asked.references
        if references is None:
            references = tuple(each for each in before.references if each.role not in derived)
        return msgspec.structs.replace(
            asked, references=references, document=asked.document or before.document
        )

    async def _file(self, change: StatedChange, data: bytes) -> Answer:
        again = repeatable(self.request, self.caller, data)
        filed = await file(self.service, [change], acting(self.caller), Terms(again.key, again.request))
        if filed.receipt is None:
            return waiting(filed)
        return await self._answer(filed)

    async def _answer(self, filed: Filed) -> Answer:
        receipt = filed.receipt
        if receipt is None or not filed.records:
            raise NotFound("the office did not say which record was changed; read it again")
        members = receipt_members(receipt)
        first, count = members.pop("first"), members.pop("count")
        register, record = filed.records[0]
        headers: dict[str, str] = replayed(receipt)
        version: int | None = None
        if count:
            version = (await self.service.read(lambda store: _entry(store, first))).version
            headers |= {"etag": etag(version), "location": record_path(register, record)}
        else:
            headers["location"] = transaction_path(receipt.transaction)
        document: dict[str, Any] = {
            "register": register,
            "record": record,
            "version": version,
            "number": first,
            "records": records(filed.records),
            **members,
        }
        made = self.request.method == "POST" or version == 1
        return private(document, 202 if not count else 201 if made else 200, headers)


def _change(
    register: str, record: str | None, operation: str, version: int | None, asked: Stated
) -> StatedChange:
    return StatedChange(
        register=register,
        operation=operation,
        fields=asked.fields,
        key=asked.key,
        record=record,
        version=version,
        status=asked.status,
        circumstances=asked.circumstances,
        control=asked.control,
        references=asked.references or (),
        document=asked.document,
        attachments=asked.attachments,
    )


def _entry(store: Store, number: int) -> Entry:
    return decode_entry(store.entry(number))
