"""An HTTP/1.1 server: where it listens, and how long a client may take to send a head and to take an answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from counterfoil.errors import Unavailable

App: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""An ASGI 3 application."""

MAX_HEAD_BYTES: Final = 64 * 1024
"""The most bytes of a request line with its headers, and of what stands beside a body: chunk sizes, trailers."""
FRAMING: Final = 8
"""How many bytes more may stand beside each byte of a body: it may come in chunks of one byte."""
HEAD_SECONDS: Final = 10.0
"""How long a client may take for them, from the connection or their first byte on."""
SEND_SECONDS: Final = 60.0
"""How long a client may take nothing of an answer that waits for it."""
KEEP_ALIVE_SECONDS: Final = 15
CLOSING_SECONDS: Final = 10
"""How long requests that have begun may take once the process is told to end."""
BACKLOG: Final = 2_048


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for a client without an end and keeps as much of a head as is sent.

    How long a body may take, and how large it may be, is for the application to say.
    """

    _deadline: asyncio.TimerHandle | None = None
    _beside = 0
    _body = 0
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; what is no body may not be too long, and what begins no request is not waited for."""
        self._beside += len(data)
        super().data_received(data)
        if self._beside > MAX_HEAD_BYTES + FRAMING * self._body:
            self._refuse(431, f"the request's line and headers are over {MAX_HEAD_BYTES:,} bytes long")
        elif self._deadline is None and self._idle and not self.transport.is_closing():
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer, which comes once the headers were looked at, is none."""
        if self._deadline is not None:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._beside -= len(body)
        self._body += len(body)
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; what comes after it belongs to the next."""
        self._beside = self._body = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; the client may still have to take it."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """More waits for the client than it takes."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        self._unwatch()

    def on_message_begin(self) -> None:
        """A request begins: from now on its head is waited for."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._forget()
        if self.parser.should_upgrade() and _has_body(self.headers):
            # The library would take the body for what is said in the other protocol, and answer as if there were none.
            self._refuse(
                400, "a request with a body cannot ask for another protocol; send it without Upgrade"
            )
        else:
            super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._forget()
        self._unwatch()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "what was received is no HTTP/1.1 request")

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing of a client that would speak another protocol: it is answered in this one."""

    @property
    def _idle(self) -> bool:
        """Whether no request is under way, and nothing ends the wait for one."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self.pipeline and self.timeout_keep_alive_task is None

    def _watch(self) -> None:
        """See that the client takes something of what waits for it."""
        self._unwatch()
        if left := self.transport.get_write_buffer_size():
            self._taking = self.loop.call_later(SEND_SECONDS, self._look, left)

    def _unwatch(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _look(self, left: int) -> None:
        if self.transport.get_write_buffer_size() < left:
            self._watch()
        else:
            self.transport.abort()

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._refuse(408, f"the request's headers did not arrive within {HEAD_SECONDS:.0f} seconds")

    def _refuse(self, status: int, why: str) -> None:
        self._forget()
        if self.transport.is_closing():
            return
        if self._answering:
            # Here it would stand in the middle of the answer to another request, or in its place.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        title = HTTPStatus(status).phrase
        body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": why})
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
            % (status, title.encode(), len(body), body)
        )
        self.transport.close()
        self._watch()

    @property
    def _answering(self) -> bool:
        """Whether a request that has arrived whole, or an answer that has begun, is under way."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return cycle.response_started or not cycle.more_body


def _has_body(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


def server_of(
    app: App,
    *,
    server: type[uvicorn.Server] = uvicorn.Server,
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> uvicorn.Server:
    """The server of an application, not started yet; where a process has several, `server` leaves signals alone."""
    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls(),
    )
    return server(config)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises `Unavailable` where the machine refuses it."""
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(place[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(
            f"this machine does not let a process listen at {host}:{port} ({_said(error)}); "
            "name another address with --listen"
        ) from None


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address at which a socket listens, as clients on this machine write it."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _said(error: OSError) -> str:
    """What the machine said, without where: Python adds the address to it."""
    return (error.strerror or str(error)).partition(" (while")[0]
