"""Changes through the office: judged with every field, sealed, or laid on the desk for a second officer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import post
from litestar.di import NamedDependency

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Malformed, Unavailable
from counterfoil.identity.caller import Caller
from counterfoil.office.office import DESK, Office
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Acting, Change, Filed
from counterfoil.registry.personal.registrar import Terms
from counterfoil.web.api.answers import Answer, private, receipt_members, replayed, transaction_path
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query, repeatable, require_write
from counterfoil.web.api.officers import acting
from counterfoil.web.api.places import CASES
from counterfoil.web.api.proofs import transaction_bundle
from counterfoil.web.service import Service
from counterfoil.web.tickets import MAX_TICKET, open_ticket

Ticket: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TICKET)]
Tickets: TypeAlias = Annotated[tuple[Ticket, ...], msgspec.Meta(max_length=20)]


class StatedChange(Change, frozen=True, forbid_unknown_fields=True):
    """A change as a client states it: `attachments` are the tickets that it was given for them."""

    attachments: Tickets = ()


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"not_before": "not-before"}):
    """Changes that take effect together; `receipt` asks for a proof of their entries in the answer."""

    changes: Annotated[tuple[StatedChange, ...], msgspec.Meta(min_length=1, max_length=1000)]
    not_before: str | None = None
    deadline: str | None = None
    receipt: bool = False


@post("/changes")
async def file_changes(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Have changes of records take effect together, or not at all, judged by this agency with every field."""
    query(request, NoQuery)
    who = acting(caller)
    asked, data = await json_body(request, service, Changes)
    for register in {change.register for change in asked.changes}:
        check_register(register)
        require_write(caller, register)
    again = repeatable(request, caller, data)
    terms = Terms(again.key, again.request, asked.not_before, asked.deadline, asked.receipt)
    filed = await file(service, asked.changes, who, terms)
    if filed.receipt is None:
        return waiting(filed)
    document: dict[str, Any] = {"records": records(filed.records), "receipt": receipt_members(filed.receipt)}
    if asked.receipt and filed.receipt.count:
        document["proof"] = await _proof(service, filed.receipt)
    headers = {"location": transaction_path(filed.receipt.transaction), **replayed(filed.receipt)}
    return private(document, 201 if filed.receipt.count else 202, headers)


async def file(service: Service, changes: Sequence[StatedChange], who: Acting, terms: Terms) -> Filed:
    """Have the office file changes, with what their tickets stand for."""

    def filed(office: Office) -> Filed:
        return office.file([_with_attachments(office, change, who) for change in changes], who, terms)

    return await service.at_office(filed)


def check_register(register: str) -> None:
    """Raise `Malformed` for one of the ledger's own registers: nothing in them is personal, and officers keep none."""
    if register.startswith("."):
        raise Malformed(
            f"{register[:100]!r} is a register of the ledger's own; submit it to /v1/transactions"
        )


def records(named: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Records as an answer names them."""
    return [{"register": register, "record": record} for register, record in named]


def waiting(filed: Filed) -> Answer:
    """The answer for what waits on the desk for a second officer: status 202, and the case."""
    laid = filed.waiting
    if laid is None:
        raise Unavailable("the office did not say what became of the change; ask again")
    document = {"records": records(filed.records), "case": laid.case, "reasons": laid.reasons}
    return private(document, 202, {"location": f"{CASES}/{laid.case}"})


def _with_attachments(office: Office, change: StatedChange, who: Acting) -> Change:
    members = {name: getattr(change, name) for name in Change.__struct_fields__}
    if change.attachments:
        secret, now = office.node.keyring.secret(DESK), office.registrar.now()
        members["attachments"] = tuple(_opened(secret, who, each, now) for each in change.attachments)
    return Change(**members)


def _opened(secret: bytes, who: Acting, ticket: str, now: int) -> Json:
    return open_ticket(secret, who.officer, ticket, now)


async def _proof(service: Service, receipt: Receipt) -> object:
    """The proof of what a transaction wrote; None where the index is not as far: it can be asked for later."""
    try:
        return await transaction_bundle(service, receipt.first, receipt.count)
    except Unavailable:
        return None


filing_routes: Final = [file_changes]
