"""Reading a SQLite file without touching it or its folder, also where the last process that wrote was killed.

By itself SQLite makes two files beside a store in order to read it, needs a folder that may be written for that, and
brings a write-ahead log that was left behind in order first. Here the log is read in place, its index is kept in
memory, no lock is taken and every file is opened for reading alone. Whoever writes must be kept out meanwhile.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import apsw

VFS: Final = "untouched"
WAL_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24


class _ReadOnly(apsw.VFS):
    """The system's files, without locks, opened for reading alone."""

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's
        # Without a name it is for what SQLite sorts, and lies elsewhere.
        if name is not None:
            flags[0] = (
                flags[0] & ~(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) | apsw.SQLITE_OPEN_READONLY
            )
        return apsw.VFSFile("unix-none", name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  # SQLite's
        raise apsw.ReadOnlyError(f"{filename} is not to be touched")


@cache
def _registered() -> _ReadOnly:
    return _ReadOnly(VFS, "unix-none")


def connect_to_read(path: Path, *, untouched: bool) -> apsw.Connection:
    """Open the file for reading beside whoever writes to it or, `untouched`, as `connect_untouched` does.

    Where the folder may not be written, so that SQLite cannot make what it needs beside the store, the latter follows
    by itself. Raises apsw's errors.
    """
    if not untouched:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            connection.close()
        else:
            return connection
    return connect_untouched(path)


def connect_untouched(path: Path) -> apsw.Connection:
    """Open the file at `path` with what its write-ahead log holds. Raises apsw's errors, as any opening does."""
    log = wal_of(path)
    if not log.exists() or log.stat().st_size <= WAL_HEADER_BYTES:
        uri = f"{path.absolute().as_uri()}?immutable=1"
        return apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    _registered()
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=VFS)
    # In this mode SQLite keeps the index of the write-ahead log in memory.
    connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
    return connection


def wal_of(path: Path) -> Path:
    """The write-ahead log that stands beside a SQLite file."""
    return path.with_name(f"{path.name}-wal")


def first_page(path: Path, length: int) -> bytes:
    """The first bytes of the file as it stands with its write-ahead log, up to one page.

    SQLite file format, section 4: a frame counts if its salts are those of the log's header, up to the last one that
    ends a transaction; of those that hold page 1 the last one stands.
    """
    with path.open("rb") as file:
        page = file.read(length)
    log = wal_of(path)
    if log.exists():
        with log.open("rb") as file:
            header = file.read(WAL_HEADER_BYTES)
            size, salts = int.from_bytes(header[8:12], "big"), header[16:24]
            waiting = b""
            while len(frame := file.read(FRAME_HEADER_BYTES)) == FRAME_HEADER_BYTES and frame[8:16] == salts:
                content = file.read(size)
                if frame[:4] == b"\0\0\0\1":
                    waiting = content[:length]
                if any(frame[4:8]) and len(content) == size and waiting:
                    page, waiting = waiting, b""
    return page
