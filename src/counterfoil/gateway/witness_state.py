"""What a witness remembers: of each log the largest checkpoint that it has cosigned, and those that it must refuse.

A small SQLite file. A commit is on the disk before it returns, and transactions take turns, also between processes.
A file that was emptied or put in its place has not its mark and tables, and is never taken for a new memory.
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
"""How many refused checkpoints of one log and kind are kept."""
APPLICATION_ID: Final = 0x7769746E
"""SQLite's mark of what a file is for: `witn`."""
TABLES: Final = (
    f"PRAGMA application_id={APPLICATION_ID}",
    # Sizes go to 2^63, one more than SQLite's integers.
    "CREATE TABLE IF NOT EXISTS cosigned (origin TEXT PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL,"
    " time INTEGER NOT NULL, note BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL,"
    " fault TEXT NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL,"
    " UNIQUE (origin, size, root))",
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
    UNPROVED = "whoever sent it sent no proof that leads there, which by itself says nothing about the log"
    """The proof may have been a third party's nonsense: the log is to be asked for the right one."""


class Refused(NamedTuple):
    """A checkpoint that a log has signed and this witness has refused."""

    number: int
    origin: str
    fault: Fault
    kept: Kept


class WitnessState:
    """The file, open. Close it."""

    def __init__(self, path: Path, *, new: bool):
        """Open the file; a `new` one is made. Raises `Unavailable`, `Busy`, and `Damaged` where it is no memory."""
        self._path = path
        with self._told():
            self._database = Sqlite(path)
        try:
            if new:
                with self.transaction():
                    for table in TABLES:
                        self._database.execute(table)
            else:
                self._check()
        except BaseException:
            self._database.close()
            raise

    def _check(self) -> None:
        with self._told():
            mark = self._database.row("PRAGMA application_id")
            tables = self._database.row(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('cosigned', 'refused')"
            )
            if (mark, tables) != ((APPLICATION_ID,), (2,)):
                raise Damaged("it has not what a witness's memory has")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of damage what it means for a witness; an installation's audit, as the database advises, has none."""
        try:
            yield
        except Damaged as error:
            if isinstance(error.__cause__, Damaged):
                # It was said further in.
                raise
            raise Damaged(
                f"{self._path} is damaged, so what was cosigned is not known, and cosigning must end: restore it as it "
                "was when the witness last ran, or begin a new witness under a new name in a new folder "
                f"({error.__cause__ or error})"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored for good when it ends, or nothing of it; nobody else writes meanwhile."""
        with self._told(), self._database.transaction():
            yield

    def last(self, origin: str) -> Kept | None:
        """The largest checkpoint of a log that was cosigned; None where none was."""
        with self._told():
            row = self._database.row(
                "SELECT size, root, time, note FROM cosigned WHERE origin = ?", (origin,)
            )
        return Kept(int(row[0]), *row[1:]) if row else None

    def keep(self, origin: str, kept: Kept) -> None:
        """Remember that a checkpoint was cosigned; it is the largest of its log now.

        One of the same size that was refused before is now either this one, or contradicts it.
        """
        self._database.execute(
            "INSERT INTO cosigned (origin, size, root, time, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO"
            " UPDATE SET size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note",
            (origin, str(kept.size), kept.root, kept.time, kept.note),
        )
        self._database.execute(
            "DELETE FROM refused WHERE origin = ? AND size = ? AND root = ?",
            (origin, str(kept.size), kept.root),
        )
        self._database.execute(
            "UPDATE refused SET fault = ? WHERE origin = ? AND size = ?",
            (Fault.CONTRADICTS.name, origin, str(kept.size)),
        )

    def refuse(self, origin: str, fault: Fault, kept: Kept) -> None:
        """Remember a checkpoint that was refused.

        Of those that contradict, the first are kept: they prove all there is to prove. Of those without a proof, the
        latest are kept, for anyone can send a log's own checkpoints with nonsense, as many as it has made.
        """
        if fault is Fault.CONTRADICTS and self._count(origin, fault) >= MAX_REFUSED:
            return
        self._database.execute(
            "INSERT OR IGNORE INTO refused (origin, fault, size, root, time, note) VALUES (?, ?, ?, ?, ?, ?)",
            (origin, fault.name, str(kept.size), kept.root, kept.time, kept.note),
        )
        if self._count(origin, fault) > MAX_REFUSED:
            self._database.execute(
                "DELETE FROM refused WHERE number ="
                " (SELECT min(number) FROM refused WHERE origin = ? AND fault = ?)",
                (origin, fault.name),
            )

    def _count(self, origin: str, fault: Fault) -> int:
        row = self._database.row(
            "SELECT count(*) FROM refused WHERE origin = ? AND fault = ?", (origin, fault.name)
        )
        return int(row[0]) if row else 0

    def refused(self) -> list[Refused]:
        """The refused checkpoints that are kept, in the order in which they came."""
        with self._told():
            rows = list(
                self._database.query(
                    "SELECT number, origin, fault, size, root, time, note FROM refused ORDER BY number"
                )
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
