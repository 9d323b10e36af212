"""An installation with something in every table, a backup of it, and an archive of it; take copies to change them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.restore import restore
from counterfoil.recovery.resume import resume
from counterfoil.recovery.source import Source, open_source
from tests.recovery.sample import Made, Other, archive_of, grown
from tests.store.sample import TITLE_SCHEMA, Clock, build, define, title


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


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Other:
    """Another ledger, with an origin of its own, that has signed more than ours; shared."""
    folder = tmp_path_factory.mktemp("other")
    clock = Clock()
    with Node.open(folder / "home", clock=clock, origin="ledger.example/other") as node:
        define(node, "title", key="id", schema=TITLE_SCHEMA)
        node.submit([title(f"other {number}") for number in range(600)])
    back_up(Home(folder / "home"), folder / "backup", keys=folder / "other.keys")
    keys = (folder / "other.keys").read_bytes()
    (folder / "posing.keys").write_bytes(keys.replace(b"ledger.example/other", b"ledger.example/sample"))
    return Other(folder / "home", folder / "backup", folder / "other.keys", folder / "posing.keys")


@pytest.fixture
def succeeded(made: Made, home: Home, tmp_path: Path) -> Home:
    """An installation that goes on, as a successor, in the place of one that was restored from an older copy."""
    new = Home(tmp_path / "succeeded")
    restore(made.backup, new, keys=made.keys)
    resume(new, [("later.txt", grown(home))], clock=Clock(1_900_000_000))
    return new


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
