"""A keyring from its backup: under a new master key, and without the keys that were destroyed since."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from counterfoil.errors import Conflict, Damaged, Unverified
from counterfoil.keyring import audit, erasure
from counterfoil.keyring.backup_file import (
    Backups,
    Batches,
    Chunk,
    End,
    Erasures,
    Keys,
    Reader,
    Secrets,
    totals,
)
from counterfoil.keyring.database import ROWS_KEY, KeyringDatabase, master_row
from counterfoil.keyring.private_files import put_in_place, refused
from counterfoil.keyring.protector import Protector
from counterfoil.keyring.rows import Total
from counterfoil.keyring.shares import join_shares
from counterfoil.keyring.wrapping import MAX_ID, Master
from counterfoil.proof.canonical import labelled

IDS_LEFT_OUT: Final = 1 << 32
"""Ids that the lost keyring may have given out after its backup: items of the store still name them."""
BY_RESTORE: Final = "left out by a restore"
_INSERT: Final[dict[type[Chunk], str]] = {
    Secrets: "INSERT INTO secret VALUES (?, ?)",
    Keys: "INSERT INTO key VALUES (?, ?)",
    Batches: "INSERT INTO batch VALUES (?, ?, ?, ?, ?)",
    Erasures: "INSERT INTO destroyed VALUES (?, ?, ?, ?, ?)",
    Backups: "INSERT INTO backup VALUES (?, ?, ?, ?, ?, ?)",
}


class Restored(NamedTuple):
    """What came back: the backup's epoch and time (Unix), how many keys, and how many were left out as erased."""

    epoch: int
    time: int
    keys: int
    erased: int


def restore(
    backup: Path,
    shares: Sequence[str],
    path: Path,
    protector: Protector,
    erased: Iterable[int] = (),
    clock: Callable[[], float] = time.time,
) -> Restored:
    """Make the keyring at `path` from a backup, the holders' shares, and a protector for its new master key.

    `erased`: the ids of all keys that erasures name since; none of them reaches the disk. The keyring has its name only
    once it is whole and audited; one whose restoring was interrupted is begun anew. Raises `Conflict` where there is a
    keyring, `Malformed` or `Unverified` for a file or shares that do not serve, `NotFound` without the backup.
    """
    if path.exists():
        raise Conflict(f"there is a keyring at {path} already; restore to another place")
    part = path.with_name(f".{path.name}.part")
    with refused(backup, "the backup"), backup.open("rb") as file:
        reader = Reader(file, join_shares(shares))
        _remove(part)
        try:
            keys, left_out = _fill(part, reader, protector, set(erased), int(clock()))
            with refused(path, "the keyring"):
                _flush(part)
                put_in_place(part, path)
        except BaseException:
            _remove(part)
            raise
    return Restored(reader.header.epoch, reader.header.time, keys, left_out)


def drawn_in(backup: Path, shares: Sequence[str], transactions: Collection[str]) -> dict[str, set[int]]:
    """The ids of the keys in a backup that were drawn for some transactions, by their labelled hashes.

    Raises as `restore`.
    """
    found: dict[str, set[int]] = {}
    with refused(backup, "the backup"), backup.open("rb") as file:
        for chunk in Reader(file, join_shares(shares)).chunks():
            if isinstance(chunk, Batches):
                for first, last, transaction, _, _ in chunk.rows:
                    if labelled(transaction) in transactions:
                        found.setdefault(labelled(transaction), set()).update(range(first, last + 1))
    return found


def _fill(part: Path, reader: Reader, protector: Protector, erased: set[int], now: int) -> tuple[int, int]:
    chunks = reader.chunks()
    total = totals(next(chunks))
    old, new = Master(reader.master, total.generation), Master.generate(total.generation + 1)
    row = master_row(new.generation, protector.name, protector.wrap(new.key))
    database = KeyringDatabase(part)
    try:
        with database.writing():
            database.make_tables()
            database.put_master(row)
            left_out = _insert(database, chunks, old, new, erased)
            _finish(database, total, new, left_out, now)
        for fault in audit.faults(database, new):
            raise Damaged(f"what this backup holds is not sound: {fault}")
    finally:
        database.close()
    return total.keys - len(left_out), len(left_out)


def _insert(
    database: KeyringDatabase, chunks: Iterator[Chunk], old: Master, new: Master, erased: set[int]
) -> list[int]:
    """Write all rows but those of erased keys, whose ids are returned in ascending order."""
    left_out: list[int] = []
    for chunk in chunks:
        rows: list[tuple[Any, ...]]
        match chunk:
            case Keys():
                left_out += [number for number, _ in chunk.rows if number in erased]
                rows = [
                    (number, new.wrap_key(number, old.unwrap_key(number, wrapped)))
                    for number, wrapped in chunk.rows
                    if number not in erased
                ]
            case Secrets():
                opened = [(name, old.unwrap_secret(name, wrapped)) for name, wrapped in chunk.rows]
                database.rows_key = dict(opened).get(ROWS_KEY, database.rows_key)
                rows = [(name, new.wrap_secret(name, secret)) for name, secret in opened]
            case Batches() | Erasures() | Backups():
                rows = list(chunk.rows)
            case End():
                continue
            case _:
                raise Unverified("this backup begins twice; take another one")
        database.writer.execute_many(_INSERT[type(chunk)], rows)
    return left_out


def _finish(database: KeyringDatabase, total: Total, new: Master, left_out: list[int], now: int) -> None:
    erasures = total.erasures
    if left_out:
        erasures += 1
        erasure.put(database, erasures, left_out, BY_RESTORE, now)
    database.put_total(
        total._replace(
            generation=new.generation,
            reserved=min(total.reserved + IDS_LEFT_OUT, MAX_ID),
            keys=total.keys - len(left_out),
            erasures=erasures,
            scrub=0,
        )
    )


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(part: Path) -> None:
    for name in (part.name, f"{part.name}-wal", f"{part.name}-shm"):
        part.with_name(name).unlink(missing_ok=True)
