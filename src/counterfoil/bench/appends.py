"""Appending: against a bare SQLite table that holds the same rows, with the same pragmas."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

import apsw

from counterfoil.bench.measure import Figure, alternate, figure, wall
from counterfoil.bench.rows import REGISTER, SCHEMA, fields_of, name_of, proposal, proposals
from counterfoil.ledger.system import REGISTER as DEFINITIONS
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.store.sqlite import PRAGMAS

BATCH: Final = 1_000
SEGMENTS: Final = 6
BATCHES: Final = 10
"""Batches in a segment: with 10,000 entries the store's own checkpoints fall inside."""


class BareTable:
    """The reference: one table with a unique index on register, record and version, every commit flushed."""

    def __init__(self, path: Path):
        self._connection = apsw.Connection(str(path))
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.execute(
            "CREATE TABLE entry (register TEXT, record TEXT, version INTEGER, body BLOB,"
            " UNIQUE (register, record, version))"
        )

    def insert(self, rows: Sequence[tuple[str, str, int, bytes]]) -> None:
        """Insert rows in one transaction."""
        with self._connection:
            self._connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def measured(folder: Path | None = None) -> Iterator[tuple[Node, BareTable]]:
    """A fresh node with the bench's register, and a bare table beside it."""
    with TemporaryDirectory(prefix="bench-", dir=folder) as name:
        node, bare = Node.open(Path(name) / "home"), BareTable(Path(name) / "bare.db")
        define_register(node)
        try:
            yield node, bare
        finally:
            node.close()
            bare.close()


def define_register(node: Node) -> None:
    """Create the bench's register."""
    fields = {"title": "Bench", "authority": node.agency, "key": "id", "schema": SCHEMA}
    node.submit([Proposal(DEFINITIONS, REGISTER, "create", 1, body={"fields": fields})])


def bare_rows(batch: Sequence[Proposal]) -> list[tuple[str, str, int, bytes]]:
    """The same rows for the bare table."""
    return [(each.register, each.record, each.version or 1, each.encode()) for each in batch]


def batch_figures(records: int) -> Iterator[Figure]:
    """Batches of 1,000: new records over a small store, then new and changed ones over `records` records."""
    random = Random(1)
    with measured() as (node, bare):
        numbers = count(0, BATCH)

        def fresh() -> list[Proposal]:
            return proposals(next(numbers), BATCH, random)

        yield from _segments("over a small store", node, bare, fresh, limit=6)
        if not records:
            return
        while (first := next(numbers)) < records:
            batch = proposals(first, BATCH, random)
            node.submit(batch)
            bare.insert(bare_rows(batch))
        yield from _segments(f"new, over {records:,} records", node, bare, fresh, limit=10)
        versions: dict[int, int] = {}

        def changed() -> list[Proposal]:
            batch = []
            for number in random.sample(range(records), BATCH):
                versions[number] = versions.get(number, 1) + 1
                record = name_of(number)
                batch.append(proposal(record, versions[number], fields_of(record, random)))
            return batch

        yield from _segments(f"changed, over {records:,} records", node, bare, changed, limit=10)


def _segments(
    name: str, node: Node, bare: BareTable, batch: Callable[[], list[Proposal]], limit: float
) -> Iterator[Figure]:
    above, below, elapsed = [], [], []
    for segment in range(SEGMENTS):
        batches = [batch() for _ in range(BATCHES)]
        rows = [bare_rows(each) for each in batches]
        for subject in (True, False) if segment % 2 else (False, True):
            start, began = process_time(), perf_counter()
            if subject:
                for each in batches:
                    node.submit(each)
                above.append(process_time() - start)
                elapsed.append(perf_counter() - began)
            else:
                for each_rows in rows:
                    bare.insert(each_rows)
                below.append(process_time() - start)
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    size = len(rows[0][0][3])
    total = figure(
        f"batch append, {name} / bare SQLite insert, CPU",
        ratios,
        "x",
        limit=limit,
        note=f"{size}-byte proposals; totals {sum(above) / sum(below):.2f}",
    )
    yield total
    rates = [BATCH * BATCHES / each for each in elapsed]
    yield figure(f"batch append, {name}", rates, "entries/s")


def single_figures(rounds: int) -> Iterator[Figure]:
    """One entry a transaction, against one row a commit; with and without a receipt signed at once."""
    random = Random(2)
    with measured() as (node, bare):
        numbers = count()

        def append(receipt: bool) -> None:
            for _ in range(20):
                node.submit(proposals(next(numbers), 1, random), receipt=receipt)

        def commit() -> None:
            for _ in range(20):
                bare.insert([(REGISTER, os.urandom(6).hex(), 1, os.urandom(200).hex().encode())])

        yield figure(
            "single durable append / bare SQLite commit, wall",
            alternate(wall(lambda: append(False)), wall(commit), rounds),
            "x",
            limit=2.5,
        )
        yield figure(
            "the same with a receipt signed at once, wall",
            alternate(wall(lambda: append(True)), wall(commit), rounds),
            "x",
            limit=5,
        )
        yield _signatures(node, random, numbers)


def _signatures(node: Node, random: Random, numbers: count[int]) -> Figure:
    def many() -> None:
        for _ in range(200):
            node.submit(proposals(next(numbers), 1, random))

    def one() -> None:
        batch = [each for _ in range(200) for each in proposals(next(numbers), 1, random)]
        node.submit(batch)

    return figure(
        "one signature a record / one signature a batch of 200, wall",
        alternate(wall(many), wall(one), 5),
        "x",
        limit=5,
        at_least=True,
    )
