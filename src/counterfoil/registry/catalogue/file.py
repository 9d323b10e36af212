"""The catalogue's file: a SQLite database that may be deleted at any time, and is begun anew where it does not fit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from counterfoil.errors import Unavailable
from counterfoil.home import refused_by_machine

VERSION: Final = 2
"""Of the tables below; a file with another one is begun anew."""
CACHE_KIB: Final = 32_768
BUSY_MILLISECONDS: Final = 5_000
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")

CREATE: Final = (
    # Where in which log the catalogue stands: the hash is that of the entry before its position.
    "CREATE TABLE place (id INTEGER PRIMARY KEY CHECK (id = 0), position INTEGER NOT NULL, origin TEXT NOT NULL,"
    " leaf BLOB NOT NULL, opened_in TEXT NOT NULL)",
    "CREATE TABLE register (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT, system INTEGER NOT NULL,"
    " records INTEGER NOT NULL DEFAULT 0, entries INTEGER NOT NULL DEFAULT 0, last_time TEXT)",
    "CREATE TABLE record (id INTEGER PRIMARY KEY, register INTEGER NOT NULL, sort TEXT NOT NULL, name TEXT NOT NULL,"
    " number INTEGER NOT NULL, version INTEGER NOT NULL, operation TEXT NOT NULL, status TEXT, ended INTEGER NOT NULL,"
    " time TEXT NOT NULL)",
    "CREATE UNIQUE INDEX record_key ON record (register, sort, name)",
    "CREATE UNIQUE INDEX record_changed ON record (register, number)",
    "CREATE TABLE day (register INTEGER, clock TEXT, day TEXT, entries INTEGER NOT NULL,"
    " PRIMARY KEY (register, clock, day)) WITHOUT ROWID",
    # The first entry of each transaction, by its hash.
    "CREATE TABLE taken (hash BLOB PRIMARY KEY, first INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE words USING fts5 (name, text, content='', contentless_delete=1,"
    " tokenize='unicode61 remove_diacritics 2')",
)


class CatalogueFile:
    """Connections to the file, one for each thread that reads and one to write with."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._connections: list[apsw.Connection] = []
        self._own = threading.local()
        self._generation = 0
        self.damaged = False
        """Whether the file was found to be damaged since it was opened: then it has to be begun anew."""
        self.on_damage: Callable[[], None] = lambda: None
        with refused_by_machine(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        try:
            self._writer = self._open_writer()
        except (apsw.CorruptError, apsw.NotADBError, _Unfit):
            self.begin_anew()

    def begin_anew(self) -> None:
        """Remove what is there and make an empty file; readers notice by themselves."""
        with self._lock, refused_by_machine(self.path):
            if hasattr(self, "_writer"):
                self._writer.close()
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._writer = self._open_writer()
            self._generation += 1
            self.damaged = False

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """The connection that writes: everything inside is kept, or nothing of it. One thread at a time."""
        with self.translated():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def query(self, sql: str, values: Sequence[int | str | bytes | None] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query gives. Raises `Unavailable`."""
        with self.translated():
            return self._reader().execute(sql, values).fetchall()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the database's errors into `Unavailable`, and remember damage."""
        try:
            yield
        except apsw.FullError:
            raise Unavailable(f"the disk that holds {self.path} is full; make room") from None
        except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError):
            self.damaged = True
            self.on_damage()
            raise Unavailable(
                "the catalogue was damaged and is being made anew; ask again in a while"
            ) from None
        except apsw.Error as error:
            raise Unavailable(f"the catalogue {self.path} cannot be used: {error}; check the disk") from None

    def close(self) -> None:
        """Bring everything to the disk and let go of the file. Nobody may be reading then."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            try:
                if not self.damaged:
                    self._writer.execute("PRAGMA synchronous=FULL; UPDATE place SET opened_in = ''")
                self._writer.close()
            except apsw.Error:
                self._writer.close(force=True)  # it is judged when it is opened next

    def _open_writer(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path))
        try:
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            for pragma in (
                "journal_mode=WAL",
                "synchronous=OFF",
                f"cache_size=-{CACHE_KIB}",
                "trusted_schema=OFF",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            _prepare(connection)
        except BaseException:
            connection.close(force=True)
            raise
        return connection

    def _reader(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._own, "connection", None)
        if connection is not None and self._own.generation == self._generation:
            return connection
        with self._lock:
            if connection is not None:
                self._connections.remove(connection)
                connection.close()
            self._own.generation = self._generation
            self._own.connection = fresh = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
            fresh.set_busy_timeout(BUSY_MILLISECONDS)
            self._connections.append(fresh)
        return fresh


class _Unfit(Exception):
    """The file has other tables, or was in use when the machine stopped, so that nobody knows what is in it."""


def _prepare(connection: apsw.Connection) -> None:
    boot = BOOT.read_text().strip() if BOOT.exists() else ""
    version = connection.execute("PRAGMA user_version").fetchall()[0][0]
    if version == 0:
        with connection:
            for statement in CREATE:
                connection.execute(statement)
            connection.execute("INSERT INTO place VALUES (0, 0, '', x'', ?)", (boot,))
            connection.execute(f"PRAGMA user_version={VERSION}")
        return
    row = connection.execute("SELECT opened_in FROM place").fetchone() if version == VERSION else None
    if row is None or row[0] not in ("", boot):
        raise _Unfit
    connection.execute("UPDATE place SET opened_in = ?", (boot,))
