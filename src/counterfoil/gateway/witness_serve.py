"""Serving a witness, until it is told to end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from counterfoil.errors import Malformed
from counterfoil.gateway import http_server
from counterfoil.gateway.witness_app import WitnessApp


def listening(address: str) -> socket.socket:
    """A socket that listens at `HOST:PORT` (`[HOST]:PORT` for IPv6); port 0 takes a free one.

    Raises `Malformed` where it is no such address, `Unavailable` where the machine refuses it.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise Malformed(
            f"{address[:80]!r} is no address to listen at; it must be HOST:PORT, as 127.0.0.1:8090"
        )
    return http_server.listening(host.strip("[]"), int(port))


def serve(app: WitnessApp, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are answered. `announce` is called before the first."""
    server = http_server.server_of(app)

    def end(number: int, frame: object) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own only while it serves, and raises anew for these the signal that ended it.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, end)
    announce()
    server.run(sockets=[listener])
