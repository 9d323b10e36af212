"""A ledger with one register of land titles, kept by the land office."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger_fixture import COURT, LAND, TAX, Ledgerhouse


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ledger with three members, governed by the land office, and its register `title`."""
    folder = tmp_path_factory.mktemp("founded")
    ledger = Ledgerhouse(folder, LAND, COURT, TAX)
    ledger.define("title", scopes=["civil", "church"])
    ledger.close()
    return folder


@pytest.fixture
def house(founded: Path, tmp_path: Path) -> Iterator[Ledgerhouse]:
    """A ledger of one's own, as it was founded: most of a test's time would else go into that."""
    shutil.copy(founded / "store.db", tmp_path)
    ledger = Ledgerhouse(tmp_path)
    yield ledger
    ledger.close()
