"""A process that appends is killed at random moments, life after life: what it acknowledged is there, once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections import Counter
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

import pytest

from counterfoil.proof import index
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import PAIR, record_key, root_of
from counterfoil.proof.merkle import leaf_hash, leaf_hashes, root
from counterfoil.store import pages
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.office import Office, title

LIVES = 60

Acknowledged: TypeAlias = tuple[int, list[str]]
"""The number of a transaction's first entry, and the records that it wrote."""


def append_for_ever(path: Path, life: int, acknowledge: Connection) -> None:
    """A life: blocks of one to forty entries, new records and next versions, each acknowledged once it is stored."""
    chance = random.Random(life)
    office = Office(Sqlite(path))
    office.time += life
    if not office.store.head.size:
        office.begin()
        office.define("title")
    for block in count():
        names = [f"{life} {block} {number}" for number in range(chance.choice([1, 1, 1, 5, 40]))]
        proposals = [title(name) for name in names]
        state = office.store.record(record_key("title", "the same"))
        proposals.append(title("the same", state.version + 1 if state else 1))
        outcome = office.take(office.draft(*proposals), settle=chance.random() < 0.1)
        assert outcome is not None
        acknowledge.send((outcome.first, [*names, "the same"]))


def live_and_be_killed(path: Path, life: int, seconds: float) -> list[Acknowledged]:
    """Start a process, kill it some time after its first acknowledgement, and give all that it acknowledged."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=append_for_ever, args=(path, life, sender))
    process.start()
    sender.close()
    heard: list[Acknowledged] = []
    if life % 4:  # every fourth is killed at any moment, be it while it starts
        heard.append(receiver.recv())
    process.join(seconds)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    try:
        while True:
            heard.append(receiver.recv())
    except (EOFError, OSError):  # the last one may have been cut off
        receiver.close()
    return heard


def check(path: Path, acknowledged: list[Acknowledged]) -> int:
    """No acknowledged entry is lost or doubled, and both roots are those of a plain recomputation."""
    store = Store(Sqlite(path))
    data = list(store.entries())
    entries = [decode_entry(each) for each in data]
    assert store.log.root() == root(leaf_hashes(data))
    check_index(store, data, entries)
    assert str(len(data)) in store.note.decode().splitlines() or not data
    for first, names in acknowledged:
        assert [entry.record for entry in entries[first : first + len(names)]] == names
    check_once(entries)
    store.database.close()
    return len(data)


def check_index(store: Store, data: list[bytes], entries: list[Entry]) -> None:
    """The index is what the latest index entry says, and every record is found as it is now."""
    keys = [record_key(entry.register, entry.record) for entry in entries]
    index = store.head.index
    own = [number for number, entry in enumerate(entries) if entry.register != ".index"]
    leaves = {
        keys[number]: leaf_hash(data[number]) for number in own if index is not None and number < index.number
    }
    assert store._pages.root() == root_of(leaves)
    if index is not None:
        assert entries[index.number].fields["root"] == f"sha256:{root_of(leaves).hex()}"
    for number in own[-200:]:
        state = store.record(keys[number])
        assert state is not None
        assert state.number >= number


def check_once(entries: list[Entry]) -> None:
    versions = Counter((entry.register, entry.record, entry.version) for entry in entries)
    assert max(versions.values(), default=1) == 1
    same = [entry.version for entry in entries if entry.record == "the same"]
    assert same == list(range(1, len(same) + 1))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that index pages are written and split in every life."""
    monkeypatch.setattr(index, "PAGE", 20)
    monkeypatch.setattr(pages, "MAX_DIRTY", 300 * PAIR)
    monkeypatch.setattr(pages, "MAX_CLEAN", 10)
    monkeypatch.setattr(pages, "MAX_LAG", 500)


def test_no_acknowledged_entry_is_lost_or_doubled_in_sixty_lives(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    chance = random.Random(20_261_124)
    acknowledged: list[Acknowledged] = []
    for life in range(LIVES):
        acknowledged += live_and_be_killed(path, life, chance.uniform(0.0, 0.08))
        if path.exists():
            check(path, acknowledged[-50:])
    assert check(path, acknowledged) >= sum(len(names) for _, names in acknowledged) > 500
    assert {int(names[0].split()[0]) for _, names in acknowledged} >= {
        life for life in range(LIVES) if life % 4
    }
