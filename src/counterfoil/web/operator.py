"""The operator's own door: what other commands on the same home ask of the process that serves it.

It stands behind a Unix socket in the home's folder, so whoever reaches it could read the keys as well. Messages are
MessagePack; a refusal says its kind, so that the command raises it as if it had happened there.
"""

from __future__ import annotations

from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError, Damaged, Malformed, NotFound, Unavailable, Violated
from counterfoil.identity.caller import OPERATOR
from counterfoil.web.entrance import Receive, Scope, Send
from counterfoil.web.operator_office import OFFICE, asked_of_office
from counterfoil.web.raw import refuse_raw
from counterfoil.web.service import Service
from counterfoil.web.upload import store_streamed

PREFIX: Final = "/operator/"
DOCUMENT: Final = f"{PREFIX}document"
MEDIA_TYPE: Final = "application/msgpack"


class Named(msgspec.Struct, frozen=True):
    """A waiting transaction, by its hash."""

    transaction: str


class Failed(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error of this program, as it is told to the other process."""

    kind: str
    message: str
    constraint: str | None = None
    field: str | None = None
    citation: str | None = None

    def error(self) -> CounterfoilError:
        """The error itself."""
        kind = getattr(errors, self.kind, None)
        if self.kind == Violated.__name__:
            return Violated(
                self.message, constraint=self.constraint or "", field=self.field, citation=self.citation
            )
        if isinstance(kind, type) and issubclass(kind, CounterfoilError):
            return kind(self.message)
        return Damaged(f"the serving process answered with {self.kind!r}: {self.message}")


class Identity(msgspec.Struct, frozen=True):
    """Which ledger a process serves, and for which agency."""

    origin: str
    agency: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an operator's request comes to: one of these, or nothing where there is nothing to say."""

    receipt: Receipt | None = None
    document: str | None = None
    node: Identity | None = None
    failed: Failed | None = None
    office: bytes | None = None


def failed(error: CounterfoilError) -> Failed:
    """An error as a message."""
    kind = type(error).__name__
    if isinstance(error, Violated):
        return Failed(kind, str(error), error.constraint, error.field, error.citation)
    return Failed(kind, str(error))


class Operator:
    """The routes behind the socket, as an ASGI application; for anybody else they are not there."""

    def __init__(self, service: Service):
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an operator's request."""
        if scope.get("caller") is not OPERATOR or scope["method"] != "POST":
            await _send(send, 404, Answer(failed=failed(NotFound("there is nothing at this address"))))
            return
        try:
            answer = await self._do(scope["path"], receive)
        except TimeoutError:
            answer = Answer(failed=failed(Unavailable("the document stopped arriving; send it again")))
        except CounterfoilError as error:
            answer = Answer(failed=failed(error))
        except msgspec.DecodeError as error:
            answer = Answer(failed=failed(Malformed(f"the request is not in form: {error}")))
        await _send(send, 200, answer)

    async def _do(self, path: str, receive: Receive) -> Answer:
        writer, node = self._service.writer, self._service.node
        if path == DOCUMENT:
            return Answer(document=await store_streamed(self._service, receive))
        body = (await receive()).get("body", b"")
        what = path.removeprefix(PREFIX)
        if what.startswith(OFFICE):
            call = asked_of_office(what.removeprefix(OFFICE), body)
            return Answer(office=await self._service.at_office(call))
        match what:
            case "submit":
                submission = msgspec.msgpack.decode(body, type=Submission)
                if not submission.items:
                    # What an office has sealed brings its items.
                    await refuse_raw(self._service, {each.register for each in submission.proposals})
                return Answer(receipt=await writer.submit(submission))
            case "endorse":
                named = msgspec.msgpack.decode(body, type=Named)
                return Answer(receipt=await writer.run(lambda: node.endorse(named.transaction)))
            case "withdraw":
                named = msgspec.msgpack.decode(body, type=Named)
                return Answer(receipt=await writer.run(lambda: node.withdraw(named.transaction)))
            case "settle":
                await writer.run(node.settle)
                # A command may have added a witness.
                self._service.witnessing.wake()
                return Answer(node=Identity(node.origin, node.agency))
            case _:
                raise NotFound("there is nothing at this address")


async def _send(send: Send, status: int, answer: Answer) -> None:
    body = msgspec.msgpack.encode(answer)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
