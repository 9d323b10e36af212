"""A keyring in a folder of its own, with a passphrase that costs little to try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.keyring.keyring import Keyring
from tests.keyring.office import NOW, cheap


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def keyring(folder: Path) -> Iterator[Keyring]:
    made = Keyring.create(folder / "keyring.db", cheap(), clock=lambda: NOW)
    yield made
    made.close()
