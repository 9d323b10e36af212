"""Backup, restore and repair: their time against the audit's, and the most memory that each takes, as processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import apsw

from counterfoil.bench.appends import BATCH, define_register
from counterfoil.bench.measure import Figure, figure
from counterfoil.bench.rows import proposals
from counterfoil.errors import Unavailable
from counterfoil.node import Node

MEASURED: Final = """
import resource, subprocess, sys, time
start = time.perf_counter()
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(ended.returncode)
"""
"""Runs a command, and prints the seconds that it took and its largest size in KiB."""


class Ran(NamedTuple):
    """What a command took: seconds by the clock on the wall, and MB at its largest."""

    seconds: float
    megabytes: float


def recovery_figures(records: int) -> Iterator[Figure]:
    """Each command over a store of `records` records."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        home, random = folder / "home", Random(4)
        with Node.open(home) as node:
            define_register(node)
            for first in range(0, records, BATCH):
                node.submit(proposals(first, BATCH, random))
        audit = _run("audit", "--home", home)
        yield from _figures("audit", audit, audit, records)
        yield from _figures("backup", _run("backup", folder / "backup", "--home", home), audit, records)
        restored = ("restore", folder / "backup", "--home", folder / "restored")
        yield from _figures("restore", _run(*restored), audit, records)
        _lose_a_bundle(home / "store.db")
        repair = ("repair", "--home", home, "--from", folder / "backup")
        yield from _figures("repair of a lost bundle", _run(*repair), audit, records)


def _figures(name: str, ran: Ran, audit: Ran, records: int) -> Iterator[Figure]:
    said = f"{name}, {records:,} records"
    if name != "audit":
        yield figure(f"{said} / audit, wall", [ran.seconds / audit.seconds], "x")
    yield figure(f"{said}", [ran.seconds], "s")
    yield figure(f"{said}, memory at most", [ran.megabytes], "MB")


def _run(*arguments: object) -> Ran:
    # Started by a small process: a child's largest size counts from what its parent had.
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "counterfoil", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Unavailable(
            f"counterfoil {arguments[0]} ended with {ended.returncode}: {ended.stderr.strip()[-300:]}"
        )
    seconds, kilobytes = ended.stdout.split()[-2:]
    return Ran(float(seconds), int(kilobytes) / 1024)


def _lose_a_bundle(store: Path) -> None:
    connection = apsw.Connection(str(store))
    connection.execute("DELETE FROM bundle WHERE number = 1")
    connection.close()
