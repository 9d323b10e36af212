"""Many writers at one ledger: each version of a record has one author, and what was answered is what is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.engine.ledger_machine import Settle
from counterfoil.errors import Conflict, Unavailable
from counterfoil.ledger.command import Outcome, Standing
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.merkle import leaf_hashes, root
from counterfoil.proof.transaction import Transaction
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.office import Office, title

WRITERS = 8


@pytest.fixture
def office(tmp_path: Path) -> Office:
    opened = Office(Sqlite(tmp_path / "store.db"))
    opened.begin()
    opened.define("title")
    return opened


def together(work: Callable[[int], None]) -> None:
    """Let all writers begin at the same moment."""
    barrier = threading.Barrier(WRITERS)

    def begin(writer: int) -> None:
        barrier.wait(20)
        work(writer)

    threads = [threading.Thread(target=begin, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def race(drafts: list[Transaction], office: Office) -> list[Outcome]:
    """Each writer submits its draft at the same moment; the outcomes in any order."""
    outcomes: list[Outcome] = []
    together(lambda writer: outcomes.extend(office.engine.submit("ledger", [drafts[writer]])))
    return outcomes


def test_of_those_who_write_the_same_version_one_wins_and_the_others_are_told(office: Office) -> None:
    for version in range(1, 11):
        outcomes = race(
            [office.draft(title("one", version), name=f"{version} {writer}") for writer in range(WRITERS)],
            office,
        )
        winners = [outcome for outcome in outcomes if outcome.standing is Standing.TAKEN]
        losers = [outcome.error for outcome in outcomes if outcome.standing is Standing.REFUSED]
        assert (len(winners), len(losers)) == (1, WRITERS - 1)
        assert all(isinstance(error, Conflict) for error in losers)
        state = office.store.record(record_key("title", "one"))
        assert state is not None
        assert (state.version, state.number) == (version, winners[0].first)
        entry = decode_entry(office.store.entry(state.number))
        assert entry.transaction == winners[0].transaction


def test_each_writer_finds_its_entries_where_it_was_told(office: Office, tmp_path: Path) -> None:
    answers: list[tuple[str, Outcome]] = []
    drafts = {(w, n): office.draft(title(f"{w} {n}")) for w in range(WRITERS) for n in range(25)}

    def write(writer: int) -> None:
        for number in range(25):
            (outcome,) = office.engine.submit("ledger", [drafts[writer, number]])
            answers.append((f"{writer} {number}", outcome))

    together(write)
    store = Store(Sqlite(tmp_path / "store.db"))
    assert len({outcome.first for _, outcome in answers}) == len(answers) == 200
    for record, outcome in answers:
        assert outcome.standing is Standing.TAKEN
        assert decode_entry(store.entry(outcome.first)).record == record
    assert store.log.root() == office.store.log.root() == root(leaf_hashes(store.entries()))


def test_writers_who_wait_share_a_block_and_its_one_commit(office: Office) -> None:
    signed = office.signer.remembered
    drafts = [office.draft(title(f"{writer}")) for writer in range(WRITERS)]
    with office.engine._turn:
        threads = [
            threading.Thread(target=office.engine.submit, args=("ledger", [drafts[writer]]))
            for writer in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        while len(office.engine._waiting) < WRITERS:
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join(20)
    assert office.signer.remembered == signed + 1
    assert office.store.record(record_key("title", "7")) is not None
    rows = office.store.database.row(
        "SELECT count(*) FROM tail WHERE first >= ?", (office.store.head.size - WRITERS,)
    )
    assert rows == (1,)


def test_settling_has_no_outcome_and_leaves_those_of_others_in_their_places(office: Office) -> None:
    one, two = office.draft(title("one")), office.draft(title("one", 5))
    first, none, second = office.engine.submit("ledger", [one, Settle(), two])
    assert (first.standing, none, second.standing) == (Standing.TAKEN, None, Standing.REFUSED)
    index = office.store.head.index
    assert index is not None
    assert index.number == office.store.head.size - 1


def test_a_refused_command_does_not_disturb_the_others_of_its_block(office: Office) -> None:
    size = office.store.head.size
    commands = [office.draft(title("one")), office.draft(title("one")), office.draft(title("two"))]
    outcomes = office.engine.submit("ledger", commands)
    assert [outcome.standing for outcome in outcomes] == [Standing.TAKEN, Standing.REFUSED, Standing.TAKEN]
    assert [outcome.first for outcome in outcomes if outcome.error is None] == [size, size + 1]


def free(office: Office) -> bool:
    """Whether somebody else may read the store at this moment."""
    seen: list[bool] = []

    def look() -> None:
        seen.append(office.store.turn.acquire(blocking=False))
        if seen[0]:
            office.store.turn.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(20)
    return seen[0]


@pytest.mark.parametrize("end", ["commit", "discard"])
def test_nobody_else_reads_from_a_block_s_beginning_to_its_end(office: Office, end: str) -> None:
    assert free(office)
    office.machine.apply(office.time, [office.draft(title("one"))])
    assert not free(office)
    getattr(office.machine, end)()
    assert free(office)
    taken = office.store.record(record_key("title", "one")) is not None
    assert taken == (end == "commit")


def test_a_block_that_fails_in_every_step_holds_nobody_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = office.store.head.size

    def fail(*_: object) -> None:
        raise Unavailable("the disk is away")

    with monkeypatch.context() as broken:
        broken.setattr(office.store, "commit", fail)
        broken.setattr(office.store.database, "row", fail)
        for number in range(2):
            with pytest.raises(Unavailable, match="the disk is away"):
                office.engine.submit("ledger", [office.draft(title(str(number)))])
            assert free(office)
            assert office.store.stale
    (outcome,) = office.engine.submit("ledger", [office.draft(title("after"))])
    assert (outcome.standing, outcome.first) == (Standing.TAKEN, size)
    assert not office.store.stale
    assert free(office)


def test_a_block_in_which_all_was_refused_lets_go_too(office: Office) -> None:
    office.engine.submit("ledger", [office.draft(title("one", 5))])
    assert free(office)
