"""A log served alone, by the real server on loopback, and installations whose log has just so many entries."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.web.api.log import PREFIX, log_app

ORIGIN = "registers.example/land"
START = 1_800_000_000
BATCH = 1_000


def land_office(folder: Path, time: int = START) -> Node:
    """An installation, made if there is none; its clock stands, so that only settling adds an index entry."""
    return Node.open(
        folder, clock=lambda: float(time), origin=ORIGIN, agency="EX/GOV/LAND", title="Land Office"
    )


def create_land(node: Node) -> None:
    """Create the register `land`."""
    fields = {"title": "Land", "authority": "EX/GOV/LAND"}
    node.submit([Proposal(".register", "land", "create", 1, body={"fields": fields})])


def add_titles(node: Node, first: int, count: int) -> None:
    """Create `count` records in `land`, which begin with the number `first`."""
    for start in range(first, first + count, BATCH):
        numbers = range(start, min(start + BATCH, first + count))
        node.submit([title(number) for number in numbers])


def title(number: int) -> Proposal:
    """A proposal that creates the record `number` in `land`."""
    return Proposal("land", str(number), "create", 1, body={"fields": {"owner": f"owner {number}"}})


def fill(folder: Path, size: int) -> None:
    """Make an installation whose log, and its published checkpoint, has exactly `size` entries."""
    with land_office(folder) as node:
        create_land(node)
        # The last entry is the index's. While many records change, the ledger adds others of its own to them.
        made = 0
        while left := size - 1 - node.store.head.size:
            count = min(BATCH, left)
            add_titles(node, made, count)
            made += count
            if node.store.head.size == size:
                break


@contextmanager
def serve_app(app: Any) -> Iterator[str]:
    """Serve an ASGI application until the end of the block; gives its address, without a slash at its end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],), name="log server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serve_log(folder: Path) -> Iterator[str]:
    """Serve the log of an installation, opened for reading; gives the log's prefix."""
    with Node.open(folder, read_only=True) as node, serve_app(log_app(node)) as address:
        yield f"{address}{PREFIX}"
