"""The database file itself: its header, its b-trees, its tables as the schema has them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from counterfoil.errors import CounterfoilError
from counterfoil.store.audit.finding import Findings
from counterfoil.store.database import Database
from counterfoil.store.schema import APPLICATION_ID, CREATE, VERSION
from counterfoil.store.sqlite import PAGE_SIZE

HEADER_BYTES: Final = 100
FIXED: Final[tuple[tuple[str, int, int, int], ...]] = (
    ("page size", 16, 2, PAGE_SIZE),
    ("write version", 18, 1, 2),
    ("read version", 19, 1, 2),
    ("reserved bytes", 20, 1, 0),
    ("maximum payload fraction", 21, 1, 64),
    ("minimum payload fraction", 22, 1, 32),
    ("leaf payload fraction", 23, 1, 32),
    ("schema format", 44, 4, 4),
    ("default cache size", 48, 4, 0),
    ("largest root page", 52, 4, 0),
    ("text encoding", 56, 4, 1),
    ("user version", 60, 4, VERSION),
    ("incremental vacuum", 64, 4, 0),
    ("application id", 68, 4, APPLICATION_ID),
)
"""Header fields that this store always has the same (SQLite file format, section 1.3): name, offset, length, value."""
SQLITE_TABLES: Final = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")


def check_header(path: Path, findings: Findings) -> None:
    """Compare the file's header with what SQLite writes for this store."""
    header = path.read_bytes()[:HEADER_BYTES] if path.stat().st_size < 1 << 16 else _first(path)
    if len(header) < HEADER_BYTES or header[:16] != b"SQLite format 3\0":
        findings.add("the file does not begin as a SQLite database does", path.name)
        return
    for name, offset, length, value in FIXED:
        found = int.from_bytes(header[offset : offset + length], "big")
        if found != value:
            findings.add(f"the header's {name} is {found} and must be {value}", path.name)
    if any(header[72:92]):
        findings.add("the header's reserved bytes are not zero", path.name)


def check_tables(database: Database, findings: Findings) -> bool:
    """Compare the tables with the schema, and walk every b-tree; returns whether the tables can be read at all."""
    try:
        stored = {(str(name), sql) for name, sql in database.query("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")}
        expected = {(_name(sql), sql) for sql in CREATE}
        for name, _ in sorted(expected - stored):
            findings.add(f"the table or index {name} is missing or has another form", "store.db")
        for name, _ in sorted(stored - expected, key=str):
            findings.add(f"{name!r} is not a table or index of this store, or has another form", "store.db")
        for (line,) in database.query("PRAGMA integrity_check(20)"):
            if line != "ok":
                findings.add(f"SQLite finds the file damaged: {line}", "store.db")
    except CounterfoilError as error:
        findings.add(str(error), "store.db")
        return False
    return not expected - stored


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER_BYTES)


def _name(sql: str) -> str:
    return sql.split()[2]
