"""An installation with something in every table, a backup of it, and an archive of it; take copies to change them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.source import Source, open_source
from tests.recovery.sample import Made, archive_of
from tests.store.sample import build


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The installation, its backup with keys, and its archive; shared, so nobody may write to any of them."""
    folder = tmp_path_factory.mktemp("made")
    build(folder / "home")
    back_up(Home(folder / "home"), folder / "backup", keys=folder / "land.keys")
    archive_of(Home(folder / "home"), folder / "archive.tar.zst")
    root = audit_home(Home(folder / "home")).root
    assert root is not None
    return Made(folder / "home", folder / "backup", folder / "land.keys", folder / "archive.tar.zst", root)


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Home:
    """A copy of the installation."""
    shutil.copytree(made.home, tmp_path / "home")
    return Home(tmp_path / "home")


def opened(path: Path, folder: Path) -> Source:
    """What a source holds, once it was verified."""
    folder.mkdir()
    with open_source(path, folder) as source:
        return source
