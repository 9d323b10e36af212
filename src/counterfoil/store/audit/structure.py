"""The database file itself: its header, its length, its b-trees, and its tables as the schema has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from counterfoil.errors import Damaged, Unavailable
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.stored import Row
from counterfoil.store.closing import read_sum
from counterfoil.store.database import Database
from counterfoil.store.schema import APPLICATION_ID, VERSION, WITH_ITEMS, changes_of_schema, statements
from counterfoil.store.sqlite import PAGE_SIZE
from counterfoil.store.untouched import first_page, wal_of

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
    ("incremental vacuum", 64, 4, 0),
    ("application id", 68, 4, APPLICATION_ID),
)
"""Header fields that this store always has the same (SQLite file format, section 1.3): name, offset, length, value."""
OLDEST_SQLITE: Final = 3_037_000
"""The first version that has STRICT tables."""
MAX_LINES: Final = 10


def check_file(path: Path, findings: Findings) -> None:
    """Compare the file's header and length with what SQLite writes for this store."""
    header = first_page(path, HEADER_BYTES)
    if len(header) < HEADER_BYTES or header[:16] != b"SQLite format 3\0":
        findings.add("the file does not begin as a SQLite database does", path.name)
        return

    def number(offset: int, length: int = 4) -> int:
        return int.from_bytes(header[offset : offset + length], "big")

    for name, offset, length, value in FIXED:
        if (found := number(offset, length)) != value:
            findings.add(f"the header's {name} is {found}, and must be {value}", path.name)
    if not 1 <= (version := number(60)) <= VERSION:
        findings.add(f"the header's user version is {version}, and must be {VERSION} or less", path.name)
    if any(header[72:92]):
        findings.add("the header's reserved bytes are not zero", path.name)
    if number(24) != number(92):
        findings.add("the header's two change counters differ", path.name)
    if not OLDEST_SQLITE <= number(96) < 4_000_000:
        findings.add(f"the header says that SQLite {number(96)} wrote the file, which cannot be", path.name)
    _check_end(path, number(28), findings)


def _check_end(path: Path, pages: int, findings: Findings) -> None:
    """Behind its pages a closed file has its sum; with a write-ahead log some pages may not be in the file yet."""
    log, size = wal_of(path), path.stat().st_size
    if log.exists() and log.stat().st_size:
        findings.leave("bytes of the file that SQLite does not use, because it was not closed")
    elif size < pages * PAGE_SIZE:
        findings.add(
            f"the file has {size} bytes, and its header says {pages} pages of {PAGE_SIZE}", path.name
        )
    elif (right := read_sum(path, pages * PAGE_SIZE)) is None:
        findings.leave("bytes of the file that SQLite does not use, because it does not end with its sum")
    elif not right:
        findings.add("its bytes are not those with which it was closed", path.name)


class Structure(NamedTuple):
    """The version of a store's tables, and the names of those that are missing."""

    version: int
    missing: frozenset[str]


def check_tables(database: Database, findings: Findings, file: str) -> Structure | None:
    """Compare the tables with the schema, and walk every b-tree; None where there is nothing that could be read."""
    try:
        row = database.row("PRAGMA user_version")
        version = row[0] if row and 1 <= row[0] < VERSION else VERSION
        stored = set(database.query("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        if any(name == "scrubbed" for _, name, *_ in stored) or version < WITH_ITEMS:
            _check_cookie(database, version, findings, file)
        missing = _compare_schema(stored, statements(version), findings, file)
        if missing is not None:
            for (text,) in database.query(f"PRAGMA integrity_check({MAX_LINES})"):
                for line in text.splitlines():
                    if line != "ok" and not line.startswith("***"):
                        findings.add(f"SQLite finds it damaged: {line}", file)
    except (Damaged, Unavailable) as error:
        findings.add(f"the tables cannot be read: {error}", file)
        return None
    return None if missing is None else Structure(version, missing)


def _check_cookie(database: Database, version: int, findings: Findings, file: str) -> None:
    """The schema cookie counts the changes of the schema: the statements that made it, and each scrubbing."""
    due, row = changes_of_schema(database, version), database.row("PRAGMA schema_version")
    if row is None or row[0] != due:
        findings.add(f"the header's schema cookie is {row[0] if row else None}, and must be {due}", file)


def _compare_schema(
    stored: set[Row], made_by: Sequence[str], findings: Findings, file: str
) -> frozenset[str] | None:
    expected = {_master_row(sql) for sql in made_by}
    names = {row[1] for row in stored}
    missing = frozenset(name for kind, name, *_ in expected if kind == "table" and name not in names)
    if not expected & stored:
        findings.add("it has none of the tables of a store", file)
        return None
    for kind, name, *_ in sorted(expected - stored):
        findings.add(f"the {kind} {name} is missing, or has another form", file)
    for kind, name, *_ in sorted(stored - expected, key=str):
        if name not in {row[1] for row in expected}:
            findings.add(f"the {kind} {name!r} is not one of a store", file)
    return missing


def _master_row(sql: str) -> tuple[str, str, str, str]:
    """What SQLite keeps of a statement that creates a table or index."""
    _, kind, name, *words = sql.split()
    return kind.lower(), name, words[1] if kind == "INDEX" else name, sql
