"""The desk's tables. It is an office's working paper, beside the store and no part of any register."""

from __future__ import annotations

from typing import Final

from counterfoil.errors import Damaged, Unavailable
from counterfoil.store.database import Database

APPLICATION_ID: Final = 0x1ED6E202
VERSION: Final = 2

CREATE: Final[tuple[str, ...]] = (
    # `content` and `said` (a decision's reason) are sealed, and scrubbed when they are not needed any more.
    "CREATE TABLE paper (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    " register TEXT NOT NULL, by TEXT NOT NULL, reasons TEXT NOT NULL, put INTEGER NOT NULL, until INTEGER NOT NULL,"
    " content BLOB, standing TEXT NOT NULL, decided_by TEXT, decided INTEGER, approved INTEGER,"
    " said BLOB) STRICT",
    "CREATE INDEX paper_standing ON paper (standing, until)",
    # How many items an officer has read under a purpose, by the minute; at least so many, where the process was killed.
    "CREATE TABLE reading (officer TEXT, purpose TEXT, minute INTEGER, count INTEGER NOT NULL,"
    " PRIMARY KEY (officer, purpose, minute)) STRICT, WITHOUT ROWID",
    "CREATE TABLE allowance (id TEXT PRIMARY KEY, officer TEXT NOT NULL, purpose TEXT NOT NULL, register TEXT NOT NULL,"
    " left INTEGER NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
# Which constraint refused an officer's change, where constraints asked about records of others: no value of any.
REFUSALS: Final = (
    "CREATE TABLE refusal (number INTEGER PRIMARY KEY AUTOINCREMENT, officer TEXT NOT NULL, register TEXT NOT NULL,"
    ' "constraint" TEXT NOT NULL, at INTEGER NOT NULL) STRICT'
)


def prepare(database: Database) -> None:
    """Make the tables in an empty database. Raises `Unavailable` for a newer one, `Damaged` for something else."""
    # What is deleted is written over, so that the file keeps nothing of it.
    database.row("PRAGMA secure_delete=ON")
    version, application = (_pragma(database, name) for name in ("user_version", "application_id"))
    if version == application == 0 and database.row("SELECT 1 FROM sqlite_master LIMIT 1") is None:
        with database.transaction():
            for statement in (*CREATE, REFUSALS):
                database.execute(statement)
            database.execute(f"PRAGMA application_id={APPLICATION_ID}")
            database.execute(f"PRAGMA user_version={VERSION}")
    elif application != APPLICATION_ID or version < 1:
        raise Damaged(
            "this file is no desk; move it away and restore the right one, or let a new one be made"
        )
    elif version > VERSION:
        raise Unavailable(
            f"this desk was written by a newer program (version {version}, this one knows {VERSION}); upgrade first"
        )
    elif version < VERSION:
        with database.transaction():
            database.execute(REFUSALS)
            database.execute(f"PRAGMA user_version={VERSION}")


def _pragma(database: Database, name: str) -> int:
    row = database.row(f"PRAGMA {name}")
    return int(row[0]) if row is not None else 0
