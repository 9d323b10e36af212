"""Writing a keyring's backups, and noting which there are: an erasure is complete when the last older one is gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from counterfoil.errors import Conflict, Malformed, NotFound
from counterfoil.keyring.backup_file import (
    FORMAT,
    Backups,
    Batches,
    Beginning,
    Chunk,
    End,
    Erasures,
    Header,
    Keys,
    Secrets,
    Writer,
    read_header,
)
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.private_files import put_in_place, refused
from counterfoil.keyring.rows import BackupRow, mac
from counterfoil.keyring.shares import RecoveryKey
from counterfoil.keyring.wrapping import Master
from counterfoil.store.sqlite import Sqlite

DAY: Final = 86_400
MAX_DAYS: Final = 36_500
ROWS_AT_ONCE: Final = 1_000
_TABLES: Final[tuple[tuple[str, Callable[[list[Any]], Chunk]], ...]] = (
    ("SELECT name, wrapped FROM secret ORDER BY name", Secrets),
    ("SELECT id, wrapped FROM key ORDER BY id", Keys),
    ("SELECT * FROM batch ORDER BY first", Batches),
    ("SELECT * FROM destroyed ORDER BY number", Erasures),
    ("SELECT * FROM backup ORDER BY number", Backups),
)


class Backup(NamedTuple):
    """A backup that was noted: its number here, its epoch (the how-manieth), and Unix times."""

    number: int
    epoch: int
    time: int
    keep_until: int
    destroyed: int | None


def write_backup(
    database: KeyringDatabase,
    master: Master,
    recovery: RecoveryKey,
    path: Path,
    keep_days: int,
    now: int,
) -> Backup:
    """See `Keyring.backup`. It is noted first: one that nobody knows of could bring a destroyed key back."""
    if not 1 <= keep_days <= MAX_DAYS:
        raise Malformed(f"a backup is kept from 1 to {MAX_DAYS} days, not {keep_days}")
    if path.exists():
        raise Conflict(f"there is a file {path} already; name another one")
    with database.writing():
        epoch = _one(database, "SELECT coalesce(max(epoch), 0) + 1 FROM backup")
        noted = _note(database, epoch, now, now + keep_days * DAY)
    part = path.with_name(f".{path.name}.part")
    try:
        with refused(path, "the backup"):
            header = Header(FORMAT, epoch, now, noted.keep_until, "", "")
            _write(database, master, recovery, part, header)
            put_in_place(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        forget(database, noted.number, now)
        raise
    return noted


def _write(
    database: KeyringDatabase, master: Master, recovery: RecoveryKey, part: Path, header: Header
) -> None:
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file, database.snapshot() as snapshot:
        writer = Writer(file, header, recovery, master.key)
        writer.write(Beginning(tuple(database.total())))
        for chunk in _chunks(snapshot):
            writer.write(chunk)
        writer.write(End())
        file.flush()
        os.fsync(file.fileno())


def _chunks(snapshot: Sqlite) -> Iterator[Chunk]:
    for sql, chunk in _TABLES:
        rows: list[Any] = []
        for row in snapshot.query(sql):
            rows.append(row)
            if len(rows) == ROWS_AT_ONCE:
                yield chunk(rows)
                rows = []
        if rows:
            yield chunk(rows)


def noted(database: KeyringDatabase) -> list[Backup]:
    """See `Keyring.backups`."""
    rows = database.rows("SELECT * FROM backup ORDER BY time, number")
    return [Backup(*BackupRow(*row)[:-1]) for row in rows]


def forget(database: KeyringDatabase, number: int, now: int) -> None:
    """See `Keyring.forget_backup`."""
    with database.writing():
        found = database.writer.row("SELECT * FROM backup WHERE number = ?", (number,))
        if found is None:
            raise NotFound(f"the keyring has noted no backup {number}; list those that it has")
        row = BackupRow(*found)
        if row.destroyed is None:
            values = (*row[:4], now)
            database.writer.execute(
                "UPDATE backup SET destroyed = ?, mac = ? WHERE number = ?",
                (now, mac(database.rows_key, "backup", *values), number),
            )


def note_file(database: KeyringDatabase, path: Path) -> Backup:
    """See `Keyring.note_backup`."""
    with refused(path, "the backup"), path.open("rb") as file:
        header, _ = read_header(file)
    for backup in noted(database):
        if (backup.epoch, backup.time) == (header.epoch, header.time):
            return backup
    with database.writing():
        return _note(database, header.epoch, header.time, header.keep_until)


def _note(database: KeyringDatabase, epoch: int, now: int, keep_until: int) -> Backup:
    number = _one(database, "SELECT coalesce(max(number), 0) + 1 FROM backup")
    row = (number, epoch, now, keep_until, None)
    database.writer.execute(
        "INSERT INTO backup VALUES (?, ?, ?, ?, ?, ?)", (*row, mac(database.rows_key, "backup", *row))
    )
    total = database.total()
    database.put_total(total._replace(backups=total.backups + 1))
    return Backup(*row)


def _one(database: KeyringDatabase, sql: str) -> int:
    row = database.writer.row(sql)
    return 0 if row is None else int(row[0])
