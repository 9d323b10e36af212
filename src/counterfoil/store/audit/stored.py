"""The stored tables as the audit reads them: whatever cannot be read, or has not its column's type, is a finding."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from counterfoil.errors import Damaged, Unavailable
from counterfoil.store.audit.finding import Findings
from counterfoil.store.database import Database, Value
from counterfoil.store.schema import VERSION, WITH_ITEMS

Row = tuple[Any, ...]
"""A row whose values have the types of their columns."""


class Table(NamedTuple):
    """A table's columns with their types, the one that may be NULL, and how many of the first ones are its key."""

    columns: dict[str, type]
    nullable: str | None = None
    key: int = 1


TABLES: Final[dict[str, Table]] = {
    "bundle": Table({"number": int, "form": str, "entries": bytes, "checksum": bytes}),
    "tail": Table({"first": int, "entries": bytes}),
    "tile": Table({"place": int, "hashes": bytes}),
    "prior": Table({"number": int, "previous": int}),
    "taken": Table(
        {
            "first": int,
            "count": int,
            "hash": bytes,
            "name": bytes,
            "header": bytes,
            "endorsements": bytes,
            "checksum": bytes,
        }
    ),
    "claim": Table({"digest": bytes, "holder": bytes}),
    "reference": Table({"target": bytes, "role": str, "source": bytes}, key=3),
    "pending": Table(
        {
            "hash": bytes,
            "name": bytes,
            "complete": int,
            "header": bytes,
            "proposals": bytes,
            "endorsements": bytes,
        }
    ),
    "page": Table(
        {"node": int, "mark": int, "hash": bytes, "checksum": bytes, "meta": bytes, "pairs": bytes}
    ),
    "checkpoint": Table({"size": int, "note": bytes}),
    "head": Table(
        {
            "id": int,
            "size": int,
            "time": int,
            "index_leaf": bytes,
            "index_number": int,
            "index_version": int,
            "index_time": int,
            "settled": int,
            "checksum": bytes,
            "note": bytes,
        },
        nullable="index_leaf",
    ),
    "document": Table({"hash": bytes, "size": int}),
    "chunk": Table({"hash": bytes, "number": int, "bytes": bytes}, key=2),
    "item": Table({"number": int, "parts": bytes, "tokens": bytes, "checksum": bytes}),
    "item_waiting": Table({"commitment": bytes, "parts": bytes, "tokens": bytes, "checksum": bytes}),
    "blind": Table({"token": int, "number": int}, key=2),
    "blind_end": Table({"id": int, "number": int, "checksum": bytes}),
    "scrubbed": Table({"id": int, "times": int, "checksum": bytes}),
}
"""The tables of `store/schema.py`, as they must read."""

OF_ITEMS: Final = frozenset({"item", "item_waiting", "blind", "blind_end", "scrubbed"})
"""Those that a store of the first version has not."""


def shown(value: object) -> str:
    """A key as findings name it."""
    return value.hex() if isinstance(value, bytes) else repr(value)


class Stored:
    """Reads the tables. A row that is not well typed is named and left out, and its first column kept in `ill`."""

    def __init__(
        self, database: Database, findings: Findings, missing: Collection[str] = (), version: int = VERSION
    ):
        """`missing` are the tables of which it is known that they are not there; of others an older store has none."""
        self._database = database
        self._findings = findings
        self.broken = set(missing)
        """The tables of which something could not be read at all."""
        self.holds_items = version >= WITH_ITEMS
        """Whether the store is of a version that has tables for items."""
        self.ill: dict[str, set[object]] = {name: set() for name in TABLES}

    def rows(self, name: str, condition: str = "", values: Sequence[Value] = ()) -> Iterator[Row]:
        """The well-typed rows of a table in the order of its key, as many as can be read."""
        if name in OF_ITEMS and not self.holds_items:
            return
        table = TABLES[name]
        columns = tuple(table.columns)
        types = tuple(table.columns.values())
        key = ", ".join(columns[: table.key])
        query = f"SELECT {', '.join(columns)} FROM {name} {condition} ORDER BY {key}"  # noqa: S608  # our names
        try:
            for row in self._database.query(query, values):
                if tuple(map(type, row)) == types or self._allowed(name, row):
                    yield row
        except (Damaged, Unavailable) as error:
            self._break(name, error)

    def row(self, name: str, key: Value) -> Row | None:
        """The row with this key in a table whose key is its first column; None where there is none to read."""
        return next(self.rows(name, f"WHERE {next(iter(TABLES[name].columns))} = ?", (key,)), None)

    def is_named(self, name: str, key: object) -> bool:
        """Whether a finding says already why there is no row with this key to read."""
        return name in self.broken or key in self.ill[name]

    def keys(self, name: str) -> list[int]:
        """The keys of a table whose key is a number, as many as can be read."""
        column = next(iter(TABLES[name].columns))
        try:
            query = f"SELECT {column} FROM {name} ORDER BY {column}"  # noqa: S608  # names of our own
            return [row[0] for row in self._database.query(query)]
        except (Damaged, Unavailable) as error:
            self._break(name, error)
            return []

    def _break(self, name: str, error: Damaged | Unavailable) -> None:
        if name not in self.broken:
            self._findings.add(f"the table cannot be read to its end: {error}", f"table {name}")
        self.broken.add(name)

    def _allowed(self, name: str, row: Row) -> bool:
        table = TABLES[name]
        for (column, kind), value in zip(table.columns.items(), row, strict=True):
            if type(value) is not kind and not (value is None and column == table.nullable):
                break
        else:
            return True
        if row[0] not in self.ill[name]:
            self.ill[name].add(row[0])
            what = f"its {column} is a {type(value).__name__}, and must be {kind.__name__}"
            self._findings.add(what, f"{name} row {shown(row[0])}")
        return False
