"""The stored index gives the same root as one made at once from all records, whatever was written when."""

from __future__ import annotations

import itertools
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged
from counterfoil.ledger.state import RecordState
from counterfoil.proof import index
from counterfoil.proof.index import PAIR, root_of, subtree_root, verify_index
from counterfoil.store import pages
from counterfoil.store.pages import META_BYTES, IndexPages, encode_meta, page_checksum
from counterfoil.store.schema import prepare
from counterfoil.store.sqlite import Sqlite


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of at most 20 records, of which few stay in memory: a few hundred records then do what millions would."""
    monkeypatch.setattr(index, "PAGE", 20)
    monkeypatch.setattr(pages, "MAX_LAG", 400)
    monkeypatch.setattr(pages, "MAX_DIRTY", 80 * PAIR)
    monkeypatch.setattr(pages, "MAX_CLEAN", 3)


def key_of(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


class Journal:
    """A log of changes to records, with the index that a store keeps of it."""

    def __init__(self, database: Sqlite):
        self.database = database
        self.log: list[tuple[bytes, RecordState]] = []
        self.settled = 0
        self.pages = IndexPages(database)

    @property
    def records(self) -> dict[bytes, RecordState]:
        return dict(self.log)

    def change(self, names: list[int], *, everything: bool = False) -> None:
        """One block that writes these records' next versions."""
        size = len(self.log)
        versions = {key: state.version for key, state in self.log}
        for name in names:
            key, number = key_of(name), len(self.log)
            versions[key] = versions.get(key, 0) + 1
            self.log.append(
                (key, RecordState(sha256(b"entry %d" % number).digest(), number, versions[key], number % 16))
            )
        self.pages.put_records(dict(self.log[size:]), size)
        with self.database.transaction():
            self.settled = self.pages.flush(len(self.log), everything=everything)
        held = sum(len(pairs) for pairs, _ in self.pages._dirty.values())
        assert held == self.pages._weight <= pages.MAX_DIRTY
        assert len(self.pages._clean) <= pages.MAX_CLEAN
        assert len(self.log) - self.settled <= pages.MAX_LAG

    def kill(self) -> int:
        """Lose what was in memory, and read it again: the pages, then what the log has since `settled`."""
        self.pages = IndexPages(self.database)
        for number, (key, state) in enumerate(self.log[self.settled :], self.settled):
            self.pages.put_records({key: state}, number)
        return len(self.log) - self.settled

    def check_memory(self) -> None:
        """The root is right, every record is found, and no more is in memory than there may be."""
        leaves = {key: state.leaf for key, state in self.log}
        assert self.pages.root() == root_of(leaves)
        for key, state in self.records.items():
            assert self.pages.record(key) == state
        assert self.pages.record(key_of(-1)) is None

    def check_stored(self) -> None:
        """Each stored page is what the log led to at its mark, and none lacks an entry before `settled`."""
        spans = []
        for node, mark, hash_, sum_, meta, pairs in self.database.query(
            "SELECT node, mark, hash, checksum, meta, pairs FROM page"
        ):
            depth = node.bit_length() - 1
            below = {
                key: state
                for key, state in self.log[:mark]
                if int.from_bytes(key) >> 256 - depth | 1 << depth == node
            }
            assert pairs == b"".join(key + state.leaf for key, state in sorted(below.items()))
            assert meta == b"".join(encode_meta(state) for _, state in sorted(below.items()))
            assert hash_ == subtree_root(pairs, depth)
            assert sum_ == page_checksum(node, mark, hash_, meta, pairs)
            assert self.settled <= mark or not any(
                int.from_bytes(key) >> 256 - depth | 1 << depth == node
                for key, _ in self.log[mark : self.settled]
            )
            spans.append((node << 256 - depth, (node + 1) << 256 - depth))
        spans.sort()
        assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))


@pytest.fixture
def journal(database: Sqlite) -> Journal:
    return Journal(database)


def check(journal: Journal) -> None:
    journal.check_stored()
    journal.check_memory()


def test_the_first_pages_split_as_they_fill_and_the_root_stays_right(journal: Journal) -> None:
    for name in range(0, 600, 15):
        journal.change(list(range(name, name + 15)))
        check(journal)
    assert len(journal.pages._nodes) > 30


def test_one_block_may_split_a_page_many_times(journal: Journal) -> None:
    journal.change(list(range(500)))
    check(journal)
    journal.kill()
    journal.check_memory()


def test_records_changed_over_and_over_keep_their_latest_entry(journal: Journal) -> None:
    for _ in range(5):
        journal.change(list(range(100)))
    check(journal)
    assert {state.version for state in journal.records.values()} == {5}


