"""Random changes to a store's file: in a value, in a row, in a table, or in a byte of the file itself.

What counts as a change: after it, anything that SQL can read of the store differs from before (`state`): a row, a
value or its type, a statement of the schema, one of SQLite's own numbers about the file, or its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import TypeAlias

import apsw

from counterfoil.store.audit.stored import TABLES
from counterfoil.store.closing import cut_sum, write_sum
from counterfoil.store.sqlite import PAGE_SIZE

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Value, ...]
B_TREE_PAGES = frozenset({2, 5, 10, 13})
"""How a page of a b-tree begins (SQLite file format, section 1.6)."""
PRAGMAS = (
    "application_id",
    "user_version",
    "schema_version",
    "page_count",
    "freelist_count",
    "encoding",
    "page_size",
)


def state(path: Path) -> tuple[object, ...]:
    """Everything that SQL can read of a store that is closed; an error's text where it cannot."""
    try:
        with closing(_connect(path, apsw.SQLITE_OPEN_READONLY)) as database:
            schema = _rows(database, "SELECT * FROM sqlite_master ORDER BY rowid")
            numbers = [_rows(database, f"PRAGMA {name}") for name in PRAGMAS]
            tables = [_rows(database, f"SELECT * FROM {name}") for name in TABLES]
            return schema, numbers, tables, path.stat().st_size
    except apsw.Error as error:
        return (str(error),)


def _rows(database: apsw.Connection, query: str) -> object:
    try:
        return [tuple(map(_typed, row)) for row in database.execute(query)]
    except (apsw.Error, UnicodeDecodeError) as error:
        return str(error)


def _typed(value: Value) -> tuple[str, Value]:
    return type(value).__name__, value


def _connect(path: Path, flags: int = apsw.SQLITE_OPEN_READWRITE) -> apsw.Connection:
    if flags == apsw.SQLITE_OPEN_READONLY:
        return apsw.Connection(f"{path.as_uri()}?immutable=1", flags=flags | apsw.SQLITE_OPEN_URI)
    return apsw.Connection(str(path), flags=flags)


@contextmanager
def opened(path: Path, table: str = "") -> Iterator[apsw.Connection]:
    """The store's file for writing; in `table`, any value may be written in any column meanwhile.

    Afterwards the file ends with the sum that fits it, so that it is the change itself that must be seen.
    """
    cut_sum(path, PAGE_SIZE)
    loosened = _loosen(path, table) if table else None
    with closing(_connect(path)) as database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        yield database
    if loosened:
        _rewrite(path, table, loosened)
    write_sum(path, PAGE_SIZE)


def _loosen(path: Path, table: str) -> str:
    with closing(_connect(path)) as database:
        ((sql,),) = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,))
    body = re.sub(r"\b(INTEGER|TEXT|BLOB)\b(?! PRIMARY)|NOT NULL", "", sql)
    body = body.replace(" STRICT,", " ").replace(" STRICT", "")
    _rewrite(path, table, body)
    return str(sql)


def _rewrite(path: Path, table: str, sql: str) -> None:
    with closing(_connect(path)) as database:
        database.execute("PRAGMA writable_schema=ON")
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, table))


