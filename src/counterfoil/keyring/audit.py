"""Looking at every row of a keyring: is each what was written, and is none missing?

What it cannot see is a whole file put in place of a newer one; the store, whose items name the newer keys, shows that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.erasure import destroyed_keys
from counterfoil.keyring.rows import BatchRow, DestroyedRow, Total, authentic
from counterfoil.keyring.wrapping import Master
from counterfoil.store.sqlite import Sqlite

_TABLES: Final = (
    ("keys", "key"),
    ("batches", "batch"),
    ("secrets", "secret"),
    ("erasures", "destroyed"),
    ("backups", "backup"),
)


def faults(database: KeyringDatabase, master: Master) -> Iterator[str]:
    """See `Keyring.faults`. Raises `Damaged` where the master or total row does not allow to look further."""
    database.master()
    total = database.total()
    if total.generation != master.generation:
        raise Damaged(f"the keyring's total row is of the master key {total.generation}, not of this one")
    with database.snapshot() as snapshot:
        yield from _unreadable(snapshot, master)
        for number, *_ in _unauthentic(snapshot, database.rows_key, "destroyed"):
            yield f"the keyring's erasure {number} is damaged: which keys it destroyed is not certain"
        for number, *_ in _unauthentic(snapshot, database.rows_key, "backup"):
            yield f"the keyring's backup note {number} is damaged: how long that backup is kept is not certain"
        for first, *_ in _unauthentic(snapshot, database.rows_key, "batch"):
            yield f"the keyring's batch {first} is damaged: which transaction its keys are for is not certain"
        yield from _uncovered(snapshot, database.rows_key)
        yield from _miscounted(snapshot, total)


def _unreadable(snapshot: Sqlite, master: Master) -> Iterator[str]:
    for number, wrapped in snapshot.query("SELECT id, wrapped FROM key ORDER BY id"):
        try:
            master.unwrap_key(number, wrapped)
        except (Damaged, OverflowError):
            yield f"the keyring's key {number} is damaged: what it sealed cannot be read"
    for name, wrapped in snapshot.query("SELECT name, wrapped FROM secret ORDER BY name"):
        try:
            master.unwrap_secret(name, wrapped)
        except CounterfoilError:
            yield f"the keyring's secret {name} is damaged; restore the keyring from a backup"


def _unauthentic(snapshot: Sqlite, key: bytes, table: str) -> Iterator[tuple[Any, ...]]:
    for row in snapshot.query(f"SELECT * FROM {table} ORDER BY 1"):  # noqa: S608  # the three names above
        if not authentic(key, table, *row):
            yield row


def _uncovered(snapshot: Sqlite, key: bytes) -> Iterator[str]:
    """Keys without a batch, and keys of a batch that neither are there nor were destroyed."""
    erasures = [DestroyedRow(*row) for row in snapshot.query("SELECT * FROM destroyed")]
    gone = destroyed_keys(row for row in erasures if authentic(key, "destroyed", *row))
    batches = (BatchRow(*row) for row in snapshot.query("SELECT * FROM batch ORDER BY first"))
    numbers = (number for (number,) in snapshot.query("SELECT id FROM key ORDER BY id"))
    yield from _compare((batch for batch in batches if authentic(key, "batch", *batch)), numbers, gone)


def _compare(batches: Iterable[BatchRow], numbers: Iterator[int], gone: set[int]) -> Iterator[str]:
    number = next(numbers, None)
    for batch in batches:
        while number is not None and number < batch.first:
            yield _without_batch(number)
            number = next(numbers, None)
        for expected in range(batch.first, batch.last + 1):
            if number == expected:
                number = next(numbers, None)
            elif expected not in gone:
                yield f"the keyring's key {expected} is missing, and no erasure names it"
    while number is not None:
        yield _without_batch(number)
        number = next(numbers, None)


def _without_batch(number: int) -> str:
    return f"the keyring's key {number} belongs to no batch that is as it was written"


def _miscounted(snapshot: Sqlite, total: Total) -> Iterator[str]:
    for field, table in _TABLES:
        row = snapshot.row(f"SELECT count(*) FROM {table}")  # noqa: S608  # the names above
        found, expected = 0 if row is None else row[0], getattr(total, field)
        if found != expected:
            yield f"the keyring's table {table} has {found} rows and must have {expected}"
