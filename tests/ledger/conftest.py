"""A ledger with one register of land titles, kept by the land office."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger_fixture import COURT, LAND, TAX, Ledgerhouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Ledgerhouse]:
    """A ledger with three members, governed by the land office, and its register `title`."""
    ledger = Ledgerhouse(tmp_path, LAND, COURT, TAX)
    ledger.define("title")
    yield ledger
    ledger.close()
