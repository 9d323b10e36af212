"""A serving process: an open installation behind HTTP, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import uvicorn
import uvloop

from counterfoil.errors import Unavailable
from counterfoil.gateway.http_server import BACKLOG, listening, server_of, url_of
from counterfoil.home import Home, refused_by_machine
from counterfoil.identity.access import Access
from counterfoil.node import Node
from counterfoil.registry.catalogue import Catalogue
from counterfoil.registry.catalogue_follower import CatalogueFollower
from counterfoil.web.app import create_app
from counterfoil.web.auditing import Auditing
from counterfoil.web.listen import Listen
from counterfoil.web.service import Service
from counterfoil.web.witnessing import Witnessing
from counterfoil.web.writer import Writer


@contextmanager
def serving(node: Node) -> Iterator[Service]:
    """All that a serving installation runs beside its requests; ends in the reverse order."""
    with ExitStack() as open_:
        node.home.cache.mkdir(mode=0o700, exist_ok=True)
        catalogue = Catalogue(node.home.cache / "catalogue.db", node.entries)
        open_.callback(catalogue.close)
        follower = CatalogueFollower(catalogue)
        witnessing = Witnessing(node)
        auditing = Auditing(node.home, node.clock)

        def stored() -> None:
            follower.wake()
            witnessing.wake()

        writer = Writer(node, stored)
        service = Service(node, writer, catalogue, Access(node.home.access), witnessing, auditing)
        open_.callback(service.threads.shutdown)
        for each in (follower, witnessing, auditing, writer):
            each.start()
            open_.callback(each.stop)
        yield service


def serve(node: Node, listen: Listen, told: Callable[[str], None]) -> None:
    """Serve an installation until SIGINT or SIGTERM; `told` is given its address once it answers.

    Raises `Unavailable` where it cannot listen there or the certificate cannot be used.
    """
    _allow_connections()
    tls = _tls(listen)
    outside = listening(listen.host, listen.port)
    with outside, operator_socket(node.home) as inside, serving(node) as service:
        app = create_app(service)
        address = f"{url_of(outside, 'https' if listen.certificate else 'http')}/"
        servers = [server_of(app, server=Quiet), server_of(app, server=Quiet, tls=tls)]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(servers, [inside, outside], lambda: told(address)))


async def _run(
    servers: list[uvicorn.Server], sockets: list[socket.socket], started: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()

    def end() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    tasks = [
        asyncio.create_task(server.serve(sockets=[each]))
        for server, each in zip(servers, sockets, strict=True)
    ]
    while not all(server.started for server in servers) and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    started()
    try:
        await asyncio.gather(*tasks)
    finally:
        end()


class Quiet(uvicorn.Server):
    """One of several in a process: the signals are the process's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _tls(listen: Listen) -> Callable[[], ssl.SSLContext] | None:
    if listen.certificate is None:
        return None
    certificate, key = listen.certificate, listen.key

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        return context

    try:
        make()
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(
            f"the certificate {certificate} with its key cannot be used ({error}); give PEM files that belong together"
        ) from None
    return make


@contextmanager
def operator_socket(home: Home) -> Iterator[socket.socket]:
    """The socket for commands on the same machine, for the home's owner alone."""
    with refused_by_machine(home.socket):
        home.socket.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            bound.bind(str(home.socket))
        except OSError as error:
            bound.close()
            raise Unavailable(f"the socket {home.socket} cannot be made: {error}") from None
        finally:
            os.umask(before)
        bound.listen(BACKLOG)
    try:
        yield bound
    finally:
        bound.close()
        with suppress(OSError):
            home.socket.unlink(missing_ok=True)


def _allow_connections() -> None:
    """Ask for as many open files as this process may have: each client is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
