"""What every request passes: limits, who is asking, security headers, the log of requests.

Raw ASGI around the application, because it measures in every request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from typing import Any, Final, TypeAlias

import structlog

from counterfoil.errors import CounterfoilError, Malformed, Unverified
from counterfoil.identity.access import Access
from counterfoil.identity.caller import ANONYMOUS, OPERATOR, Caller
from counterfoil.identity.http_signature import SignedRequest, verify_request
from counterfoil.web.metrics import Metrics
from counterfoil.web.problem import MEDIA_TYPE, Problem, problem, problem_of

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_TARGET_BYTES: Final = 8 * 1024
MAX_BODY_BYTES: Final = 16 << 20
"""The most bytes of a body, but of a document's: a proof bundle may have so many."""
MAX_ANONYMOUS_BYTES: Final = 64 * 1024
"""The most bytes of a body from whoever nobody knows, but for a proof to verify."""
MAX_HELD_BYTES: Final = 256 << 20
"""The most bytes of bodies that have arrived in part."""
MAX_PROOF_BYTES: Final = 4 << 20
"""The most bytes of a proof to verify, with a trust policy beside it and the form around them."""
VERIFYING: Final = frozenset({"/v1/verify", "/verify"})
BODY_SECONDS: Final = 30.0
"""How long a client may take to send a body."""
TOO_LATE: Final = "the body did not arrive in time"
STREAMED: Final = frozenset({"/v1/documents", "/v1/attachments", "/operator/document"})
"""Where bodies are streamed, and limited by the route itself."""
ONCE: Final = frozenset(
    {b"authorization", b"content-length", b"host", b"idempotency-key", b"if-match", b"if-none-match"}
)
"""Headers of which a request has one."""
UNEXPECTED: Final = "this should not have happened; the node's log says where, please report it"
WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Entrance:
    """The application's door. `socket` is the path of the operator's own socket: who reaches it owns the home.

    `names` are the authorities (`host` or `host:port`) that signed requests may be for; any, where there are none.
    """

    def __init__(
        self,
        inside: App,
        access: Access,
        metrics: Metrics,
        clock: Callable[[], float],
        socket: str,
        names: Collection[str] = (),
    ):
        self._inside = inside
        self._access = access
        self._metrics = metrics
        self._clock = clock
        self._socket = socket
        self._names = names
        self._bodies = Bodies()
        self._log = structlog.get_logger("request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; anything else (the application's own start and end) is passed on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._inside(scope, receive, send)
            return
        started = time.perf_counter()
        answer = _Answer(send)
        try:
            refused = await self._admit(scope, receive)
            if isinstance(refused, Problem):
                await answer.refuse(refused)
            else:
                await self._inside(scope, refused, answer)
        except Exception as error:  # noqa: BLE001  # the client is told that it is our fault, the log where it is
            self._log.error("unexpected", path=scope["path"][:200], exc_info=error)
            await answer.refuse(problem(500, UNEXPECTED, "unexpected"))
        finally:
            taken = time.perf_counter() - started
            self._metrics.answered(scope["method"], answer.status, taken)
            self._log.info(
                "request",
                method=scope["method"],
                path=scope["path"][:200],
                status=answer.status,
                ms=round(taken * 1000, 1),
                caller=scope["caller"].name if "caller" in scope else None,
            )

    async def _admit(self, scope: Scope, receive: Receive) -> Receive | Problem:
        """Find out who asks, and read the body where it is not streamed; a problem where the request ends here."""
        scope["caller"] = ANONYMOUS
        if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_TARGET_BYTES:
            return problem(414, f"the address is over {MAX_TARGET_BYTES:,} bytes long")
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) and (twice := _stated_twice(scope["headers"])):
            return problem(400, f"the header {twice} stands twice in the request, and may once")
        if b"host" not in headers and scope["http_version"] == "1.1":
            return problem(400, "the request has no Host header, which HTTP/1.1 asks for")
        signed = b"signature" in headers or b"signature-input" in headers
        try:
            # Whoever can be known without the body is known before it is read.
            scope["caller"] = self._known(scope, headers)
            body = b""
            if scope["method"] in WRITING and (signed or scope["path"] not in STREAMED):
                limit = self._limit(scope, signed=signed)
                length = headers.get(b"content-length", b"0")
                if length.isdigit() and int(length) > limit:
                    return _too_large(limit)
                read = await self._bodies.read(receive, limit)
                if isinstance(read, Problem):
                    return read
                body, receive = read, _Replay(read, receive)
            if signed and scope["caller"] is ANONYMOUS:
                scope["caller"] = self._signer(scope, headers, body)
        except (Unverified, Malformed) as error:
            return problem_of(Unverified(str(error)))
        except CounterfoilError as error:
            return problem_of(error)
        return receive

    def _limit(self, scope: Scope, *, signed: bool) -> int:
        if scope["caller"] is not ANONYMOUS or signed:
            return MAX_BODY_BYTES
        return MAX_PROOF_BYTES if scope["path"] in VERIFYING else MAX_ANONYMOUS_BYTES

    def _known(self, scope: Scope, headers: dict[bytes, bytes]) -> Caller:
        """Who asks by the operator's socket, or by a token; anybody else is nobody as yet."""
        if scope.get("server") and scope["server"][0] == self._socket:
            return OPERATOR
        authorization = headers.get(b"authorization")
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        found = None
        if scheme.lower() == "bearer":
            found = self._access.by_token(token.strip(), int(self._clock()))
        if found is None:
            raise Unverified("the token is not known here, has ended, or is no bearer token")
        return found

    def _signer(self, scope: Scope, headers: dict[bytes, bytes], body: bytes) -> Caller:
        request = _signed(scope, headers, body)
        if self._names and request.authority not in self._names:
            names = " or ".join(sorted(self._names))
            raise Unverified(
                f"the request is for {request.authority[:120]!r}, and this node takes signatures for {names}"
            )
        return verify_request(request, self._access, int(self._clock()))


