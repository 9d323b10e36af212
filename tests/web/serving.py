"""A served installation for tests: the real server on loopback, in a thread, with the node at hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvloop

from counterfoil.gateway.http_server import listening, server_of
from counterfoil.identity.officers import Appointment
from counterfoil.node import Node
from counterfoil.web.app import create_app
from counterfoil.web.server import Quiet, operator_socket, serving
from counterfoil.web.service import Service

ORIGIN = "registers.example/test"
AGENCY = "EX/GOV/TEST"
SCOPES = (
    *("write:*", "disclose:*", "search:*", "decide:*", "erase:*"),
    *("govern", "endorse", "documents", "metrics"),
)


@dataclass(frozen=True)
class Served:
    """A served installation: where it answers, and a token that may do everything."""

    url: str
    node: Node
    service: Service
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries that may do everything."""
        return {"authorization": f"Bearer {self.token}"}

    def client(self) -> httpx.Client:
        """A client that may do everything; close it."""
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=20)

    def reader(self) -> httpx.Client:
        """A client that nobody knows; close it."""
        return httpx.Client(base_url=self.url, timeout=20)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve the installation in a folder, made if there is none, until the end of the block."""
    with (
        Node.open(folder, origin=ORIGIN, agency=AGENCY, title="Test agency") as node,
        serving(node) as service,
        listening("127.0.0.1", 0) as outside,
        operator_socket(node.home) as inside,
    ):
        token = service.access.add_token("clerk", SCOPES, None, Appointment(("registrar",)))
        app = create_app(service)
        servers = [server_of(app, server=Quiet) for _ in range(2)]

        async def run() -> None:
            sockets = (inside, outside)
            await asyncio.gather(
                *(server.serve(sockets=[each]) for server, each in zip(servers, sockets, strict=True))
            )

        def start() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run())

        thread = threading.Thread(target=start, name="server")
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{outside.getsockname()[1]}", node, service, token)
        finally:
            for server in servers:
                server.should_exit = True
            thread.join()
