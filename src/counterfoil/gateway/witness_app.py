"""A witness over HTTP: cosigning for logs (tlog-witness), and in plain text what it has cosigned, for anyone.

POST /add-checkpoint    see witness.py
GET /                   name, keys, and each log with its size and when
GET /v1/health          whether it can remember and sign
GET /v1/cosigned/N      the last cosigned checkpoint of the log with this number on the page
GET /v1/refused/N       a refused checkpoint
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from time import time
from typing import Any, Final, TypeAlias

from counterfoil.errors import CounterfoilError
from counterfoil.gateway.witness import TEXT, Answer, Witness
from counterfoil.gateway.witness_request import MAX_BODY_BYTES
from counterfoil.gateway.witness_state import Fault, Kept
from counterfoil.proof.instant import instant_text

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_SECONDS: Final = 10.0
"""How long the body of a request may take to come."""
JSON: Final = "application/json"

_log = logging.getLogger(__name__)


class WitnessApp:
    """The ASGI application around a witness. `clock` gives seconds since 1970."""

    def __init__(
        self, witness: Witness, clock: Callable[[], float] = time, body_seconds: float = BODY_SECONDS
    ):
        self._witness = witness
        self._clock = clock
        self._body_seconds = body_seconds

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"]
        answer = await self._route(method, path, receive)
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if answer.status == 405:
            headers.append((b"allow", b"POST" if path == "/add-checkpoint" else b"GET, HEAD"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})

    async def _route(self, method: str, path: str, receive: Receive) -> Answer:
        adding = path == "/add-checkpoint"
        if (
            not adding
            and path not in {"/", "/v1/health"}
            and not path.startswith(("/v1/cosigned/", "/v1/refused/"))
        ):
            return _said(404, f"there is nothing at {path[:80]!r}")
        if method not in ({"POST"} if adding else {"GET", "HEAD"}):
            return _said(405, f"{path} is asked by {'POST' if adding else 'GET'}")
        try:
            if adding:
                return await self._add_checkpoint(receive)
            return await asyncio.to_thread(self._read, path)
        except CounterfoilError as error:
            # What is wrong with this machine's files is for whoever runs it.
            _log.error("%s", error)
            return _said(503, "this witness cannot remember or sign now; ask it again later")

    async def _add_checkpoint(self, receive: Receive) -> Answer:
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read_body(receive)
        except TimeoutError:
            return _said(408, f"the body has not come within {self._body_seconds:g} seconds")
        if body is None:
            return _said(413, f"the body has over {MAX_BODY_BYTES} bytes, the most that is read")
        return await asyncio.to_thread(self._witness.add_checkpoint, body, int(self._clock()))

    def _read(self, path: str) -> Answer:
        if path == "/":
            return Answer(200, TEXT, "".join(f"{line}\n" for line in self._lines()).encode())
        cosigned = self._witness.cosigned()
        if path == "/v1/health":
            document = {
                "status": "ok",
                "name": self._witness.name,
                "logs": {origin: last.size if last else None for origin, last in cosigned.items()},
            }
            return Answer(200, JSON, json.dumps(document).encode())
        _, _, kind, number = path.split("/", 3)
        found: dict[str, Kept | None]
        if kind == "cosigned":
            found = {str(at): last for at, last in enumerate(cosigned.values(), 1)}
        else:
            found = {str(each.number): each.kept for each in self._witness.refused()}
        kept = found.get(number)
        return (
            _said(404, f"there is nothing at {path[:80]!r}") if kept is None else Answer(200, TEXT, kept.note)
        )

    def _lines(self) -> Iterator[str]:
        yield f"This is the witness {self._witness.name}. It cosigns checkpoints of logs (c2sp.org/tlog-witness)."
        yield ""
        yield "Its keys:"
        yield from (key.text for key in self._witness.verifier_keys)
        yield ""
        yield "The logs that it knows:"
        for number, (origin, last) in enumerate(self._witness.cosigned().items(), 1):
            if last is None:
                yield f"{origin}: nothing cosigned yet"
            else:
                yield f"{origin}: {last.size} entries, {instant_text(last.time)}, /v1/cosigned/{number}"
        yield from self._refused(Fault.UNPROVED, "Checkpoints that came without a proof that holds:")
        yield from self._refused(
            Fault.CONTRADICTS, "Checkpoints that their logs have signed, and that were refused:"
        )

    def _refused(self, fault: Fault, heading: str) -> Iterator[str]:
        refused = [each for each in self._witness.refused() if each.fault is fault]
        if refused:
            yield ""
            yield heading
        for each in refused:
            when = instant_text(each.kept.time)
            yield f"{each.origin}: {each.kept.size} entries, {when}, /v1/refused/{each.number}: {fault.value}"


async def _read_body(receive: Receive) -> bytes | None:
    """A request's body; None where it is too long."""
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _said(status: int, text: str) -> Answer:
    return Answer(status, TEXT, f"{text}\n".encode("utf-8", "backslashreplace"))
