"""An HTTP/1.1 server: where it listens, and how long a client may take until a request's head is whole."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
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
"""The most bytes of a request line with its headers."""
HEAD_SECONDS: Final = 10.0
"""How long a client may take for them, from the connection or their first byte on."""
KEEP_ALIVE_SECONDS: Final = 15
CLOSING_SECONDS: Final = 10
"""How long requests that have begun may take once the process is told to end."""
BACKLOG: Final = 2_048


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for a head without an end and keeps as much of it as is sent.

    How long a body may take, and how large it may be, is for the application to say.
    """

    _deadline: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a head that is still not whole after them may not be too long."""
        super().data_received(data)
        if self._deadline is not None:
            self._head += len(data)
            if self._head > MAX_HEAD_BYTES:
                self._refuse(431, f"the request's line and headers are over {MAX_HEAD_BYTES:,} bytes long")

    def on_message_begin(self) -> None:
        """A request begins: from now on its head is waited for."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._forget()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._forget()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "what was received is no HTTP/1.1 request")

    def _expect_head(self) -> None:
        self._head = 0
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
        title = HTTPStatus(status).phrase
        body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": why})
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (status, title.encode(), len(body), body)
        )
        self.transport.close()


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
