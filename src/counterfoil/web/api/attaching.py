"""Attachments: documents sent before the change that takes them up, and read as any other personal item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Stream

from counterfoil.errors import Unauthorised
from counterfoil.identity.caller import WRITE, Caller
from counterfoil.office.office import DESK, Office
from counterfoil.registry.documents import check_document
from counterfoil.registry.personal.attachments import MAX_SIZE, Attachment
from counterfoil.registry.personal.disclosing import Ask
from counterfoil.web.api.answers import UNKEPT, Answer, private
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query, repeatable
from counterfoil.web.api.content import Name
from counterfoil.web.api.desk import may_not
from counterfoil.web.api.disclosing import Version
from counterfoil.web.api.officers import acting, officer_of, require_officer
from counterfoil.web.api.places import Place
from counterfoil.web.attaching import store_attachment
from counterfoil.web.service import Service
from counterfoil.web.tickets import seal_ticket


class AttachQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"media_type": "media-type"}):
    """What the document is: its kind, as a register names it, and its media type."""

    kind: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,98}$")]
    media_type: Annotated[str, msgspec.Meta(min_length=3, max_length=100)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which attachment of a record is asked for, by its number from 0, and why."""

    number: Annotated[int, msgspec.Meta(ge=0, le=1_000)]
    purpose: Name
    version: Version | None = None
    case: Name | None = None


@post("/attachments")
async def attach(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Store a document encrypted; the ticket that is answered stands for it in a change of the same officer's."""
    asked = query(request, AttachQuery)
    who = acting(caller)
    if not any(scope.startswith(f"{WRITE}:") for scope in caller.scopes):
        raise Unauthorised(
            f"{caller.name} may not do this; it takes the scope {WRITE}:REGISTER for a register"
        )
    repeatable(request, caller, b"")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_SIZE:
        raise HTTPException(status_code=413, detail=f"an attachment has at most {MAX_SIZE:,} bytes")
    office = service.office
    try:
        attachment = await store_attachment(service, request.receive, asked.media_type, asked.kind)  # type: ignore[arg-type]  # ASGI, as the library has it
    except TimeoutError:
        raise HTTPException(status_code=408, detail="the document stopped arriving; send it again") from None
    secret, now = office.node.keyring.secret(DESK), office.registrar.now()
    document = {
        "attachment": seal_ticket(secret, who.officer, attachment, now),
        "kind": attachment.kind,
        "media-type": attachment.media_type,
        "size": attachment.size,
        "hash": attachment.hash,
    }
    return private(document, 201)


async def read_attachment(request: Asked, service: Service, caller: Caller, place: Place) -> Response[Any]:
    """A document attached to a record, after it is in the log that it is shown. A damaged one is refused."""
    query(request, NoQuery)
    who, roles = require_officer(caller, "disclose", place.register), officer_of(caller).roles
    asked, _ = await json_body(request, service, Wanted)

    def opened(office: Office) -> tuple[Attachment, Iterator[bytes]]:
        ask = _ask(asked, place)
        attachment, parts = office.attachment(ask, asked.number, who, roles)
        with service.node.snapshot() as store:
            check_document(store, attachment.document)
        return attachment, parts

    return _streamed(service, *await service.at_office(opened))


def _streamed(service: Service, attachment: Attachment, parts: Iterator[bytes]) -> Response[Any]:
    named = f'attachment; filename="{attachment.kind}"'
    headers = {**UNKEPT, "content-disposition": named, "content-length": str(attachment.size)}
    return Stream(_pieces(service, parts), status_code=200, media_type=attachment.media_type, headers=headers)


async def _pieces(service: Service, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await service.in_thread(lambda: next(parts, None))) is not None:
        yield part


@route("/desk/{case:str}/attachments/{number:int}", http_method=["GET", "HEAD"])
async def read_case_attachment(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    case: FromPath[str],
    number: FromPath[int],
) -> Response[Any]:
    """A document attached to a change that waits, for whoever may decide it; disclosed as the case is."""
    query(request, NoQuery)
    who = acting(caller)

    def opened(office: Office) -> tuple[Attachment, Iterator[bytes]]:
        registers = office.registers_of(case)
        if not all(caller.may(f"decide:{register}") for register in registers):
            raise may_not(registers)
        attachment = office.case_attachment(case, number, who)
        with service.node.snapshot() as store:
            check_document(store, attachment.document)
        return attachment, office.read_attachment(attachment)

    return _streamed(service, *await service.at_office(opened))


def _ask(asked: Wanted, place: Place) -> Ask:
    return Ask(place.register, asked.purpose, place.record, version=asked.version, case=asked.case)


attaching_routes: Final = [attach, read_case_attachment]
