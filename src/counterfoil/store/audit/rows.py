"""Tables that grow with the log, read beside its replay: the entry before each, and each transaction's header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from counterfoil.ledger.state import Taken
from counterfoil.store.audit.finding import Findings
from counterfoil.store.database import Database


class Rows:
    """Reads `prior` and `taken` in the order of the log; every row must be expected, and every expected row there."""

    def __init__(self, database: Database, findings: Findings):
        self._findings = findings
        self._database = database
        self._prior = _Cursor(database.query("SELECT number, previous FROM prior ORDER BY number"))
        self._taken = _Cursor(
            database.query("SELECT first, count, hash, name, header, endorsements FROM taken ORDER BY first")
        )
        self._firsts: dict[bytes, int] | None = None

    def expect_prior(self, number: int, previous: int | None) -> None:
        """Compare the row of an entry; `previous` is None for a record's first entry, which has none."""
        for row in self._prior.before(number):
            self._findings.add("an entry before it is stored, and it has none", f"prior row {row[0]}", number=row[0])
        row = self._prior.at(number)
        if row is None and previous is not None:
            self._findings.add("the entry before it is not stored", f"prior row {number}", number=number)
        elif row is not None and row != (number, previous):
            self._findings.add("the stored entry before it is another one", f"prior row {number}", number=number)

    def pass_prior(self, number: int) -> None:
        """Pass over the row of an entry that cannot be read."""
        for row in self._prior.before(number):
            self._findings.add("an entry before it is stored, and it has none", f"prior row {row[0]}", number=row[0])
        self._prior.at(number)

    def taken(self, number: int) -> Taken | None:
        """The row of the transaction whose first entry this is."""
        for row in self._taken.before(number):
            self._findings.add("a header is stored that no entry here belongs to", f"taken row {row[0]}", number=row[0])
        row = self._taken.at(number)
        return Taken(*row) if row is not None else None

    def taken_by_hash(self, hash_: bytes) -> Taken | None:
        """The row of a transaction that waited before it was taken; the cursor stays where it is."""
        if self._firsts is None:
            self._firsts = {bytes(row[1]): row[0] for row in self._database.query("SELECT first, hash FROM taken")}
        row = self._database.row(
            "SELECT first, count, hash, name, header, endorsements FROM taken WHERE first = ?", (self._firsts.get(hash_, -1),)
        )
        return Taken(*row) if row else None

    def expect_taken(self, expected: Taken, found: Taken | None) -> None:
        """Compare a transaction's stored row with what its header and entries say."""
        if found is None:
            self._findings.add("the header of its transaction is not stored", f"taken row {expected.first}", number=expected.first)
        else:
            for name, one, other in zip(Taken._fields, expected, found, strict=True):
                if one != other or type(one) is not type(other):
                    self._findings.add(f"its {name} is not what the entries say", f"taken row {expected.first}", number=expected.first)

    def finish(self, size: int) -> None:
        """Name every row that is left when the log ends."""
        for row in self._prior.before(size + (1 << 62)):
            self._findings.add("a row stands beyond the end of the log", f"prior row {row[0]!r}")
        for row in self._taken.before(size + (1 << 62)):
            self._findings.add("a row stands beyond the end of the log", f"taken row {row[0]!r}")


class _Cursor:
    def __init__(self, rows: Iterator[tuple[Any, ...]]):
        self._rows = rows
        self._next = next(rows, None)

    def before(self, number: int) -> Iterator[tuple[Any, ...]]:
        """The rows, not read yet, whose number is smaller."""
        while self._next is not None and self._next[0] < number:
            yield self._next
            self._next = next(self._rows, None)

    def at(self, number: int) -> tuple[Any, ...] | None:
        """The row with this number, if it is the next one."""
        row = self._next
        if row is None or row[0] != number:
            return None
        self._next = next(self._rows, None)
        return row
