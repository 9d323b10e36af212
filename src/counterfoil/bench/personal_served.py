"""Disclosed reads over HTTP (decision, disclosure entry, decryption, proof) against plain reads of the same records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import orjson

from counterfoil.bench.appends import BATCH
from counterfoil.bench.load import request, send
from counterfoil.bench.measure import Figure, alternate, figure
from counterfoil.bench.personal_rows import ACTING, REGISTER, changes, define
from counterfoil.bench.served import CLIENTS, Address, running
from counterfoil.errors import CounterfoilError, Unavailable
from counterfoil.home import Home, write_whole
from counterfoil.identity.access import Access
from counterfoil.identity.officers import Appointment
from counterfoil.node import Node
from counterfoil.registry.desk.limits import FORMAT
from counterfoil.registry.personal.registrar import Registrar

PERSONS: Final = 20 * BATCH
READS: Final = 2_000
ROUNDS: Final = 5
PURPOSE: Final = "civil-registration"
ENDLESS: Final = {"hour": 100_000_000, "day": 100_000_000}
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def disclosed_figures() -> Iterator[Figure]:
    """Reads of persons by 64 clients: disclosed and proved, disclosed alone, and plain; what the server spends."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name) / "home"
        records = _prepare(folder)
        home = Home(folder)
        write_whole(home.budgets, orjson.dumps({"format": FORMAT, "default": ENDLESS}))
        token = Access(home.access).add_token("reader", ["disclose:*"], None, Appointment())
        with running(folder) as address:
            reader = _Reader(address, token, records)
            yield from reader.figures()


def _prepare(folder: Path) -> list[str]:
    """A home with persons; gives their records."""
    records: list[str] = []
    with Node.open(folder) as node:
        define(node)
        registrar = Registrar(node, node.keyring)
        for first in range(0, PERSONS, BATCH):
            prepared = registrar.prepare(changes(first, BATCH), ACTING)
            records += [record for _, record in prepared.records]
            if prepared.submission is None:
                raise Unavailable(
                    "a second officer would have to decide these persons; nothing is measured then"
                )
            (answer,) = node.submit_all([prepared.submission])
            if isinstance(answer, CounterfoilError):
                raise answer
    return records


class _Reader:
    """64 clients that read persons from a serving process."""

    def __init__(self, address: Address, token: str, records: list[str]):
        self._address = address
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._records = records
        self._random = Random(6)

    def figures(self) -> Iterator[Figure]:
        """Every figure, in turns with the plain read."""
        several: dict[str, tuple[Callable[[str], bytes], float | None]] = {
            "disclosed read with decryption and proof": (
                lambda record: self._disclosure(record, "inclusion"),
                5,
            ),
            "disclosed read with decryption": (lambda record: self._disclosure(record, False), None),
        }
        for what, (made, limit) in several.items():
            rates: list[float] = []
            ratios = alternate(self._spent(made, rates), self._spent(self._plain, []), ROUNDS)
            told = f"{what}, {CLIENTS} clients"
            yield figure(f"{told} / plain read of the same record, CPU", ratios, "x", limit=limit)
            yield figure(told, rates, "reads/s")

    def _plain(self, record: str) -> bytes:
        return request("GET", f"/v1/registers/{REGISTER}/records/{record}", {})

    def _disclosure(self, record: str, proof: str | bool) -> bytes:
        asked = {"purpose": PURPOSE, "record": record, "proof": proof}
        path = f"/v1/registers/{REGISTER}/disclosures"
        return request("POST", path, self._headers, orjson.dumps(asked))

    def _spent(self, made: Callable[[str], bytes], rates: list[float]) -> Callable[[], float]:
        """The seconds of processor time that the server spends on a read; `rates` gains how many it gave a second."""

        def spent() -> float:
            requests = [made(record) for record in self._random.choices(self._records, k=READS)]
            before = _cpu(self._address.process)
            load = send(self._address.port, iter(requests), CLIENTS)
            rates.append(load.rate(200))
            return (_cpu(self._address.process) - before) / READS

        return spent


def _cpu(process: int) -> float:
    """The processor time of a process in seconds, its threads' together (proc(5): utime and stime)."""
    told = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / _TICKS
