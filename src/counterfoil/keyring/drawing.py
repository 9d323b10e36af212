"""New keys on their way to the disk: their ids are set aside, then they wait for one commit together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Lock
from typing import Final, NamedTuple

from counterfoil.errors import Damaged, Unavailable
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.rows import BatchRow, authentic, mac
from counterfoil.keyring.wrapping import MAX_ID, Master
from counterfoil.proof.canonical import labelled

RESERVED_AT_ONCE: Final = 1 << 16
"""Ids set aside by one durable write. An id never comes twice, whatever is killed: its nonce would."""
MAX_STAGED: Final = 1 << 17


class Drawn(NamedTuple):
    """New keys of 32 bytes each, with the ids `first`, `first` + 1 and so on. Not durable yet."""

    first: int
    keys: tuple[bytes, ...]


class Kept(NamedTuple):
    """Keys that wait to be written, for a transaction's hash that may come until a deadline (Unix time)."""

    drawn: Drawn
    transaction: bytes
    deadline: int


class Ids:
    """Gives out runs of ids."""

    def __init__(self, database: KeyringDatabase):
        self._database = database
        self._lock = Lock()
        self._next, self._end = 0, 0

    def take(self, count: int) -> int:
        """The first of `count` ids in a row."""
        with self._lock:
            if self._end - self._next < count:
                self._reserve(max(count, RESERVED_AT_ONCE))
            first = self._next
            self._next += count
            return first

    def _reserve(self, count: int) -> None:
        with self._database.writing():
            total = self._database.total()
            if total.reserved + count > MAX_ID:
                raise Unavailable("every id of this keyring has been given out; go on with a new keyring")
            self._database.put_total(total._replace(reserved=total.reserved + count))
        self._next, self._end = total.reserved, total.reserved + count


class Staging:
    """What waits for the next commit, from all threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[Kept] = []
        self._keys = 0

    def add(self, kept: Kept) -> None:
        """Let keys wait. Raises `Unavailable` where so many do that the disk must have refused for a while."""
        with self._lock:
            if self._keys > MAX_STAGED:
                raise Unavailable(
                    f"{self._keys} keys wait to be written to the keyring; check its disk and try again"
                )
            self._kept.append(kept)
            self._keys += len(kept.drawn.keys)

    def take(self) -> list[Kept]:
        """Everything that waits; nothing does afterwards."""
        with self._lock:
            kept, self._kept, self._keys = self._kept, [], 0
            return kept

    def put_back(self, kept: Sequence[Kept]) -> None:
        """Let what could not be written wait again, before what came since."""
        with self._lock:
            self._kept[:0] = kept
            self._keys += sum(len(each.drawn.keys) for each in kept)


def write(database: KeyringDatabase, master: Master, staged: Sequence[Kept]) -> None:
    """Make kept keys durable, in one transaction."""
    wrap = master.wrap_key
    keys = [
        (number, wrap(number, key))
        for kept in staged
        for number, key in enumerate(kept.drawn.keys, kept.drawn.first)
    ]
    batches = [
        (*row, mac(database.rows_key, "batch", *row))
        for drawn, transaction, deadline in staged
        for row in [(drawn.first, drawn.first + len(drawn.keys) - 1, transaction, deadline)]
    ]
    with database.writing():
        total = database.checked_total(master.generation)
        database.writer.execute_many("INSERT INTO key VALUES (?, ?)", keys)
        database.writer.execute_many("INSERT INTO batch VALUES (?, ?, ?, ?, ?)", batches)
        database.put_total(total._replace(keys=total.keys + len(keys), batches=total.batches + len(batches)))


def drawn_for(database: KeyringDatabase, transactions: Collection[str]) -> dict[str, set[int]]:
    """See `Keyring.drawn_for`. Raises `Damaged` where a batch is not as it was written."""
    wanted = set(transactions)
    found: dict[str, set[int]] = {}
    for row in map(BatchRow._make, database.rows("SELECT * FROM batch") if wanted else ()):
        name = labelled(row.transaction)
        if name in wanted:
            if not authentic(database.rows_key, "batch", *row):
                raise Damaged(
                    f"the keyring's batch {row.first} is damaged; restore the keyring from a backup"
                )
            ids = database.rows("SELECT id FROM key WHERE id BETWEEN ? AND ?", (row.first, row.last))
            found.setdefault(name, set()).update(number for (number,) in ids)
    return found