class Bodies:
    """Reads bodies, of all requests together no more at once than the memory is meant for."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, receive: Receive, limit: int) -> bytes | Problem:
        """A request's whole body; a problem where it is too large, or does not arrive whole and in time."""
        task = asyncio.current_task()
        # As asyncio.timeout does it, in a third of its time: this is in the way of every write.
        late = asyncio.get_running_loop().call_later(BODY_SECONDS, task.cancel, TOO_LATE) if task else None
        parts, size, more = [], 0, True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    # What has arrived may be in form by itself, and would then ask for something else than the whole.
                    return problem(400, "the request ended before its body was whole; send it again")
                part = message.get("body", b"")
                parts.append(part)
                size += len(part)
                self._held += len(part)
                more = message.get("more_body", False)
                if size > limit:
                    return _too_large(limit)
                if more and self._held > MAX_HELD_BYTES:
                    return problem(503, "many large requests arrive at this moment; try again in a second")
        except asyncio.CancelledError as cancelled:
            if cancelled.args == (TOO_LATE,):
                return problem(408, f"the request's body did not arrive within {BODY_SECONDS:.0f} seconds")
            raise
        finally:
            self._held -= size
            if late is not None:
                late.cancel()
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> Problem:
    said = f"the body is over {limit:,} bytes long"
    if limit == MAX_PROOF_BYTES:
        said += "; judge a larger proof on a machine of your own, by counterfoil verify"
    return problem(413, said)


def _stated_twice(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """A header that two readers of the same request might read differently, for it stands there twice."""
    names = [name for name, _ in headers if name in ONCE]
    return next((name.decode() for name in names if names.count(name) > 1), None)


def _signed(scope: Scope, headers: dict[bytes, bytes], body: bytes) -> SignedRequest:
    query = scope["query_string"]
    return SignedRequest(
        method=scope["method"],
        scheme=scope["scheme"],
        authority=headers.get(b"host", b"").decode("latin-1").lower(),
        path=scope["raw_path"].decode("latin-1"),
        query=f"?{query.decode('latin-1')}" if query else "",
        headers=scope["headers"],
        body=body,
    )


class _Answer:
    """Sends, adds what every answer says, and knows what was answered."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send):
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await self._send(message)

    async def refuse(self, said: Problem) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status:
            return
        body = said.encode()
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        headers += [(name.encode(), value.encode()) for name, value in said.headers.items()]
        await self({"type": "http.response.start", "status": said.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


class _Replay:
    """Gives a body that was read already, once; after that, whether the client is still there."""

    __slots__ = ("_body", "_receive")

    def __init__(self, body: bytes, receive: Receive):
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
