"""Destroying keys for good, and saying later why one is not there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.rows import DestroyedRow, mac
from counterfoil.keyring.wrapping import MAX_ID, Master


def destroy(database: KeyringDatabase, master: Master, numbers: Iterable[int], entry: str, now: int) -> int:
    """See `Keyring.destroy`."""
    wanted = sorted(number for number in set(numbers) if 0 < number <= MAX_ID)
    with database.turn:
        with database.writing():
            total = database.checked_total(master.generation)
            gone = [each for each in wanted if _delete(database, each)]
            number = total.erasures + 1 if gone else total.erasures
            if gone:
                put(database, number, gone, entry, now)
            # Also for nothing new: the call that destroyed them may have been interrupted before this.
            database.put_total(total._replace(keys=total.keys - len(gone), erasures=number, scrub=1))
        database.scrub()
    return len(gone)


def put(database: KeyringDatabase, number: int, numbers: list[int], entry: str, now: int) -> None:
    """Note an erasure of these keys, in ascending order. Within `writing`."""
    row = (number, json.dumps(ranges(numbers)), entry, now)
    database.writer.execute(
        "INSERT INTO destroyed VALUES (?, ?, ?, ?, ?)", (*row, mac(database.rows_key, "destroyed", *row))
    )


def why_missing(database: KeyringDatabase, number: int) -> str:
    """One sentence about a key that is not there."""
    for row in map(DestroyedRow._make, database.rows("SELECT * FROM destroyed")):
        if any(first <= number <= last for first, last in json.loads(row.ranges)):
            day = datetime.fromtimestamp(row.time, UTC).date().isoformat()
            return f"the key {number} was destroyed on {day} ({row.entry}); what it sealed cannot be read any more"
    return f"the keyring has no key {number}; restore the keyring from its newest backup"


def destroyed_keys(rows: Iterable[DestroyedRow]) -> set[int]:
    """The ids of all keys that these erasures destroyed."""
    return {
        number for row in rows for first, last in json.loads(row.ranges) for number in range(first, last + 1)
    }


def ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as pairs: the first and the last of each run."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _delete(database: KeyringDatabase, number: int) -> bool:
    return database.writer.row("DELETE FROM key WHERE id = ? RETURNING id", (number,)) is not None
