"""What the tests of recovery share: names for what was made once, and small questions about an installation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.registry.archive.writing import write_archive
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.sample import Clock, title


class Made(NamedTuple):
    """Paths of an installation, of what was made of it, and its log's labelled root."""

    home: Path
    backup: Path
    keys: Path
    archive: Path
    root: str


class Other(NamedTuple):
    """Another ledger, which has signed more: installation, backup, and keys, a second time with our ledger's origin."""

    home: Path
    backup: Path
    keys: Path
    posing: Path


def archive_of(home: Home, path: Path, registers: Sequence[str] = ()) -> Path:
    """Write an archive of an installation, or of some of its registers."""
    with (
        closing(Store(Sqlite(home.store, read_only=True), read_only=True)) as store,
        path.open("wb") as file,
    ):
        write_archive(store, home.trust.read_bytes(), file, registers)
    return path


def grown(home: Home, count: int = 3) -> bytes:
    """Enter some titles more, a day later; gives the checkpoint that the log then ends with."""
    clock = Clock()
    with Node.open(home.folder, clock=clock) as node:
        clock.now = node.store.head.time + 86_400
        first = node.store.head.size
        node.submit([title(f"later {number}") for number in range(first, first + count)])
    return note(home)


def note(home: Home) -> bytes:
    """The checkpoint that an installation's log ends with."""
    with closing(Store(Sqlite(home.store, read_only=True), read_only=True)) as store:
        return store.note


def roots(home: Home) -> tuple[str, str]:
    """The labelled roots of an installation's log and of its index."""
    with closing(Store(Sqlite(home.store, read_only=True), read_only=True)) as store:
        return labelled(store.log.root()), labelled(store.index_root({}))


def faults(home: Home) -> list[str]:
    """What the audit finds wrong with an installation."""
    return [finding.sentence for finding in audit_home(home).findings]
