"""What the demonstration does to a copy: one byte of one stored entry, changed in the file itself."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from counterfoil.errors import NotFound
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.store.log import WIDTH
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store


class Tampered(NamedTuple):
    """Which byte of the file was changed, from what to what, and whose it is; `entry` is None for one of many."""

    offset: int
    before: int
    after: int
    entry: Entry | None


def change_one_byte(path: Path) -> Tampered:
    """Change a letter of a record's name in the store at `path`: in an entry of the last bundle, which lies as it is.

    Where no such entry lies in one piece, a byte of a compressed bundle. Raises `NotFound` in a store without any.
    """
    data = path.read_bytes()
    with closing(Sqlite(path, read_only=True, untouched=True)) as database:
        store = Store(database, read_only=True)
        size = store.head.size
        for stored in reversed(list(store.entries(size - size % WIDTH))):
            entry = decode_entry(stored)
            name = entry.fields.get("name")
            at = data.find(stored)
            if at >= 0 and isinstance(name, str) and "A" <= name[:1] < "Z":
                at += stored.index(b'"name":"') + len(b'"name":"')
                return _change(path, data, at, data[at] + 1, entry)
        row = database.row("SELECT entries FROM bundle ORDER BY number DESC LIMIT 1")
    if row is None:
        raise NotFound("there is no entry to change yet")
    at = data.index(row[0][:64]) + 32
    return _change(path, data, at, data[at] ^ 1, None)


def _change(path: Path, data: bytes, at: int, byte: int, entry: Entry | None) -> Tampered:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([byte]))
    return Tampered(at, data[at], byte, entry)
