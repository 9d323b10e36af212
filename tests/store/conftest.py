"""A fresh SQLite database with the store's tables, for tests of the parts that need no ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.store.schema import prepare
from counterfoil.store.sqlite import Sqlite
from tests.store.item_sample import build_items
from tests.store.sample import build


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Sqlite]:
    opened = Sqlite(tmp_path / "store.db")
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with something in every table; it is shared, so nobody may write to it."""
    home = tmp_path_factory.mktemp("sample") / "home"
    build(home)
    return home


@pytest.fixture(scope="session")
def items_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with items in every state, shared too."""
    home = tmp_path_factory.mktemp("items") / "home"
    build_items(home)
    return home