def test_a_block_that_writes_a_record_twice_keeps_the_second(journal: Journal) -> None:
    journal.change([1, 2, 1])
    state = journal.pages.record(key_of(1))
    assert state is not None
    assert (state.number, state.version) == (2, 2)


@pytest.mark.parametrize("every", [1, 3])
def test_nothing_is_lost_by_a_kill_after_any_block(journal: Journal, every: int) -> None:
    for block in range(40):
        journal.change([(block * 37 + step * 101) % 450 for step in range(20)])
        if block % every == 0:
            journal.kill()
        check(journal)


def test_once_all_is_written_a_start_replays_nothing(journal: Journal) -> None:
    journal.change(list(range(295)))
    journal.change(list(range(5)))
    assert journal.settled < 300
    journal.change([], everything=True)
    assert journal.settled == 300
    assert journal.kill() == 0
    check(journal)


def test_pages_that_wait_too_long_are_written_though_there_is_room(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_DIRTY", 10_000 * PAIR)
    journal.change(list(range(300)))
    for _ in range(300):
        journal.change([1, 2])
    assert len(journal.log) - journal.settled <= pages.MAX_LAG
    assert journal.settled >= 500
    journal.check_stored()


def test_a_block_that_failed_leaves_the_stored_pages_as_they_were(journal: Journal) -> None:
    journal.change(list(range(200)))
    before = list(journal.database.query("SELECT * FROM page ORDER BY node"))
    lost = {key_of(name): RecordState(bytes(32), name, 1, 0) for name in range(1_000, 1_200)}
    journal.pages.put_records(lost, 200)

    def flush_and_fail() -> None:
        with journal.database.transaction():
            journal.pages.flush(400)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flush_and_fail()
    assert list(journal.database.query("SELECT * FROM page ORDER BY node")) == before
    journal.kill()
    check(journal)


def test_a_proof_holds_whichever_pages_are_in_memory(journal: Journal) -> None:
    journal.change(list(range(400)))
    for name in (0, 17, 399):
        key = key_of(name)
        assert verify_index(journal.pages.prove(key), key, journal.pages.root()) == journal.records[key].leaf
    absent = key_of(-5)
    assert verify_index(journal.pages.prove(absent), absent, journal.pages.root()) is None


BLOCKS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 300), max_size=40),
        st.sampled_from(["go on", "kill", "ask for the root", "write everything"]),
    ),
    max_size=25,
)


@given(blocks=BLOCKS)
@settings(max_examples=40)
def test_any_blocks_with_kills_and_questions_between_lead_to_the_same_root(
    blocks: list[tuple[list[int], str]],
) -> None:
    with TemporaryDirectory() as folder:
        database = Sqlite(Path(folder) / "store.db")
        prepare(database)
        journal = Journal(database)
        for names, then in blocks:
            journal.change(names, everything=then == "write everything")
            if then == "kill":
                journal.kill()
            elif then == "ask for the root":
                journal.pages.root()
            journal.check_stored()
        journal.check_memory()
        database.close()


@pytest.fixture
def kept(database: Sqlite) -> Sqlite:
    journal = Journal(database)
    journal.change(list(range(100)), everything=True)
    return database


def test_a_missing_page_is_named_at_start(kept: Sqlite) -> None:
    kept.execute("DELETE FROM page WHERE node = (SELECT max(node) FROM page)")
    with pytest.raises(Damaged, match=r"overlap or leave a gap.*counterfoil audit"):
        IndexPages(kept)


def test_a_page_that_overlaps_another_is_named_at_start(kept: Sqlite) -> None:
    kept.execute("INSERT INTO page SELECT node * 2, mark, hash, checksum, meta, pairs FROM page LIMIT 1")
    with pytest.raises(Damaged, match="overlap or leave a gap"):
        IndexPages(kept)


@pytest.mark.parametrize(
    "change",
    [
        "pairs = substr(pairs, 2)",
        f"pairs = substr(pairs, {PAIR + 1})",
        f"meta = substr(meta, {META_BYTES + 1})",
        "meta = zeroblob(length(meta))",
        "mark = mark + 1",
        "hash = zeroblob(32)",
        "checksum = zeroblob(8)",
    ],
)
def test_a_changed_page_is_named_when_it_is_read(kept: Sqlite, change: str) -> None:
    kept.execute(f"UPDATE page SET {change}")
    opened = IndexPages(kept)
    with pytest.raises(Damaged, match=r"page \d+ of the index is missing or changed"):
        opened.record(key_of(1))


def test_a_page_that_vanishes_while_the_store_is_open_is_named(kept: Sqlite) -> None:
    opened = IndexPages(kept)
    kept.execute("DELETE FROM page")
    with pytest.raises(Damaged, match=r"page \d+ of the index is missing or changed"):
        opened.record(key_of(1))
