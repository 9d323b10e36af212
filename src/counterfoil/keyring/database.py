"""A keyring's file: one connection that writes, one that reads, and the removal of every trace of what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple

import msgspec

from counterfoil.errors import Busy, Damaged, NotFound, Unavailable
from counterfoil.keyring.rows import TABLES, VERSION, Total, authentic, mac
from counterfoil.keyring.wrapping import Master
from counterfoil.store.sqlite import Sqlite

ROWS_KEY: Final = ".rows"
"""The secret that authenticates rows. It stays the same at a rotation."""
_TOTAL: Final = "generation, reserved, keys, batches, secrets, erasures, backups, scrub"


class MasterRow(NamedTuple):
    """The wrapped master key, and whose protector wrapped it."""

    generation: int
    protector: str
    wrapped: bytes
    checksum: bytes


class KeyringDatabase:
    """The tables. Writers take turns; a reader in another thread waits for nobody who writes."""

    def __init__(self, path: Path, *, read_only: bool = False, untouched: bool = False):
        if read_only and not path.exists():
            raise NotFound(f"the keyring {path} is missing; restore it from a backup, or name another folder")
        self.path = path
        self.read_only = read_only or untouched
        self.turn = RLock()
        self.reading = RLock()
        self.rows_key = b""
        self._open(untouched=untouched)

    def _open(self, *, untouched: bool) -> None:
        self.writer = Sqlite(self.path, read_only=self.read_only, untouched=untouched)
        self._reader = self.writer
        if not self.read_only:
            try:
                # What is deleted is overwritten in the file at once.
                self.writer.row("PRAGMA secure_delete=ON")
                self._reader = Sqlite(self.path, second=True)
            except BaseException:
                self.writer.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        with self.turn, self.reading:
            if self._reader is not self.writer:
                self._reader.close()
            self.writer.close()

    def is_made(self) -> bool:
        """Whether the tables are there: a keyring whose making was interrupted has none."""
        return self.writer.row("SELECT 1 FROM sqlite_schema WHERE name = 'total'") is not None

    def make(self, master: Master, row: MasterRow, rows_key: bytes) -> None:
        """Make the tables and the rows that every keyring has. Within `writing`."""
        self.make_tables()
        self.rows_key = rows_key
        self.put_master(row)
        wrapped = master.wrap_secret(ROWS_KEY, rows_key)
        self.writer.execute("INSERT INTO secret VALUES (?, ?)", (ROWS_KEY, wrapped))
        self.put_total(Total(generation=master.generation, reserved=1, secrets=1))

    def make_tables(self) -> None:
        """Make the tables, empty. Within `writing`."""
        for table in TABLES:
            self.writer.execute(table)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Everything inside is stored for good when it ends, or nothing of it."""
        if self.read_only:
            raise Unavailable("this keyring was opened to be read; open it for writing")
        with self.turn, self.writer.transaction():
            yield

    def row(self, sql: str, values: tuple[int | str, ...] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, as it stands on the disk."""
        with self.reading:
            return self._reader.row(sql, values)

    def rows(self, sql: str, values: tuple[int | str, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as they stand on the disk."""
        with self.reading:
            return list(self._reader.query(sql, values))

    @contextmanager
    def snapshot(self) -> Iterator[Sqlite]:
        """The file as it is at one moment, for what takes long. Meanwhile nothing can be scrubbed."""
        if self.read_only:
            # It was opened as at one moment.
            yield self.writer
            return
        connection = Sqlite(self.path, second=True)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()

    def master(self) -> MasterRow:
        """The one master row. Raises `Damaged` where it is not what was written."""
        rows = self.rows("SELECT generation, protector, wrapped, checksum FROM master")
        try:
            (row,) = msgspec.convert(rows, list[MasterRow])
            if checksum(row) == row.checksum:
                return row
        except (ValueError, OverflowError):
            # Not one row, or not of these types.
            pass
        raise Damaged(f"the master row of the keyring {self.path} is damaged; restore it from a backup")

    def put_master(self, row: MasterRow) -> None:
        """Let this be the only master row. Within `writing`."""
        self.writer.execute("DELETE FROM master")
        self.writer.execute("INSERT INTO master VALUES (?, ?, ?, ?)", row)

    def total(self) -> Total:
        """How many rows there must be, as this connection that writes sees it. Raises `Damaged`."""
        rows = list(self.writer.query(f"SELECT version, {_TOTAL}, mac FROM total"))  # noqa: S608  # our own words
        if len(rows) != 1 or rows[0][0] != VERSION or not authentic(self.rows_key, "total", *rows[0][1:]):
            raise Damaged(f"the total row of the keyring {self.path} is damaged; restore it from a backup")
        return Total(*rows[0][1:-1])

    def put_total(self, total: Total) -> None:
        """Let this be the total. Within `writing`."""
        self.writer.execute("DELETE FROM total")
        self.writer.execute(
            "INSERT INTO total VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (VERSION, *total, mac(self.rows_key, "total", *total)),
        )

    def checked_total(self, generation: int) -> Total:
        """The total, of this generation. Raises `Busy` where another process has changed the master key meanwhile."""
        total = self.total()
        if total.generation != generation:
            raise Busy(f"the keyring {self.path} was given a new master key by another process; open it anew")
        return total

    def scrub(self) -> None:
        """Leave no byte of what was deleted in the keyring's files.

        The file is written anew without it, then its write-ahead log is emptied. Where that is interrupted, or another
        process reads (which raises `Busy`), the next opening for writing does it again.
        """
        with self.turn, self.reading:
            self.writer.execute("VACUUM")
            self._empty_log()
            with self.writing():
                self.put_total(self.total()._replace(scrub=0))

    def _empty_log(self) -> None:
        outcome = self.writer.row("PRAGMA wal_checkpoint(TRUNCATE)")
        if outcome is None or outcome[0]:
            raise Busy(
                f"another process reads {self.path}: what was destroyed can no longer be had from the keyring, but "
                "its bytes stay in the file until that process has ended and the keyring is opened again"
            )


def checksum(row: MasterRow) -> bytes:
    """SHA-256 over a master row, so that a changed byte is told from a wrong passphrase."""
    return sha256(row.generation.to_bytes(8, "big") + row.protector.encode() + b"\n" + row.wrapped).digest()


def master_row(generation: int, protector: str, wrapped: bytes) -> MasterRow:
    """A master row with its checksum."""
    row = MasterRow(generation, protector, wrapped, b"")
    return row._replace(checksum=checksum(row))