class Tamperer:
    """Makes one random change to the store at `path`, and says which. Gives None where the table has nothing for it."""

    def __init__(self, path: Path, random: Random):
        self._path = path
        self._random = random

    def change(self, tables: Sequence[str] = tuple(TABLES)) -> str | None:
        kinds: Sequence[Callable[[str], str | None]] = (
            self.alter,
            self.alter,
            self.alter,
            self.borrow,
            self.borrow,
            self.retype,
            self.empty,
            self.delete,
            self.delete_all,
            self.copy,
            self.invent,
            self.swap,
        )
        table = self._random.choice(tables)
        kind = self._random.choice(kinds)
        return kind(table)

    def alter(self, table: str) -> str | None:
        """A bit or character of one value."""
        with opened(self._path) as database:
            return self._replace(database, table, lambda row, at: self._altered(row[at]))

    def borrow(self, table: str) -> str | None:
        """Another row's value."""
        with opened(self._path) as database:
            rows = self._all(database, table)

            def other(row: Row, at: int) -> Value:
                values = [each[at] for each in rows if each[at] != row[at]]
                return self._random.choice(values) if values else row[at]

            return self._replace(database, table, other)

    def retype(self, table: str) -> str | None:
        """A value of another type."""

        def other(row: Row, at: int) -> Value:
            value = row[at]
            choices: list[Value] = [7, 2.5, "text", b"blob", str(value)]
            if isinstance(value, str):
                choices.append(value.encode())
            if isinstance(value, bytes):
                choices.append(value.decode("latin-1"))
            return self._random.choice([each for each in choices if type(each) is not type(value)])

        with opened(self._path, table) as database:
            return self._replace(database, table, other)

    def empty(self, table: str) -> str | None:
        """NULL, or nothing of a text or blob."""
        with opened(self._path, table) as database:
            empty: tuple[Value, ...] = (None, None, b"", "", 0)
            return self._replace(database, table, lambda row, at: self._random.choice(empty))

    def delete(self, table: str) -> str | None:
        with opened(self._path) as database:
            row = self._pick(database, table)
            if row is None:
                return None
            self._delete(database, table, row)
            return f"deleted from {table}: {_short(row)}"

    def delete_all(self, table: str) -> str | None:
        with opened(self._path) as database:
            if self._pick(database, table) is None:
                return None
            database.execute(f"DELETE FROM {table}")
            return f"deleted all of {table}"

    def copy(self, table: str) -> str | None:
        """A row once more, under another key."""
        with opened(self._path) as database:
            row = self._pick(database, table)
            if row is None:
                return None
            at = self._random.randrange(TABLES[table].key)
            key = self._altered(row[at])
            return self._insert(database, table, (*row[:at], key, *row[at + 1 :]))

    def invent(self, table: str) -> str | None:
        """A row that never was."""
        made = tuple(self._made_up(kind) for kind in TABLES[table].columns.values())
        with opened(self._path) as database:
            return self._insert(database, table, made)

    def swap(self, table: str) -> str | None:
        """Two rows, each under the other's key."""
        with opened(self._path) as database:
            rows = self._all(database, table)
            if len(rows) < 2:
                return None
            one, other = self._random.sample(rows, 2)
            width = TABLES[table].key
            if len(one) == width or one[width:] == other[width:]:
                return None
            for row in (one, other):
                self._delete(database, table, row)
            self._insert(database, table, (*one[:width], *other[width:]))
            self._insert(database, table, (*other[:width], *one[width:]))
            return f"swapped in {table}: {_short(one)} and {_short(other)}"

    def flip(self) -> str:
        """A bit of the file itself."""
        data = bytearray(self._path.read_bytes())
        return self._flip(data, self._random.randrange(len(data)))

    def flip_fitted(self) -> str:
        """A bit of a page that holds rows or of the file's header, after which the file's sum fits again."""
        cut_sum(self._path, PAGE_SIZE)
        data = bytearray(self._path.read_bytes())
        trees = [at for at in range(0, len(data), PAGE_SIZE) if data[at] in B_TREE_PAGES]
        page = self._random.choice(trees)
        in_header = self._random.random() < 0.1
        what = self._flip(
            data, self._random.randrange(100) if in_header else page + self._random.randrange(PAGE_SIZE)
        )
        write_sum(self._path, PAGE_SIZE)
        return what

    def _flip(self, data: bytearray, offset: int) -> str:
        bit = self._random.randrange(8)
        data[offset] ^= 1 << bit
        self._path.write_bytes(data)
        return f"flipped bit {bit} of byte {offset}"

    def _all(self, database: apsw.Connection, table: str) -> list[Row]:
        return list(database.execute(f"SELECT {', '.join(TABLES[table].columns)} FROM {table}"))

    def _pick(self, database: apsw.Connection, table: str) -> Row | None:
        rows = self._all(database, table)
        return self._random.choice(rows) if rows else None

    def _replace(
        self, database: apsw.Connection, table: str, value_for: Callable[[Row, int], Value]
    ) -> str | None:
        row = self._pick(database, table)
        if row is None:
            return None
        at = self._random.randrange(len(row))
        column, value = list(TABLES[table].columns)[at], value_for(row, at)
        try:
            database.execute(
                f"UPDATE {table} SET {column} = ? WHERE {self._is(table)}", (value, *self._key(table, row))
            )
        except (apsw.ConstraintError, apsw.MismatchError):
            return None
        # A key that is a number takes the same number as text, and has not changed then.
        if row in self._all(database, table) and value != row[at] and at < TABLES[table].key:
            return None
        return f"{table}.{column} of {_short(self._key(table, row))}: {_short((row[at],))} became {_short((value,))}"

    def _insert(self, database: apsw.Connection, table: str, row: Row) -> str | None:
        try:
            database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        except apsw.ConstraintError:
            return None
        return f"inserted into {table}: {_short(row)}"

    def _delete(self, database: apsw.Connection, table: str, row: Row) -> None:
        database.execute(f"DELETE FROM {table} WHERE {self._is(table)}", self._key(table, row))

    def _is(self, table: str) -> str:
        return " AND ".join(f"{name} IS ?" for name in list(TABLES[table].columns)[: TABLES[table].key])

    def _key(self, table: str, row: Row) -> Row:
        return row[: TABLES[table].key]

    def _altered(self, value: Value) -> Value:
        random = self._random
        match value:
            case int():
                return random.choice(
                    [value + 1, value - 1, value ^ 1 << random.randrange(40), -value - 1, 2 * value + 2]
                )
            case str():
                at = random.randrange(len(value) + 1)
                return value[:at] + chr(random.randrange(32, 127)) + value[at + random.randrange(2) :]
            case bytes() if value:
                at, bit = random.randrange(len(value)), random.randrange(8)
                changed = value[:at] + bytes([value[at] ^ 1 << bit]) + value[at + 1 :]
                return random.choice([changed, changed, changed, value[:at], value + value[:at]])
            case _:
                return random.randbytes(32)

    def _made_up(self, kind: type) -> Value:
        random = self._random
        if kind is int:
            return random.choice([0, 1, random.randrange(1000), random.randrange(1 << 62), -1])
        if kind is str:
            return random.choice(["", "on", "zstd 1.5.7 level 1"])
        return random.choice([b"", random.randbytes(8), random.randbytes(32), random.randbytes(500)])


def _short(row: Row) -> str:
    return ", ".join(repr(value)[:60] for value in row)
