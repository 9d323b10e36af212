"""An installation to audit, and its audit in a line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal

LAND = Proposal(
    ".register", "land", "create", 1, body={"fields": {"title": "Land", "authority": "EX/GOV/LAND"}}
)


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def titles(first: int, count: int) -> list[Proposal]:
    """Proposals that create `count` records in the register `land`."""
    return [
        Proposal("land", str(number), "create", 1, body={"fields": {"owner": f"owner {number}"}})
        for number in range(first, first + count)
    ]


def open_node(folder: Path, clock: Clock) -> Node:
    """The installation, open for writing."""
    return Node.open(
        folder, clock=clock, origin="registers.example/land", agency="EX/GOV/LAND", title="Land Office"
    )


@pytest.fixture
def clock() -> Clock:
    """The clock of the installation's node."""
    return Clock()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with more than a full bundle of entries, made once."""
    folder = tmp_path_factory.mktemp("made") / "home"
    clock = Clock()
    with open_node(folder, clock) as node:
        node.submit([LAND])
        node.submit(titles(0, 300))
        clock.now += 1000
        node.submit(titles(300, 1))
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    """A copy of it, to be changed."""
    shutil.copytree(made, tmp_path / "home")
    return Home(tmp_path / "home")


def found(home: Home) -> list[str]:
    """The sentences of everything that the audit finds."""
    return [finding.sentence for finding in audit_home(home).findings]


def places(home: Home) -> set[str]:
    """Where the audit finds something."""
    return {finding.where for finding in audit_home(home).findings}


@pytest.fixture
def writing(home: Home, clock: Clock) -> Iterator[Node]:
    """The installation while a process writes to it."""
    clock.now += 5000
    with open_node(home.folder, clock) as node:
        yield node
