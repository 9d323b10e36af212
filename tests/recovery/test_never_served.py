"""What is damaged is refused with its reason, whatever asks for it, until it is repaired; what is sound is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.home import Home
from counterfoil.node import Node
from counterfoil.recovery.repair import repair
from tests.recovery.sample import Made, faults
from tests.store.changes import Change, apply, entry, flipped, sql

AREA, OTHER = b'"area":100', b'"area":101'


def numbered(folder: Path, record: str) -> int:
    with Node.open(folder, read_only=True) as node:
        found = node.record("title", record)
    assert found is not None
    return found.number


@pytest.mark.parametrize("record", ["T20", "T2002"], ids=["in a full bundle", "in the tail"])
def test_a_changed_entry(made: Made, home: Home, record: str) -> None:
    number = numbered(home.folder, record)
    apply(home.store, entry(number, AREA, OTHER))
    assert any(record in sentence for sentence in faults(home))
    with Node.open(home.folder, read_only=True) as node:
        for ask in (
            lambda: node.record("title", record),
            lambda: node.entry(number),
            lambda: list(node.history("title", record)),
            lambda: list(node.entries()),
        ):
            with pytest.raises(Damaged, match=r"entry \d+ is not what was sealed.*counterfoil repair"):
                ask()
        if record == "T20":
            assert node.record("title", "T21") is not None
    assert repair(home, made.backup).left == ()
    with Node.open(home.folder, read_only=True) as node:
        found = node.record("title", record)
    assert found is not None
    assert found.fields["area"] == 100


@pytest.mark.parametrize(
    "change",
    [
        sql("DELETE FROM bundle"),
        flipped("bundle", "entries", "number = 0", 40),
        sql("DELETE FROM tile"),
        flipped("page", "pairs", "node = (SELECT max(node) FROM page)"),
        sql("DELETE FROM page"),
        sql("DELETE FROM tail WHERE first = 257"),
        sql("UPDATE head SET size = size - 1"),
        sql("DELETE FROM head"),
    ],
    ids=["bundle gone", "bundle", "tile gone", "page", "pages gone", "tail row gone", "head", "head gone"],
)
def test_what_a_record_stands_on(made: Made, home: Home, change: Change) -> None:
    apply(home.store, change)
    assert faults(home)
    wrong = []
    for record in [*(f"T{number}" for number in range(180)), "T500", "T1000", "T2002"]:
        try:
            with (
                Node.open(made.home, read_only=True) as sound,
                Node.open(home.folder, read_only=True) as node,
            ):
                theirs, ours = sound.record("title", record), node.record("title", record)
            if ours != theirs:
                wrong.append(record)
        except CounterfoilError:
            continue
    assert wrong == []
