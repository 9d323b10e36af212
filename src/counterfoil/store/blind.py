"""The blind index: which entries have a token. Its rows wait in memory, and are written many at a time, sorted.

The items' own rows are their journal: those of entries from `blind_end` on are not in the table yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Final

from counterfoil.errors import Damaged
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database
from counterfoil.store.items import Contents, read_contents

MAX_WAITING: Final = 65_536
"""How many rows may wait: written at once, several fall on each page of the table."""


class BlindIndex:
    """Finds entries by token. What writes must run inside a database transaction; after a failed one it is stale."""

    def __init__(self, database: Database):
        self._database = database
        self._waiting: dict[int, list[int]] = {}
        self._count = 0
        self._read = False

    def search(self, token: int) -> list[int]:
        """The numbers of the entries that have a token, ascending. Raises `Damaged`."""
        self._begin()
        rows = self._database.query("SELECT number FROM blind WHERE token = ? ORDER BY number", (token,))
        return [*(int(row[0]) for row in rows), *self._waiting.get(token, ())]

    def add(self, tokens: Mapping[int, Collection[int]], end: int) -> None:
        """Take the tokens of new entries, by entry number; the log has `end` entries with them."""
        self._begin(before=min(tokens, default=end))
        for number, each in tokens.items():
            self._put(number, each)
        if self._count > MAX_WAITING:
            self.flush(end)

    def remove(self, rows: Collection[tuple[int, int]]) -> None:
        """Let entries no longer be found by tokens: pairs of token and entry number."""
        self._begin()
        self._database.execute_many("DELETE FROM blind WHERE token = ? AND number = ?", rows)
        for token, number in rows:
            with suppress(KeyError, ValueError):
                self._waiting[token].remove(number)
                self._count -= 1

    def flush(self, end: int) -> None:
        """Write what waits into the table; the log has `end` entries."""
        self._begin()
        rows = sorted((token, number) for token, numbers in self._waiting.items() for number in numbers)
        if not rows:
            return
        write_rows(self._database, rows)
        write_end(self._database, end)
        self._waiting, self._count = {}, 0

    def _begin(self, before: int | None = None) -> None:
        """Read what waits from the items' rows, once; entries from `before` on come otherwise."""
        if self._read:
            return
        for number, tokens in item_tokens(self._database, read_end(self._database), before):
            self._put(number, tokens)
        self._read = True

    def _put(self, number: int, tokens: Collection[int]) -> None:
        for token in set(tokens):
            self._waiting.setdefault(token, []).append(number)
            self._count += 1


def item_tokens(
    database: Database, first: int, end: int | None = None
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The tokens of stored items, by entry number, from `first` up to `end`. Raises `Damaged`."""
    query = "SELECT number, parts, tokens, checksum FROM item WHERE number >= ? ORDER BY number"
    for number, *found in database.query(query, (first,)):
        if end is not None and number >= end:
            return
        row: Contents = (found[0], found[1], found[2])
        yield number, read_contents(number, row)[1]


def read_end(database: Database) -> int:
    """The number of entries whose tokens are in the table. Raises `Damaged` where the row that says it was changed."""
    row = database.row("SELECT number, checksum FROM blind_end")
    if row is None:
        return 0
    if row[1] != checksum(row[0]):
        raise Damaged("the row that says how far the blind index goes was changed; run counterfoil audit")
    return int(row[0])


def write_end(database: Database, end: int) -> None:
    """Note that the tokens of the first `end` entries are in the table."""
    database.execute(
        "INSERT INTO blind_end (id, number, checksum) VALUES (0, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET number = excluded.number, checksum = excluded.checksum",
        (end, checksum(end)),
    )


def write_rows(database: Database, rows: Collection[tuple[int, int]]) -> None:
    """Write sorted pairs of token and entry number."""
    database.execute_many("INSERT INTO blind (token, number) VALUES (?, ?)", rows)


def write_all(database: Database, end: int) -> None:
    """Fill an empty table with the tokens of every item that can be read; the log has `end` entries."""
    rows: list[tuple[int, int]] = []
    some = False
    for number, *found in database.query("SELECT number, parts, tokens, checksum FROM item ORDER BY number"):
        with suppress(Damaged):
            rows += [(token, number) for token in read_contents(number, (found[0], found[1], found[2]))[1]]
        if len(rows) > MAX_WAITING:
            write_rows(database, sorted(rows))
            rows, some = [], True
    if rows or some:
        write_rows(database, sorted(rows))
        write_end(database, end)
