"""Tables that grow with the log, read beside its replay: the entry before each, and each transaction's header."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from counterfoil.ledger.state import Taken
from counterfoil.proof.entry import Entry
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.checksum import checksum

PAST_ALL: Final = 1 << 64
"""Larger than any number that SQLite can store."""


class Rows:
    """Reads `prior` and `taken` in the order of the log; every row must be expected, and every expected row there."""

    def __init__(self, stored: Stored, findings: Findings, describe: Callable[[int], Entry | None]):
        """`describe` reads an entry by its number, to name it in a finding."""
        self._stored = stored
        self._findings = findings
        self._describe = describe
        self._prior = Cursor(stored.rows("prior"))
        self._taken = Cursor(stored.rows("taken"))
        self._firsts: dict[bytes, int] | None = None

    def expect_priors(self, end: int, priors: Mapping[int, int], unknown: Collection[int] = ()) -> None:
        """Compare the rows of the next entries, up to `end`, with the entry before each that has one.

        What comes before the entries in `unknown` cannot be told.
        """
        found: dict[int, int] = dict(self._prior.below(end))
        if found == priors:
            return
        for number in sorted((found.keys() | priors.keys()).difference(unknown)):
            if number not in priors:
                what = "an entry before it is stored, and it has none"
            elif number not in found:
                if self._stored.is_named("prior", number):
                    continue
                what = "the entry before it is not stored"
            elif found[number] != priors[number]:
                what = "the stored entry before it is another one"
            else:
                continue
            self._name(what, "prior", number)

    def pass_priors(self, end: int) -> None:
        """Pass over the rows of entries that cannot be read."""
        for _ in self._prior.below(end):
            pass

    def taken(self, number: int) -> Row | None:
        """The row of the transaction whose first entry this is; those before it belong to no entry."""
        for row in self._taken.below(number):
            self.name_surplus(row)
        return self._taken.at(number)

    def name_surplus(self, row: Row) -> None:
        """Name a transaction's row that belongs to no entry."""
        self._name("a header is stored that no entry belongs to", "taken", row[0])

    def taken_later(self, hash_: bytes) -> Row | None:
        """The row of a transaction that waited before it was taken; the reading in order goes on where it was."""
        if self._firsts is None:
            self._firsts = {row[2]: row[0] for row in self._stored.rows("taken")}
        first = self._firsts.get(hash_)
        return None if first is None else self._stored.row("taken", first)

    def expect_taken(self, expected: Taken, found: Row | None) -> None:
        """Compare a transaction's stored row with what its entries and its header say."""
        if found is None:
            if not self._stored.is_named("taken", expected.first):
                self._name("the header of its transaction is not stored", "taken", expected.first)
            return
        for name, one, other in zip(Taken._fields, expected, found, strict=False):
            if one != other:
                self._name(f"its {name} is not what its entries and its header say", "taken", expected.first)
        self.check_taken(found)

    def check_taken(self, row: Row) -> None:
        """Check what a transaction's row says by itself."""
        if row[6] != checksum(row[0], row[5]):
            what = "its endorsements, or the checksum over them, are not those that were stored"
            self._name(what, "taken", row[0])

    def finish(self) -> None:
        """Name every row that is left when the log ends."""
        for name, cursor in (("prior", self._prior), ("taken", self._taken)):
            for row in cursor.below(PAST_ALL):
                self._name("it stands beyond the end of the log", name, row[0])

    def _name(self, what: str, table: str, number: int) -> None:
        self._findings.add(what, f"{table} row {number}", self._describe(number), number=number)


class Cursor:
    """Reads the rows of a table in the order of its key, a number."""

    def __init__(self, rows: Iterator[Row]):
        self._rows = rows
        self._next = next(rows, None)

    def below(self, number: int) -> Iterator[Row]:
        """The rows, not read yet, whose number is smaller."""
        while self._next is not None and self._next[0] < number:
            yield self._next
            self._next = next(self._rows, None)

    def at(self, number: int) -> Row | None:
        """The row with this number, if it is the next one."""
        row = self._next
        if row is None or row[0] != number:
            return None
        self._next = next(self._rows, None)
        return row
