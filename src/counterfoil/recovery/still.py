"""A store that nobody writes to meanwhile, read without touching it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store


@contextmanager
def still_store(path: Path) -> Iterator[Store]:
    """The store at `path`, for whoever holds its home's lock."""
    with closing(Store(Sqlite(path, read_only=True, untouched=True), read_only=True)) as store:
        yield store
