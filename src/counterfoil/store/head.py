"""Where a stored log ends, in one row, and the checkpoint over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger.state import Head, RecordState
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.note import parse_note
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database


@dataclass(frozen=True)
class Signed:
    """A checkpoint's note, and whether it is kept (published) or only stands until the next block's."""

    note: bytes
    published: bool


Sign = Callable[[Head, bytes], Signed]
"""Signs a log's head and root; called while a block is stored, before it is stored for good."""

HEAD: Final = (
    "SELECT size, time, index_leaf, index_number, index_version, index_time, settled, checksum, note"
    " FROM head"
)
"""The one row that says where the log ends."""


def head_row(
    head: Head, settled: int, note: bytes
) -> tuple[int, int, bytes | None, int, int, int, int, bytes, bytes]:
    """The columns of that row."""
    index = head.index or RecordState(b"", 0, 0, 0)
    sum_ = checksum(head.size, settled)
    return (
        head.size,
        head.time,
        index.leaf or None,
        index.number,
        index.version,
        head.index_time,
        settled,
        sum_,
        note,
    )


def write_head(database: Database, head: Head, settled: int, signed: Signed) -> None:
    """Write the row, and keep the checkpoint where it is published. Within a database transaction."""
    database.execute(
        "INSERT INTO head (id, size, time, index_leaf, index_number, index_version, index_time, settled, checksum,"
        " note) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET size = excluded.size,"
        " time = excluded.time, index_leaf = excluded.index_leaf, index_number = excluded.index_number,"
        " index_version = excluded.index_version, index_time = excluded.index_time, settled = excluded.settled,"
        " checksum = excluded.checksum, note = excluded.note",
        head_row(head, settled, signed.note),
    )
    if signed.published:
        database.execute(
            "INSERT INTO checkpoint (size, note) VALUES (?, ?)"
            " ON CONFLICT (size) DO UPDATE SET note = excluded.note",
            (head.size, signed.note),
        )


def root_of(note: bytes) -> bytes | None:
    """The root that a checkpoint states, whoever signed it; None where it is none."""
    try:
        return Checkpoint.parse(parse_note(note).text).root
    except Malformed:
        return None


def indexed(head: Head) -> int:
    """How many entries the latest index entry covers."""
    return head.index.number if head.index else 0
