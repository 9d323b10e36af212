"""Deliberate changes to a closed store, made as somebody would who knows how it is laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import apsw
import zstandard

from counterfoil.proof.merkle import leaf_hashes
from counterfoil.proof.tiles import decode_bundle, encode_bundle
from counterfoil.store.checksum import bundle_checksum
from counterfoil.store.closing import cut_sum, write_sum
from counterfoil.store.log import FORM, WIDTH
from counterfoil.store.sqlite import PAGE_SIZE

Change = Callable[[apsw.Connection], None]
Value = int | float | str | bytes | None


def sql(statement: str, *values: Value) -> Change:
    """A change by one statement."""

    def change(database: apsw.Connection) -> None:
        before = database.total_changes()
        database.execute(statement, values)
        assert database.total_changes() > before or not statement.startswith(("UPDATE", "DELETE", "INSERT"))

    return change


def every(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(database: apsw.Connection) -> None:
        for each in changes:
            each(database)

    return change


def flipped(table: str, column: str, key: str, at: int = 0) -> Change:
    """A bit of a blob; `key` is a condition that picks its row."""

    def change(database: apsw.Connection) -> None:
        ((value,),) = database.execute(f"SELECT {column} FROM {table} WHERE {key}")
        data = bytearray(value)
        data[at] ^= 1
        database.execute(f"UPDATE {table} SET {column} = ? WHERE {key}", (bytes(data),))

    return change


def entry(number: int, old: bytes, new: bytes, *, tile: bool = False) -> Change:
    """Replace bytes in one entry of a full bundle or the tail, and (`tile`) the hash stored of it."""

    def edit(entries: list[bytes], first: int) -> list[bytes]:
        slot = number - first
        assert entries[slot].count(old) == 1, entries[slot]
        return [*entries[:slot], entries[slot].replace(old, new), *entries[slot + 1 :]]

    return entries(number, edit, tile=tile)


def entries(
    number: int, edit: Callable[[list[bytes], int], Sequence[bytes]], *, tile: bool = False, level: int = 1
) -> Change:
    """Rewrite the bundle or tail row that holds an entry: `edit` is given its entries and the first one's number."""

    def change(database: apsw.Connection) -> None:
        bundle = number // WIDTH
        row = database.execute("SELECT entries FROM bundle WHERE number = ?", (bundle,)).fetchone()
        if row is None:
            _change_tail(database, number, edit)
            return
        data = zstandard.ZstdDecompressor().decompress(row[0])
        changed = edit(decode_bundle(data, WIDTH), bundle * WIDTH)
        stored = zstandard.ZstdCompressor(level=level).compress(encode_bundle(changed))
        values = (stored, bundle_checksum(bundle, FORM, stored), bundle)
        database.execute("UPDATE bundle SET entries = ?, checksum = ? WHERE number = ?", values)
        if tile:
            hashes = b"".join(leaf_hashes(changed))
            database.execute("UPDATE tile SET hashes = ? WHERE place = ?", (hashes, bundle))

    return change


def _change_tail(
    database: apsw.Connection, number: int, edit: Callable[[list[bytes], int], Sequence[bytes]]
) -> None:
    query = "SELECT first, entries FROM tail WHERE first <= ? ORDER BY first DESC LIMIT 1"
    ((first, stored),) = database.execute(query, (number,))
    rows: list[bytes] = []
    while stored:
        length = 2 + int.from_bytes(stored[:2], "big")
        rows.append(stored[2:length])
        stored = stored[length:]
    database.execute("UPDATE tail SET entries = ? WHERE first = ?", (encode_bundle(edit(rows, first)), first))


def apply(path: Path, change: Change) -> None:
    """Make a change to the store at `path`; no rule of SQLite's hinders it, and the file's sum is made to fit."""
    cut_sum(path, PAGE_SIZE)
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        change(database)
    write_sum(path, PAGE_SIZE)
