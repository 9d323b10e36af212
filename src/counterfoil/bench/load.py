"""Load on an HTTP server: clients that each send a request, wait for its answer, and send the next.

A client of a few lines, so that what is measured is the server. It reads answers with a content-length only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

import uvloop

from counterfoil.errors import Unavailable

PATIENCE_SECONDS: Final = 120.0


@dataclass
class Load:
    """What a load came to: how long it took, and how many answers of each status there were."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)

    def rate(self, status: int) -> float:
        """Answers a second. Raises `Unavailable` where one was of another status."""
        if set(self.statuses) != {status}:
            raise Unavailable(f"the server answered with {self.statuses} instead of {status} throughout")
        return self.statuses[status] / self.seconds


class _Client(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], load: Load, ended: asyncio.Future[None]):
        self._requests = requests
        self._load = load
        self._ended = ended
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's is no other
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return
        status = int(head[9:12])
        self._load.statuses[status] = self._load.statuses.get(status, 0) + 1
        self._received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(Unavailable(f"the server closed a connection: {exc}"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self._ended.done():
            self._ended.set_result(None)
            self._transport.close()


def send(port: int, requests: Iterator[bytes], clients: int) -> Load:
    """Send requests to a server on this machine from so many clients at once, until there are no more.

    Raises `Unavailable` where the server leaves, or takes over two minutes.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_send(port, requests, clients))


async def _send(port: int, requests: Iterator[bytes], clients: int) -> Load:
    loop, load = asyncio.get_running_loop(), Load()
    ended = [loop.create_future() for _ in range(clients)]
    start = perf_counter()
    for each in ended:
        await loop.create_connection(lambda each=each: _Client(requests, load, each), "127.0.0.1", port)  # type: ignore[misc]  # bound to this client
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*ended)
    load.seconds = perf_counter() - start
    return load


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
