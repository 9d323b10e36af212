"""Looking at every case on a desk: is each as it was put and decided?

A case that is done keeps a line and no seal: of such lines, and of what officers have read, only the sum with which the
file was closed tells whether a byte was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.registry.desk.desk import EVERY, opened_case
from counterfoil.registry.desk.sealing import Sealing
from counterfoil.store.database import Database


def faults(database: Database, secret: Callable[[], bytes]) -> Iterator[tuple[str, str]]:
    """What is wrong with a desk: the id of the case, and a sentence. `secret` is that of `Desk`.

    Raises `Damaged` where its tables cannot be read.
    """
    for (text,) in database.query("PRAGMA integrity_check(10)"):
        if text != "ok":
            raise Damaged(f"SQLite finds it damaged: {text}")
    sealing = Sealing(secret)
    for row in database.query(EVERY):
        try:
            opened_case(row, sealing)
        except CounterfoilError as error:
            yield str(row[1]), str(error)
