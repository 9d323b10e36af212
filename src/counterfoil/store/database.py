"""What the store asks of a database: SQL in a form that SQLite and PostgreSQL share, one writer, whole transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = int | str | bytes | None


class Database(Protocol):
    """A connection. Failures of the machine are raised as `Unavailable`, of stored bytes as `Damaged`."""

    def execute(self, sql: str, values: Sequence[Value] = ()) -> None:
        """Run a statement that returns no rows."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        ...

    def query(self, sql: str, values: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a query gives."""
        ...

    def row(self, sql: str, values: Sequence[Value] = ()) -> tuple[Any, ...] | None:
        """The first row that a query gives; None where there is none."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside is stored for good when it ends, or nothing of it."""
        ...

    def rewrite(self) -> None:
        """Write the database's file anew, so that nothing of what was deleted is left in it."""
        ...

    def fold(self) -> None:
        """Leave nothing beside it of what stood there before. Raises `Busy` while somebody reads an older view."""
        ...

    def close(self) -> None:
        """Let go of the database; what is stored stays."""
        ...
