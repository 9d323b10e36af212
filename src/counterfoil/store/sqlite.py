"""SQLite behind `Database`: write-ahead log, every commit flushed to the disk, files that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final

import apsw

from counterfoil.errors import Busy, CounterfoilError, Damaged, Unavailable
from counterfoil.store.closing import cut_sum, write_sum
from counterfoil.store.database import Value
from counterfoil.store.untouched import connect_to_read, wal_of

PAGE_SIZE: Final = 2048
"""Rows of a few kB (index pages, tiles) waste less of a small page: a fifth of what the index takes."""
CACHE_KIB: Final = 16_384
CHECKPOINT_PAGES: Final = 4_000
BUSY_MILLISECONDS: Final = 5_000
PRAGMAS: Final = (
    f"page_size={PAGE_SIZE}",
    "journal_mode=WAL",
    "synchronous=FULL",
    f"cache_size=-{CACHE_KIB}",
    f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    "foreign_keys=OFF",
    "trusted_schema=OFF",
)
"""How every connection that writes is set up."""


class Sqlite:
    """One connection to a SQLite file. Its transactions take turns, whatever thread they come from.

    `read_only` changes neither the file nor its journal, not even to recover the journal's end; `untouched` makes no
    file beside them either, and asks that nobody writes meanwhile. `second`: this process has the file open already.
    """

    def __init__(self, path: Path, *, read_only: bool = False, untouched: bool = False, second: bool = False):
        self.path = path
        self._read_only = read_only
        self._second = second
        self._turn = RLock()
        # To open and close the file by other means would end the locks that SQLite holds on it for this process.
        if not read_only and not second:
            _create(path)
        try:
            self._connection = (
                connect_to_read(path, untouched=untouched) if read_only else apsw.Connection(str(path))
            )
            self._connection.set_busy_timeout(BUSY_MILLISECONDS)
            if read_only:
                # One view of the store for as long as it is open, whatever others write meanwhile.
                self._connection.execute("BEGIN")
            else:
                self._configure()
            self._cursor = self._connection.cursor()
        except apsw.Error as error:
            raise _translate(error, path) from error

    def _configure(self) -> None:
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}").fetchall()

    def execute(self, sql: str, values: Sequence[Value] = ()) -> None:
        """Run a statement that returns no rows."""
        try:
            self._cursor.execute(sql, values)
        except apsw.Error as error:
            raise _translate(error, self.path) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        try:
            self._cursor.executemany(sql, rows)
        except apsw.Error as error:
            raise _translate(error, self.path) from error

    def query(self, sql: str, values: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a query gives, read as they are asked for."""
        try:
            yield from self._connection.cursor().execute(sql, values)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise _translate(error, self.path) from error

    def row(self, sql: str, values: Sequence[Value] = ()) -> tuple[Any, ...] | None:
        """The first row that a query gives; None where there is none."""
        try:
            return self._connection.execute(sql, values).fetchone()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise _translate(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored for good when it ends, or nothing of it."""
        with self._turn:
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self.execute("ROLLBACK")
                raise

    def rewrite(self) -> None:
        """Write the file anew from what is in it."""
        with self._turn:
            self.execute("VACUUM")

    def fold(self) -> None:
        """Bring all that waits in the write-ahead log into the file, and empty the log."""
        with self._turn:
            folded = self.row("PRAGMA wal_checkpoint(TRUNCATE)")
        if folded is None or folded[0]:
            raise Busy(
                f"somebody reads an older view of {self.path}, so what was erased is still in its files; "
                "wait until that has ended and try again"
            )

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        try:
            self._connection.close()
        except apsw.Error as error:
            raise _translate(error, self.path) from error
        # Where somebody else reads, the log stays, and the file is not closed yet.
        if not self._read_only and not self._second and not wal_of(self.path).exists():
            try:
                write_sum(self.path, PAGE_SIZE)
            except OSError as error:
                raise Unavailable(f"writing {self.path} failed: {error.strerror}; check the disk") from error


def _create(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives the files beside it the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        cut_sum(path, PAGE_SIZE)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be opened ({error.strerror}); check that it and its folder may be read and written"
        ) from error


def _translate(error: apsw.Error | UnicodeDecodeError, path: Path) -> CounterfoilError:
    match error:
        case apsw.FullError():
            return Unavailable(
                f"the disk that holds {path} is full; make room and try again (nothing was lost)"
            )
        case apsw.ReadOnlyError():
            return Unavailable(f"{path} or its disk is read-only; make it writable and try again")
        case apsw.CantOpenError() | apsw.PermissionsError() | apsw.AuthError():
            return Unavailable(
                f"{path} cannot be opened; check that it and its folder may be read and written"
            )
        case apsw.BusyError() | apsw.LockedError():
            return Busy(f"{path} is in use by another process; wait until it has ended, or stop it")
        case apsw.CorruptError() | apsw.NotADBError():
            return Damaged(f"{path} is damaged: {error}; run counterfoil audit")
        case apsw.IOError():
            return Unavailable(f"reading or writing {path} failed: {error}; check the disk")
        case _:
            return Damaged(f"{path} does not answer as it must: {error}; run counterfoil audit")
