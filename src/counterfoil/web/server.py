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
from pathlib import Path

import structlog
import uvicorn
import uvloop

from counterfoil.errors import CounterfoilError, Unavailable
from counterfoil.gateway.http_server import BACKLOG, listening, server_of, url_of
from counterfoil.home import Home, refused_by_machine
from counterfoil.identity.access import Access
from counterfoil.node import Node
from counterfoil.office.office import Office
from counterfoil.registry.catalogue.catalogue import Catalogue
from counterfoil.registry.catalogue.follower import CatalogueFollower
from counterfoil.web.app import create_app
from counterfoil.web.auditing import Auditing
from counterfoil.web.listen import Listen
from counterfoil.web.service import Service
from counterfoil.web.witnessing import Witnessing
from counterfoil.web.writer import Writer


@contextmanager
def serving(node: Node, public_url: str | None = None) -> Iterator[Service]:
    """All that a serving installation runs beside its requests; ends in the reverse order."""
    with ExitStack() as open_:
        if not node.read_only and node.home.desk.exists():
            # Opening it brings an interrupted erasure to its end. What hinders that, whoever needs the desk is told.
            with suppress(CounterfoilError):
                Office(node).close()
        node.home.cache.mkdir(mode=0o700, exist_ok=True)
        catalogue = Catalogue(node.home.cache / "catalogue.db", node.readable_entries)
        open_.callback(catalogue.close)
        follower = CatalogueFollower(catalogue)
        witnessing = Witnessing(node)
        auditing = Auditing(node.home, node.clock)

        def stored() -> None:
            follower.wake()
            witnessing.wake()

        writer = Writer(node, stored)
        access = Access(node.home.access)
        access.used.since = int(node.clock())
        service = Service(node, writer, catalogue, follower, access, witnessing, auditing, public_url)
        open_.callback(service.threads.shutdown)
        # Who only reads has no checkpoint to show to witnesses.
        asking = () if node.read_only else (witnessing,)
        for each in (follower, *asking, auditing, writer):
            each.start()
            open_.callback(each.stop)
        open_.callback(service.desks.close)
        yield service


def serve(
    node: Node, listen: Listen, told: Callable[[str], None], moved: Callable[[], None] = lambda: None
) -> None:
    """Serve an installation until SIGINT or SIGTERM; `told` is given its address once it answers.

    SIGHUP has the certificate read anew, and calls `moved`. Raises `Unavailable` where it cannot listen there or the
    certificate cannot be used.
    """
    _allow_connections()
    tls = Certificate(listen.certificate, listen.key) if listen.certificate and listen.key else None
    outside = listening(listen.host, listen.port)
    with ExitStack() as open_:
        sockets = [open_.enter_context(outside)]
        if not node.read_only:
            sockets.append(open_.enter_context(operator_socket(node.home)))
        app = create_app(open_.enter_context(serving(node, listen.public_url)))
        address = f"{url_of(outside, 'https' if listen.certificate else 'http')}/"
        context = tls.context if tls else None
        secure = server_of(app, server=Quiet, tls=(lambda: context) if context else None)
        servers = [secure, *(server_of(app, server=Quiet) for _ in sockets[1:])]

        def renewed() -> None:
            moved()
            if tls is not None:
                tls.renew()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(servers, sockets, lambda: told(address), renewed))


async def _run(
    servers: list[uvicorn.Server],
    sockets: list[socket.socket],
    started: Callable[[], None],
    renewed: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()

    def end() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, renewed)
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


class Certificate:
    """A certificate chain and its key, in PEM files. Raises `Unavailable` where they cannot be used."""

    def __init__(self, certificate: Path, key: Path):
        self._files = certificate, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        for path in self._files:
            with refused_by_machine(path), path.open("rb"):
                pass
        try:
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as error:
            raise Unavailable(
                f"the certificate {certificate} cannot be used with the key {key} ({error}); give PEM files "
                "that belong together"
            ) from None

    def renew(self) -> None:
        """Read the files anew, for the connections that come; one that cannot be used leaves what there is."""
        try:
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as error:
            structlog.get_logger("server").error("certificate not renewed", reason=str(error))


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
            raise Unavailable(
                f"the socket {home.socket} cannot be made ({error}); its path may have about a hundred characters, so "
                "put the home in a folder with a shorter one"
            ) from None
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
