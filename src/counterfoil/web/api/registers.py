"""Routes over registers: which there are, how one is defined, and defining one."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterfoil.engine.submission import Submission
from counterfoil.errors import Malformed, NotFound
from counterfoil.identity.caller import Caller
from counterfoil.ledger.system import LEDGER_ONLY, REGISTER
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Proposal, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.registry.catalogue.catalogue import RegisterSummary
from counterfoil.store.store import Store
from counterfoil.web.api.answers import (
    Answer,
    PageQuery,
    answer,
    page,
    receipt_members,
    replayed,
    stated,
    transaction_path,
)
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query, repeatable, require_write
from counterfoil.web.api.changes import require_register, submitted
from counterfoil.web.api.content import Name
from counterfoil.web.api.defined import described
from counterfoil.web.api.places import record_path, register_path
from counterfoil.web.api.versions import etag
from counterfoil.web.service import Service


class NewRegister(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A register to be defined: what the definition does not say, this agency keeps it and endorses its entries."""

    register: Name
    definition: dict[str, Json] = {}
    circumstances: dict[str, Json] | None = None


@route("/registers", http_method=["GET", "HEAD"])
async def list_registers(request: Asked, service: NamedDependency[Service]) -> Answer:
    """Every register by name, the ledger's own among them, with what it holds."""
    asked = query(request, PageQuery)
    summaries = sorted((await service.current_catalogue()).registers(), key=lambda each: each.name)
    after = stated(asked.after)
    rest = [each for each in summaries if after is None or each.name > after]
    shown = rest[: asked.limit]
    return page([_summary(each) for each in shown], shown[-1].name if len(rest) > len(shown) else None)


@post("/registers")
async def create_register(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Define a register."""
    query(request, NoQuery)
    require_write(caller, REGISTER)
    asked, data = await json_body(request, service, NewRegister)
    if asked.register in LEDGER_ONLY or asked.register.startswith("."):
        raise Malformed(
            f"{asked.register!r} is a name of the ledger's own; choose one that begins with a letter"
        )
    fields: dict[str, Json] = {
        "title": asked.register,
        "authority": service.node.agency,
        **asked.definition,
    }
    body: dict[str, Json] = {"fields": fields}
    if asked.circumstances is not None:
        body["circumstances"] = asked.circumstances
    proposed = Proposal(REGISTER, asked.register, "create", 1, body=body)
    again = repeatable(request, caller, data)
    receipt = await submitted(
        service, Submission([proposed], idempotency_key=again.key, request=again.request)
    )
    members = receipt_members(receipt)
    headers = replayed(receipt)
    if receipt.count:
        headers |= {"location": register_path(asked.register), "etag": etag(1)}
    else:
        headers["location"] = transaction_path(receipt.transaction)
    document = {
        "register": asked.register,
        "version": 1 if receipt.count else None,
        "number": members["first"],
        "transaction": receipt.transaction,
        "standing": members["standing"],
    }
    return answer(document, 201 if receipt.count else 202, headers)


@route("/registers/{register:str}", http_method=["GET", "HEAD"])
async def show_register(request: Asked, service: NamedDependency[Service], register: FromPath[str]) -> Answer:
    """How a register is defined, who keeps it, and how much it holds."""
    query(request, NoQuery)
    await service.read(lambda store: require_register(store, register))
    data = await service.read(lambda store: _definition(store, register))
    entry = decode_entry(data) if data else None
    catalogue = await service.current_catalogue()
    found = [each for each in catalogue.registers() if each.name == register]
    summary = found[0] if found else RegisterSummary(register, None, 0, 0, None, register.startswith("."))
    fields = entry.fields if entry else None
    authority = fields["authority"] if fields else None
    document: dict[str, Any] = {
        **_summary(summary),
        "authority": authority,
        "version": entry.version if entry else None,
        "definition": fields,
        "described": described(service.node.definition(register)) if entry else None,
        "links": {
            "records": register_path(register, "records"),
            "definition": register_path(register, "definition"),
        },
    }
    return answer(document)


@route("/registers/{register:str}/definition", http_method=["GET", "HEAD"])
async def show_definition(
    request: Asked, service: NamedDependency[Service], register: FromPath[str]
) -> Answer:
    """The entry that defines a register, byte for byte as it stands in the log."""
    query(request, NoQuery)
    data = await service.read(lambda store: _definition(store, register))
    if data is None:
        await service.read(lambda store: require_register(store, register))
        raise NotFound(f"{register} is a register of the ledger itself: nobody wrote a definition of it")
    headers = {"etag": etag(decode_entry(data).version), "content-location": record_path(REGISTER, register)}
    return answer(data, headers=headers)


def _definition(store: Store, register: str) -> bytes | None:
    state = store.record(record_key(REGISTER, register))
    return store.entry(state.number) if state else None


def _summary(summary: RegisterSummary) -> dict[str, Any]:
    return {
        "register": summary.name,
        "title": summary.title,
        "records": summary.records,
        "entries": summary.entries,
        "last-time": summary.last_time,
        "system": summary.system,
    }


register_routes: Final = [list_registers, create_register, show_register, show_definition]
