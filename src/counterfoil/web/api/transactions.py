"""Routes over transactions: submitting one or many, what became of one, endorsing and withdrawing one that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError, Malformed, NotFound, Unavailable
from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import canonical, unlabelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.transaction import Endorsement, Expectation
from counterfoil.registry.transactions import Known, find_transaction, known_pending
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
from counterfoil.web.api.asking import (
    Asked,
    NoQuery,
    Repeatable,
    json_body,
    query,
    repeatable,
    require,
    require_write,
)
from counterfoil.web.api.changes import submitted
from counterfoil.web.api.proofs import transaction_bundle
from counterfoil.web.problem import problem_of
from counterfoil.web.raw import refuse_raw
from counterfoil.web.service import Service

MAX_BATCH: Final = 256
MAX_BATCH_BYTES: Final = 8 << 20


class Stated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"not_before": "not-before"}):
    """A transaction as a client states it; see `proof.transaction.Header` for what its members mean."""

    proposals: Annotated[tuple[Proposal, ...], msgspec.Meta(min_length=1, max_length=1000)]
    expectations: Annotated[tuple[Expectation, ...], msgspec.Meta(max_length=1000)] = ()
    not_before: str | None = None
    deadline: str | None = None

    def submission(self, again: Repeatable, *, receipt: bool = False) -> Submission:
        """The same for the node."""
        return Submission(
            self.proposals,
            self.expectations,
            again.key,
            again.request,
            self.not_before,
            self.deadline,
            receipt=receipt,
        )


class StatedAlone(Stated, frozen=True, forbid_unknown_fields=True):
    """A transaction by itself; `receipt` asks for a proof of its entries in the answer."""

    receipt: bool = False


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Transactions that do not depend on each other: each is taken or refused by itself."""

    transactions: Annotated[tuple[Stated, ...], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]


@post("/transactions")
async def submit(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Have proposals take effect together, or not at all."""
    query(request, NoQuery)
    require(caller, "read")
    asked, data = await json_body(request, service, StatedAlone)
    await _check(service, caller, asked)
    receipt = await submitted(
        service, asked.submission(repeatable(request, caller, data), receipt=asked.receipt)
    )
    document = receipt_members(receipt)
    if asked.receipt and receipt.count:
        document["proof"] = await _proof(service, receipt)
    headers = {"location": transaction_path(receipt.transaction), **replayed(receipt)}
    return answer(document, 201 if receipt.count else 202, headers)


@post("/batches")
async def submit_batch(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Submit many transactions at once; the answer has one for each, in their order."""
    query(request, NoQuery)
    require(caller, "read")
    batch, data = await json_body(request, service, Batch, MAX_BATCH_BYTES)
    repeatable(request, caller, data)
    items = await asyncio.gather(
        *(
            _one_of_many(request, service, caller, number, each)
            for number, each in enumerate(batch.transactions)
        )
    )
    return answer({"items": items})


async def _one_of_many(
    request: Asked, service: Service, caller: Caller, number: int, asked: Stated
) -> dict[str, Any]:
    try:
        await _check(service, caller, asked)
        again = repeatable(request, caller, canonical(msgspec.to_builtins(asked)), number)
        receipt = await submitted(service, asked.submission(again))
    except CounterfoilError as error:
        said: dict[str, Any] = msgspec.to_builtins(problem_of(error))
        return {"status": said["status"], "problem": said}
    document = receipt_members(receipt)
    return {"status": 201 if receipt.count else 202, "replayed": bool(replayed(receipt)), "receipt": document}


@route("/transactions/{transaction:str}", http_method=["GET", "HEAD"])
async def show_transaction(
    request: Asked, service: NamedDependency[Service], transaction: FromPath[str]
) -> Answer:
    """What became of a transaction, who endorsed it, and which entries it wrote."""
    query(request, NoQuery)
    return answer(await _known(service, transaction))


@route("/pending", http_method=["GET", "HEAD"])
async def list_pending(request: Asked, service: NamedDependency[Service]) -> Answer:
    """The transactions that wait for endorsements or for their time, by hash."""
    asked = query(request, PageQuery)
    after = stated(asked.after)
    waiting = await service.read(lambda store: store.waiting())
    rest = [each for each in waiting if after is None or each.hash > after]
    shown = rest[: asked.limit]
    return page([known_pending(each) for each in shown], shown[-1].hash if len(rest) > len(shown) else None)


@post("/transactions/{transaction:str}/endorsements")
async def endorse(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    transaction: FromPath[str],
) -> Answer:
    """Endorse a waiting transaction: without a body as this agency, or with a key holder's signature over it."""
    query(request, NoQuery)
    require(caller, "endorse")
    unlabelled(transaction)
    node = service.node
    if await request.body():
        given, _ = await json_body(request, service, Endorsement)
        return await _told(request, service, transaction, lambda: node.add_endorsement(transaction, given))
    return await _told(request, service, transaction, lambda: node.endorse(transaction))


@post("/transactions/{transaction:str}/withdrawal")
async def withdraw(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    transaction: FromPath[str],
) -> Answer:
    """Take back a waiting transaction that this agency submitted."""
    query(request, NoQuery)
    require(caller, "endorse")
    unlabelled(transaction)
    if await request.body():
        raise Malformed("a withdrawal takes no body; send it without one")
    return await _told(request, service, transaction, lambda: service.node.withdraw(transaction))


async def _known(service: Service, transaction: str) -> Known:
    catalogue = await service.current_catalogue()
    first = catalogue.first_of(transaction)
    return await service.read(lambda store: find_transaction(store, transaction, first))


async def _told(request: Asked, service: Service, transaction: str, tell: Callable[[], Receipt]) -> Answer:
    """Tell a waiting transaction something. What has ended since is told as it stands, so that it can be told again."""
    repeatable(request, request.scope["caller"], b"")  # type: ignore[typeddict-item]  # checks the key; the ledger does the rest
    try:
        receipt: Receipt = await service.writer.run(tell)
    except NotFound:
        known = await _known(service, transaction)
        document = {
            "transaction": transaction,
            "standing": known.standing,
            "first": known.first,
            "count": known.count,
        }
        return answer(document, headers={"idempotent-replayed": "true"})
    return answer(receipt_members(receipt), headers=replayed(receipt))


async def _check(service: Service, caller: Caller, asked: Stated) -> None:
    """Raise as `require_write`, and `Refused` for a register whose records only the office writes."""
    registers = {proposal.register for proposal in asked.proposals}
    for register in registers:
        require_write(caller, register)
    await refuse_raw(service, registers)


async def _proof(service: Service, receipt: Receipt) -> object:
    """The proof of what a transaction wrote; None where the index is not as far: it can be asked for later."""
    try:
        return await transaction_bundle(service, receipt.first, receipt.count)
    except Unavailable:
        return None


transaction_routes: Final = [submit, submit_batch, show_transaction, list_pending, endorse, withdraw]
