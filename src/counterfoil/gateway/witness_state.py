"""What a witness remembers: of each log the largest checkpoint that it has cosigned, and those that it must refuse.

A small SQLite file. A commit is on the disk before it returns, and transactions take turns, also between processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from counterfoil.errors import Damaged
from counterfoil.store.sqlite import Sqlite

MAX_REFUSED: Final = 16
"""How many refused checkpoints of one log and kind are kept, the first ones: more show nothing more."""
TABLES: Final = (
    # Sizes go to 2^63, one more than SQLite's integers.
    "CREATE TABLE IF NOT EXISTS cosigned (origin TEXT PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL,"
    " time INTEGER NOT NULL, note BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, origin TEXT NOT NULL, fault TEXT NOT NULL,"
    " size TEXT NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL, UNIQUE (origin, size, root))",
)


class Kept(NamedTuple):
    """A checkpoint as it is kept: size, 32-byte root, when it came (seconds since 1970), and its note.

    The note has the log's lines that hold and, where it was cosigned, the witness's own.
    """

    size: int
    root: bytes
    time: int
    note: bytes


class Fault(Enum):
    """Why a log's checkpoint was refused, though the log has signed it."""

    CONTRADICTS = "the log has signed another root for the same size"
    """By itself this proves that the log has shown two histories."""
    UNPROVED = "the proof that came with it does not lead there from what was cosigned before"
    """The proof may have been a third party's nonsense: the log is to be asked for the right one."""


class Refused(NamedTuple):
    """A checkpoint that a log has signed and this witness has refused."""

    number: int
    origin: str
    fault: Fault
    kept: Kept


class WitnessState:
    """The file, open. Close it."""

    def __init__(self, path: Path):
        """Open the file, made where it is missing. Raises `Unavailable`, `Busy`, `Damaged`."""
        self._path = path
        self._database = Sqlite(path)
        try:
            with self.transaction():
                for table in TABLES:
                    self._database.execute(table)
        except BaseException:
            self._database.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored for good when it ends, or nothing of it; nobody else writes meanwhile."""
        try:
            with self._database.transaction():
                yield
        except Damaged as error:
            raise Damaged(
                f"{self._path} is damaged, so what was cosigned is not known, and cosigning must end: "
                f"begin a new witness under a new name ({error})"
            ) from error

    def last(self, origin: str) -> Kept | None:
        """The largest checkpoint of a log that was cosigned; None where none was."""
        row = self._database.row("SELECT size, root, time, note FROM cosigned WHERE origin = ?", (origin,))
        return Kept(int(row[0]), *row[1:]) if row else None

    def keep(self, origin: str, kept: Kept) -> None:
        """Remember that a checkpoint was cosigned; it is the largest of its log now."""
        self._database.execute(
            "INSERT INTO cosigned (origin, size, root, time, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO"
            " UPDATE SET size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note",
            (origin, str(kept.size), kept.root, kept.time, kept.note),
        )
        self._database.execute(
            "DELETE FROM refused WHERE origin = ? AND size = ? AND root = ?",
            (origin, str(kept.size), kept.root),
        )

    def refuse(self, origin: str, fault: Fault, kept: Kept) -> None:
        """Remember a checkpoint that was refused, unless there are many of this log and kind already."""
        self._database.execute(
            "INSERT OR IGNORE INTO refused (origin, fault, size, root, time, note) SELECT ?, ?, ?, ?, ?, ?"
            " WHERE (SELECT count(*) FROM refused WHERE origin = ? AND fault = ?) < ?",
            (
                origin,
                fault.name,
                str(kept.size),
                kept.root,
                kept.time,
                kept.note,
                origin,
                fault.name,
                MAX_REFUSED,
            ),
        )

    def refused(self) -> list[Refused]:
        """The refused checkpoints that are kept, in the order in which they came."""
        rows = self._database.query(
            "SELECT number, origin, fault, size, root, time, note FROM refused ORDER BY number"
        )
        return [
            Refused(number, origin, Fault[fault], Kept(int(size), root, time, note))
            for number, origin, fault, size, root, time, note in rows
        ]

    def is_new(self) -> bool:
        """Whether nothing was ever cosigned or refused."""
        return self._database.row("SELECT 1 FROM cosigned UNION ALL SELECT 1 FROM refused LIMIT 1") is None

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
