"""Whole stores: audit, start after a kill, bytes on disk, memory."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

from counterfoil.bench.appends import BATCH
from counterfoil.bench.measure import Figure, figure
from counterfoil.bench.rows import COLUMNS, REGISTER, SCHEMA, land_rows, proposals
from counterfoil.ledger.system import REGISTER as DEFINITIONS
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.store.audit.audit import audit_store
from counterfoil.store.sqlite import Sqlite

MEGABYTE: Final = 1_000_000


def audit_figure(entries: int) -> Iterator[Figure]:
    """Auditing a store of so many entries."""
    with TemporaryDirectory(prefix="bench-") as name:
        fill(Path(name), entries)
        rates = []
        for _ in range(3):
            start = process_time()
            database = Sqlite(Path(name) / "store.db", read_only=True)
            audited = audit_store(database, Path(name) / "store.db")
            database.close()
            rates.append(audited.entries / (process_time() - start))
        yield figure(
            f"audit of {entries:,} entries",
            rates,
            "entries/s",
            limit=30_000,
            at_least=True,
            note=f"{audited.found} findings",
        )


def growth_figures(entries: int) -> Iterator[Figure]:
    """Memory while `entries` are appended, and as many again, in its own process; then its kill, and a start."""
    with TemporaryDirectory(prefix="bench-") as name:
        command = [sys.executable, "-m", "counterfoil.bench.stores", name, str(entries)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            first, second = (int(process.stdout.readline()) for _ in range(2)) if process.stdout else (0, 0)
            process.send_signal(signal.SIGKILL)
        yield figure(f"peak memory, {entries:,} entries imported", [first / MEGABYTE], "MB", limit=250)
        yield figure(f"growth for {entries:,} more", [(second - first) / MEGABYTE], "MB", limit=20)
        start = perf_counter()
        node = Node.open(Path(name))
        elapsed = perf_counter() - start
        size = node.store.head.size
        node.close()
        yield figure(f"start after a kill at {size:,} entries", [elapsed], "s")


def disk_figure(sample: Path, entries: int) -> Iterator[Figure]:
    """All files together, closed, for rows like HM Land Registry's."""
    with TemporaryDirectory(prefix="bench-") as name:
        node = Node.open(Path(name))
        schema = {
            "type": "object",
            "properties": {column: {"type": "string"} for column in COLUMNS},
            "additionalProperties": False,
        }
        fields = {"title": "Price paid", "authority": node.agency, "key": "transaction", "schema": schema}
        node.submit([Proposal(DEFINITIONS, "price-paid", "create", 1, body={"fields": fields})])
        batch: list[Proposal] = []
        for row in land_rows(sample, entries):
            batch.append(Proposal("price-paid", row["transaction"], "create", 1, body={"fields": row}))
            if len(batch) == BATCH:
                node.submit(batch)
                batch = []
        node.close()
        total = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())
        yield figure(
            f"bytes an entry, {entries:,} rows of price-paid data, files closed",
            [total / entries],
            "bytes",
            limit=240,
        )


def fill(folder: Path, entries: int) -> None:
    """A closed store with so many entries in the bench's register."""
    with Node.open(folder) as node:
        for _ in append(node, entries):
            pass


def append(node: Node, entries: int) -> Iterator[int]:
    """Append batches of new records for ever, or until there are `entries`; tells how many there are."""
    fields = {"title": "Bench", "authority": node.agency, "key": "id", "schema": SCHEMA}
    node.submit([Proposal(DEFINITIONS, REGISTER, "create", 1, body={"fields": fields})])
    random = Random(3)
    for first in range(0, entries, BATCH):
        node.submit(proposals(first, BATCH, random))
        yield first + BATCH


def _peak() -> int:
    """The most memory that this process has had, in bytes. (`getrusage` would count what started it, too.)"""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _grow(folder: Path, entries: int) -> None:
    node = Node.open(folder)
    for done in append(node, 2 * entries):
        if done in (entries, 2 * entries):
            sys.stdout.write(f"{_peak()}\n")
            sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    _grow(Path(sys.argv[1]), int(sys.argv[2]))
