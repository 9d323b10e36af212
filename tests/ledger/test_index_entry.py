"""Index entries: one in the first block a second or more after the last, or where a receipt is asked for."""

from __future__ import annotations

import itertools

from counterfoil.engine.ledger_machine import Settle
from counterfoil.ledger.ledger import Block, Ledger, Standing
from counterfoil.ledger.state import Head
from counterfoil.proof.canonical import labelled
from counterfoil.proof.index import record_key, root_of, verify_index
from counterfoil.proof.merkle import leaf_hash
from tests.ledger_fixture import START, Ledgerhouse, MemoryLedger, MemoryState, change, create


def registers(house: Ledgerhouse) -> list[str]:
    return [entry.register for entry in house.entries()]


def index_of(house: Ledgerhouse, size: int) -> str:
    """The index root over the first entries, index entries left out, from the log alone."""
    latest = {
        record_key(entry.register, entry.record): leaf_hash(entry.encode())
        for entry in house.entries()[:size]
        if entry.register != ".index"
    }
    return labelled(root_of(latest))


def test_a_block_ends_with_an_index_entry_when_a_second_has_passed(house: Ledgerhouse) -> None:
    size = house.store.head.size
    house.taken(create("title", "1"), create("title", "2"))
    assert registers(house)[size:] == ["title", "title"]
    house.pass_time(1)
    house.taken(create("title", "3"))
    assert registers(house)[size:] == ["title", "title", "title", ".index"]
    house.taken(create("title", "4"))
    assert registers(house)[size + 4 :] == ["title"]
    house.pass_time(100)
    house.taken(change("title", "4", 2))
    assert registers(house)[size + 4 :] == ["title", "title", ".index"]


def test_it_holds_the_root_over_all_entries_before_it_index_entries_left_out(house: Ledgerhouse) -> None:
    for step in range(1, 6):
        house.pass_time(1)
        house.taken(create("title", str(step)), change("title", str(step), 2))
        entry = house.entries()[-1]
        assert (entry.register, entry.record, entry.transaction) == (".index", "root", None)
        assert entry.fields == {"root": index_of(house, entry.number), "size": entry.number}


def test_index_entries_are_versions_of_one_record(house: Ledgerhouse) -> None:
    for step in range(4):
        house.pass_time(1)
        house.taken(create("title", str(step)))
    notes = house.entries(".index")
    assert [(each.version, each.operation) for each in notes] == [
        (1, "create"),
        (2, "amend"),
        (3, "amend"),
        (4, "amend"),
        (5, "amend"),
    ]
    for before, after in itertools.pairwise(notes):
        assert after.previous == labelled(leaf_hash(before.encode()))
        assert house.store.prior(after.number) == before.number


def test_the_index_is_not_in_the_index(house: Ledgerhouse) -> None:
    assert house.store.record(record_key(".index", "root")) is None
    assert house.latest(".index", "root") is None


def test_current_and_absent_are_proved_under_its_root(house: Ledgerhouse) -> None:
    house.pass_time(1)
    (entry,) = house.taken(create("title", "1"))
    note = house.entries()[-1]
    root = bytes.fromhex(note.fields["root"].removeprefix("sha256:"))
    here, nowhere = record_key("title", "1"), record_key("title", "2")
    assert verify_index(house.store.prove_index(here), here, root) == leaf_hash(entry.encode())
    assert verify_index(house.store.prove_index(nowhere), nowhere, root) is None


def test_a_receipt_asks_for_one_within_the_second(house: Ledgerhouse) -> None:
    size = house.store.head.size
    outcomes = house.send(house.transaction(create("title", "1")), Settle())
    assert outcomes[0].standing is Standing.TAKEN
    assert registers(house)[size:] == ["title", ".index"]
    house.send(Settle())
    assert registers(house)[size:] == ["title", ".index"]  # nothing has come after it


def test_settling_later_covers_what_an_earlier_block_left(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    size = house.store.head.size
    house.send(Settle())
    assert registers(house)[size:] == [".index"]


def test_a_block_in_which_all_was_refused_gains_nothing_however_late(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    before = house.snapshot()
    house.pass_time(100)
    house.submit(change("title", "1", 7))
    assert house.snapshot() == before


def test_in_an_idle_ledger_nothing_is_written() -> None:
    ledger = MemoryLedger()
    head = ledger.state.head
    ledger.clock.now += 100
    changes, _ = ledger.apply()
    assert changes.entries == []
    assert changes.head == head._replace(time=START + 100)
    changes, _ = ledger.apply(index=True)
    assert changes.entries == []


def test_an_empty_ledger_has_no_index() -> None:
    changes, _ = Ledger().apply(MemoryState(), Block(START, [], index=True))
    assert changes.entries == []
    assert changes.head == Head(time=START)


def test_the_cadence_follows_block_time_and_not_the_clock(house: Ledgerhouse) -> None:
    house.pass_time(10)
    house.taken(create("title", "1"))
    size = house.store.head.size
    house.pass_time(-5)
    house.taken(create("title", "2"))
    house.pass_time(5)
    house.taken(create("title", "3"))
    assert registers(house)[size:] == ["title", "title"]
    house.pass_time(1)
    house.taken(create("title", "4"))
    assert registers(house)[size + 2 :] == ["title", ".index"]
