"""The served node under load: writes and verified reads over HTTP, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Final, NamedTuple

import msgspec
import orjson

from counterfoil.bench.appends import BareTable, define_register
from counterfoil.bench.load import request, send
from counterfoil.bench.measure import Figure, alternate, figure
from counterfoil.bench.rows import REGISTER, name_of, proposals
from counterfoil.errors import Unavailable
from counterfoil.home import Home
from counterfoil.identity.access import Access
from counterfoil.node import Node
from counterfoil.web.writer import SETTLE_SECONDS

CLIENTS: Final = 64
WRITES: Final = 2_000
READS: Final = 6_000
SINGLES: Final = 100
BATCH: Final = 1_000
BATCHES: Final = 10
ROUNDS: Final = 5
TRANSACTIONS: Final = "/v1/transactions"
ALONE: Final = (
    "from counterfoil.web import writer; writer.MAX_BLOCK = 1; from counterfoil.cli import main; main()"
)
"""The command, with a commit for each request: of no use but to measure."""
CALLER: Final = "/v1/caller"


class Address(NamedTuple):
    """A serving process: its port, what a request to it carries that may write, and its id."""

    port: int
    headers: dict[str, str]
    process: int


@contextmanager
def running(folder: Path, *, alone: bool = False) -> Iterator[Address]:
    """Serve the home in a folder by a process of its own; `alone`: each request has a commit of its own."""
    token = Access(Home(folder).access).add_token(f"bench-{os.urandom(4).hex()}", ["write:*", "govern"], None)
    program = ["-c", ALONE] if alone else ["-m", "counterfoil"]
    command = [sys.executable, *program, "serve", "--home", str(folder), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise Unavailable("the serving process ended before it answered")
            port = int(orjson.loads(line)["address"].rsplit(":", 1)[1].rstrip("/"))
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            yield Address(port, headers, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def served_figures() -> Iterator[Figure]:
    """Every figure of the served node."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        homes = [folder / each for each in ("many", "one")]
        for home in homes:
            _prepare(home)
        with running(homes[0]) as many, running(homes[1], alone=True) as one:
            yield from _write_figures(many, one)
            yield _single_figure(many, BareTable(folder / "bare.db"))
            yield from _read_figures(many)
        yield _batch_figure(homes[0], folder / "in-process")


def _prepare(home: Path) -> None:
    with Node.open(home) as node:
        define_register(node)


_numbers: Final = count(0, BATCH)


def _bodies(size: int) -> Iterator[bytes]:
    """Bodies of transactions, of so many new records each, without an end."""
    random = Random(7)
    while True:
        first = next(_numbers)
        for start in range(0, BATCH, size):
            batch = proposals(first + start, size, random)
            yield orjson.dumps({"proposals": msgspec.to_builtins(batch)})


def _writes(address: Address, number: int, path: str = TRANSACTIONS, size: int = 1) -> Iterator[bytes]:
    made = [request("POST", path, address.headers, body) for body in islice(_bodies(size), number)]
    return iter(made)


def _seconds(address: Address, number: int, clients: int, path: str = TRANSACTIONS) -> Callable[[], float]:
    def timed() -> float:
        load = send(address.port, _writes(address, number, path), clients)
        return 1 / load.rate(201 if path == TRANSACTIONS else 200)

    return timed


def _write_figures(many: Address, one: Address) -> Iterator[Figure]:
    rates: list[float] = []

    def shared() -> float:
        rates.append(1 / _seconds(many, WRITES, CLIENTS)())
        return 1 / rates[-1]

    yield figure(
        f"durable writes over HTTP, {CLIENTS} clients / one commit a request",
        [1 / each for each in alternate(shared, _seconds(one, WRITES // 2, CLIENTS), ROUNDS)],
        "x the rate",
        limit=3,
        at_least=True,
    )
    yield figure(
        f"durable writes over HTTP, {CLIENTS} clients / a route that stores nothing",
        [1 / each for each in alternate(shared, _seconds(many, WRITES, CLIENTS, CALLER), ROUNDS)],
        "x the rate",
        limit=1 / 3,
        at_least=True,
    )
    yield figure(f"durable writes over HTTP, {CLIENTS} clients", rates, "writes/s")


def _single_figure(address: Address, bare: BareTable) -> Figure:
    def commits() -> float:
        start = perf_counter()
        for _ in range(SINGLES):
            bare.insert([(REGISTER, os.urandom(6).hex(), 1, os.urandom(200).hex().encode())])
        return (perf_counter() - start) / SINGLES

    try:
        ratios = alternate(_seconds(address, SINGLES, 1), commits, ROUNDS)
    finally:
        bare.close()
    return figure("durable write over HTTP, one client / bare SQLite commit, wall", ratios, "x", limit=5)


def _read_figures(address: Address) -> Iterator[Figure]:
    random, rates = Random(3), []
    send(address.port, _writes(address, 20, size=BATCH), 1)
    known = next(_numbers) - BATCH * 2
    # The last of them are in the index once the node has settled.
    sleep(SETTLE_SECONDS + 0.5)
    for _ in range(ROUNDS):
        names = [name_of(known + random.randrange(BATCH)) for _ in range(READS)]
        paths = (f"/v1/registers/{REGISTER}/records/{name}/inclusion" for name in names)
        load = send(address.port, iter([request("GET", path, {}) for path in paths]), 8)
        rates.append(load.rate(200))
    yield figure(
        "verified reads with proof over HTTP, one core", rates, "reads/s", limit=3_000, at_least=True
    )


def _batch_figure(served: Path, direct: Path) -> Figure:
    _prepare(direct)
    random = Random(5)
    with running(served) as address, Node.open(direct) as node:

        def over_http() -> float:
            requests = _writes(address, BATCHES, size=BATCH)
            return BATCHES / send(address.port, requests, 1).rate(201)

        def in_process() -> float:
            batches = [proposals(next(_numbers), BATCH, random) for _ in range(BATCHES)]
            start = perf_counter()
            for batch in batches:
                node.submit(batch)
            return perf_counter() - start

        ratios = [1 / each for each in alternate(over_http, in_process, ROUNDS)]
    return figure("batches of 1,000 over HTTP / in process", ratios, "x the rate", limit=0.5, at_least=True)
