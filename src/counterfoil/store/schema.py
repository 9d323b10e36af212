"""The tables, their version, and how an older store becomes a newer one.

Every column is recomputed or authenticated by the audit; nothing else may be stored here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from counterfoil.errors import Damaged, Unavailable
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database
from counterfoil.store.elsewhere import note_elsewhere

APPLICATION_ID: Final = 0x1ED6E200
VERSION: Final = 2
WITH_ITEMS: Final = 2
"""The first version that has items."""

ITEMS: Final[tuple[str, ...]] = (
    # The sealed parts of each item, by the number of the entry that brought it, and the tokens by which it is found.
    "CREATE TABLE item (number INTEGER PRIMARY KEY, parts BLOB NOT NULL, tokens BLOB NOT NULL,"
    " checksum BLOB NOT NULL) STRICT",
    "CREATE TABLE item_waiting (commitment BLOB PRIMARY KEY, parts BLOB NOT NULL, tokens BLOB NOT NULL,"
    " checksum BLOB NOT NULL) STRICT, WITHOUT ROWID",
    # Which entries have a token, as the items' rows say, as far as it is written.
    "CREATE TABLE blind (token INTEGER, number INTEGER, PRIMARY KEY (token, number)) STRICT, WITHOUT ROWID",
    "CREATE TABLE blind_end (id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL,"
    " checksum BLOB NOT NULL) STRICT",
    # How often the file was rewritten to scrub it: each time SQLite counts a change of the schema more.
    "CREATE TABLE scrubbed (id INTEGER PRIMARY KEY CHECK (id = 0), times INTEGER NOT NULL,"
    " checksum BLOB NOT NULL) STRICT",
)
"""The tables that version 2 added."""

CREATE: Final[tuple[str, ...]] = (
    # Full entry bundles of 256, compressed, and what each block left over since the last full one. A checksum stands
    # where a column cannot be recomputed: in which form a bundle is, who endorsed a transaction beyond what its policy
    # asked for, how far the index's pages are current.
    "CREATE TABLE bundle (number INTEGER PRIMARY KEY, form TEXT NOT NULL, entries BLOB NOT NULL,"
    " checksum BLOB NOT NULL) STRICT",
    "CREATE TABLE tail (first INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT",
    # Full tiles of 256 hashes; `place` is level * 2^56 + index. Partial ones are recomputed at start.
    "CREATE TABLE tile (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT",
    # The entry before this one of the same record, by number, so that a history can be walked.
    "CREATE TABLE prior (number INTEGER PRIMARY KEY, previous INTEGER NOT NULL) STRICT",
    # Headers and endorsements of the transactions in the log, by the number of their first entry.
    "CREATE TABLE taken (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, hash BLOB NOT NULL, name BLOB NOT NULL,"
    " header BLOB NOT NULL, endorsements BLOB NOT NULL, checksum BLOB NOT NULL) STRICT",
    "CREATE INDEX taken_name ON taken (name)",
    "CREATE TABLE claim (digest BLOB PRIMARY KEY, holder BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE reference (target BLOB, role TEXT, source BLOB, PRIMARY KEY (target, role, source))"
    " STRICT, WITHOUT ROWID",
    "CREATE TABLE pending (hash BLOB PRIMARY KEY, name BLOB NOT NULL, complete INTEGER NOT NULL, header BLOB NOT NULL,"
    " proposals BLOB NOT NULL, endorsements BLOB NOT NULL) STRICT, WITHOUT ROWID",
    # The index's pages, each current up to `mark` entries of the log; the log is their journal.
    "CREATE TABLE page (node INTEGER PRIMARY KEY, mark INTEGER NOT NULL, hash BLOB NOT NULL, checksum BLOB NOT NULL,"
    " meta BLOB NOT NULL, pairs BLOB NOT NULL) STRICT",
    "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
    "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, time INTEGER NOT NULL,"
    " index_leaf BLOB, index_number INTEGER NOT NULL, index_version INTEGER NOT NULL, index_time INTEGER NOT NULL,"
    " settled INTEGER NOT NULL, checksum BLOB NOT NULL, note BLOB NOT NULL) STRICT",
    "CREATE TABLE document (hash BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE chunk (hash BLOB, number INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (hash, number))"
    " STRICT, WITHOUT ROWID",
    *ITEMS,
)

MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {1: ITEMS}
"""From each earlier version, the statements that lead to the next one."""
FILLS: Final[dict[int, Callable[[Database], None]]] = {1: note_elsewhere}
"""From an earlier version, what fills the new tables where statements alone cannot."""


def prepare(database: Database) -> None:
    """Create the tables in an empty database, or bring an older one up to date.

    Raises `Unavailable` for a newer one, `Damaged` where the file is something else, or where an older one is damaged.
    """
    version = stored_version(database)
    if version == VERSION:
        if _pragma(database, "schema_version") == changes_of_schema(database, version) + 1:
            note_scrubbed(database)  # a crash came between
        return
    if version > VERSION:
        raise Unavailable(
            f"this store was written by a newer program (version {version}, this one knows {VERSION}); upgrade first"
        )
    with database.transaction():
        if version == 0:
            for statement in CREATE:
                database.execute(statement)
            database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        else:
            for step in range(version, VERSION):
                for statement in MIGRATIONS[step]:
                    database.execute(statement)
                if step in FILLS:
                    FILLS[step](database)
        database.execute(f"PRAGMA user_version={VERSION}")


def stored_version(database: Database) -> int:
    """The version of the tables; 0 in an empty database. Raises `Damaged` where the file is something else."""
    version, application = (_pragma(database, name) for name in ("user_version", "application_id"))
    empty = database.row("SELECT 1 FROM sqlite_master LIMIT 1") is None
    if empty and version == application == 0:
        return 0
    if application != APPLICATION_ID or version == 0:
        raise Damaged("the file store.db is a database, but not one of this program; run counterfoil audit")
    return version


def changes_of_schema(database: Database, version: int) -> int:
    """How many changes of the schema SQLite has counted in a store of this version."""
    row = database.row("SELECT times FROM scrubbed WHERE id = 0") if version >= WITH_ITEMS else None
    times = row[0] if row and isinstance(row[0], int) else 0
    return len(statements(version)) + times


def note_scrubbed(database: Database) -> None:
    """Count that the file was rewritten once more."""
    with database.transaction():
        row = database.row("SELECT times FROM scrubbed WHERE id = 0")
        times = int(row[0]) + 1 if row else 1
        database.execute(
            "INSERT INTO scrubbed (id, times, checksum) VALUES (0, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET times = excluded.times, checksum = excluded.checksum",
            (times, checksum(times)),
        )


def statements(version: int) -> tuple[str, ...]:
    """The statements that make the tables of a store of this version, at most the latest."""
    later = sum(len(MIGRATIONS[step]) for step in range(version, VERSION))
    return CREATE[: len(CREATE) - later]


def _pragma(database: Database, name: str) -> int:
    row = database.row(f"PRAGMA {name}")
    return int(row[0]) if row else 0
