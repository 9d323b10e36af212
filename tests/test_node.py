"""A node and its home: made on first use, one writer at a time, and whole again after any interruption."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Busy, Conflict, Damaged, Malformed, NotFound, Refused, Reused, Unavailable
from counterfoil.ledger.command import Standing
from counterfoil.ledger.state import Changes
from counterfoil.node import Node
from counterfoil.proof.canonical import digest
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.entry import Proposal, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant_text
from counterfoil.proof.trust import Trust, judge
from counterfoil.store.head import Sign
from counterfoil.store.items import SealedItem

NOON = 1_795_000_000


class Clock:
    """Seconds since 1970, as the test says."""

    def __init__(self) -> None:
        self.now = float(NOON)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def node(home: Path, clock: Clock) -> Iterator[Node]:
    with Node.open(home, clock=clock) as opened:
        define(opened)
        yield opened


def define(node: Node, register: str = "pet") -> None:
    fields = {"title": "Pets", "authority": node.agency}
    node.submit([Proposal(".register", register, "create", 1, body={"fields": fields})])


def pet(record: str, name: str, version: int = 1) -> Proposal:
    operation = "create" if version == 1 else "amend"
    return Proposal("pet", record, operation, version, body={"fields": {"name": name}})


def test_an_empty_folder_becomes_a_home_that_only_its_owner_can_read(home: Path) -> None:
    home.mkdir(mode=0o755)
    Node.open(home).close()
    modes = {path.relative_to(home).as_posix(): path.stat().st_mode & 0o777 for path in home.rglob("*")}
    assert modes == {
        "store.db": 0o600,
        "lock": 0o600,
        "trust.json": 0o644,
        "keys": 0o700,
        "keys/endorse.ed25519": 0o600,
        "keys/checkpoint.ed25519": 0o600,
        "keys/checkpoint.ml-dsa-44": 0o600,
        "keys/last-signed": 0o600,
    }


def test_a_folder_with_other_things_in_it_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "letter.txt").write_text("Dear Sir")
    with pytest.raises(Unavailable, match="holds other things already"):
        Node.open(home)
    assert [path.name for path in home.iterdir()] == ["letter.txt"]


def test_a_ledger_begins_with_its_parameters_algorithms_and_first_member(home: Path) -> None:
    with Node.open(home, origin="registers.example/gov", agency="EE/GOV/70000310", title="Registry") as node:
        assert (node.origin, node.agency) == ("registers.example/gov", "EE/GOV/70000310")
        names = [(entry.register, entry.record) for entry in map(node.entry, range(node.store.head.size))]
    assert names == [
        (".parameter", "ledger"),
        (".algorithm", "sha-256"),
        (".algorithm", "ed25519"),
        (".algorithm", "ml-dsa-44"),
        (".agency", "EE/GOV/70000310"),
        (".index", "root"),
    ]


def test_a_first_start_that_is_refused_leaves_a_home_that_can_begin_again(home: Path) -> None:
    with pytest.raises(Malformed, match="is no agency"):
        Node.open(home, agency="nobody")
    with Node.open(home, agency="EE/GOV/1") as node:
        assert node.agency == "EE/GOV/1"


def test_reading_a_home_that_is_not_there_says_how_to_make_one(home: Path) -> None:
    with pytest.raises(NotFound, match="counterfoil init"):
        Node.open(home, read_only=True)
    assert not home.exists()


def test_an_entry_is_taken_read_back_and_amended(node: Node) -> None:
    receipt = node.submit([pet("1", "Rex")])
    assert (receipt.standing, receipt.count) == (Standing.TAKEN, 1)
    assert node.entry(receipt.first).fields == {"name": "Rex"}
    node.submit([pet("1", "Max", version=2)])
    assert [(entry.version, entry.fields["name"]) for entry in node.history("pet", "1")] == [
        (2, "Max"),
        (1, "Rex"),
    ]
    with pytest.raises(Conflict, match="is at version 2"):
        node.submit([pet("1", "Tom", version=2)])


def test_an_idempotency_key_answers_with_the_first_transaction(node: Node) -> None:
    first = node.submit([pet("1", "Rex")], idempotency_key="a")
    again = node.submit([pet("1", "Rex")], idempotency_key="a")
    assert (again.standing, again.transaction, again.first) == (
        Standing.REPEATED,
        first.transaction,
        first.first,
    )
    with pytest.raises(Reused, match="used for another request"):
        node.submit([pet("2", "Tom")], idempotency_key="a")


def test_a_document_is_stored_before_the_entry_that_names_it(node: Node) -> None:
    deed = b"This indenture" * 40_000
    name = digest(deed)
    proposal = Proposal("pet", "deed", "create", 1, document=name)
    with pytest.raises(NotFound, match="store it before the entry that names it"):
        node.submit([proposal])
    assert node.store.put_document([deed[:100_000], deed[100_000:]]) == name
    node.submit([proposal])
    assert b"".join(node.store.read_document(name)) == deed


def test_a_receipt_ends_with_an_index_entry_and_a_published_checkpoint(node: Node, clock: Clock) -> None:
    clock.now += 1
    node.submit([pet("1", "Rex")])
    node.submit([pet("2", "Tom")], receipt=True)
    assert node.entry(node.store.head.size - 1).register == ".index"
    trust = Trust.parse(node.home.trust.read_bytes())
    note = node.store.published(node.store.head.size)
    assert note is not None
    judgement = judge(trust, note, instant_text(int(clock.now)))
    assert judgement.met
    assert judgement.agencies[0].algorithms == ("ed25519", "ml-dsa-44")


def test_closing_settles_the_log_and_an_idle_node_adds_nothing(home: Path, clock: Clock) -> None:
    with Node.open(home, clock=clock) as node:
        define(node)
        node.submit([pet("1", "Rex")])
    with Node.open(home, clock=clock) as node:
        size = node.store.head.size
        assert node.entry(size - 1).register == ".index"
    with Node.open(home, read_only=True) as node:
        assert node.store.head.size == size


def test_a_second_writer_gets_one_clear_sentence_and_readers_go_on(node: Node, home: Path) -> None:
    with pytest.raises(Busy, match=r"another process writes to .*; wait until it has ended, or stop it"):
        Node.open(home)
    node.submit([pet("1", "Rex")])
    with Node.open(home, read_only=True) as reader:
        found = reader.record("pet", "1")
        assert found is not None
        assert found.fields == {"name": "Rex"}


def test_a_clock_far_behind_the_last_block_refuses_to_write(node: Node, clock: Clock) -> None:
    node.submit([pet("1", "Rex")])
    clock.now -= 301
    with pytest.raises(Unavailable, match="301 seconds behind the last block"):
        node.submit([pet("2", "Tom")])
    clock.now += 1
    node.submit([pet("2", "Tom")])
    assert node.entry(node.store.head.size - 1).time == instant_text(NOON)
    clock.now += 300


def test_an_older_copy_of_the_store_is_not_written_to(home: Path, clock: Clock, tmp_path: Path) -> None:
    with Node.open(home, clock=clock) as node:
        define(node)
    shutil.copy(home / "store.db", tmp_path / "older.db")
    with Node.open(home, clock=clock) as node:
        node.submit([pet("1", "Rex")])
    shutil.copy(tmp_path / "older.db", home / "store.db")
    with pytest.raises(Damaged, match="bring the newer store back"):
        Node.open(home, clock=clock)


@pytest.mark.parametrize(
    "name", ["last-signed", "endorse.ed25519", "checkpoint.ed25519", "checkpoint.ml-dsa-44"]
)
def test_without_one_of_its_key_files_a_home_can_only_be_read(home: Path, name: str) -> None:
    Node.open(home).close()
    (home / "keys" / name).unlink()
    with pytest.raises((Damaged, NotFound), match="missing"):
        Node.open(home)
    with Node.open(home, read_only=True) as reader:
        assert reader.store.head.size == 6


def test_a_lost_trust_policy_is_written_again_as_it_was(home: Path) -> None:
    Node.open(home).close()
    policy = (home / "trust.json").read_bytes()
    (home / "trust.json").unlink()
    Node.open(home).close()
    assert (home / "trust.json").read_bytes() == policy
    (home / "trust.json").write_bytes(b"")
    Node.open(home).close()
    assert (home / "trust.json").read_bytes() == policy


def test_keys_are_in_no_message_and_no_representation(node: Node) -> None:
    seeds = [path.read_text().strip() for path in (node.home.keys).iterdir() if path.name != "last-signed"]
    shown = repr(node.home.read_key("endorse")) + repr(vars(node)) + repr(node.home)
    assert len(seeds) == 3
    assert not any(seed in shown for seed in seeds)


FIRST_START = """
import os, signal, sys
from pathlib import Path
from counterfoil.node import Node

stop = int(sys.argv[2])
calls = 0


def counted(function):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == stop:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    return call


for name in ("open", "write", "fsync", "replace", "pwrite", "mkdir"):
    setattr(os, name, counted(getattr(os, name)))
Node.open(Path(sys.argv[1])).close()
"""


def test_a_first_start_killed_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    killed = 0
    for stop in count(1):
        home = tmp_path / f"home-{stop}"
        ended = subprocess.run([sys.executable, "-c", FIRST_START, str(home), str(stop)], check=False)
        with Node.open(home) as node:
            assert node.entry(5).register == ".index"
            define(node)
        with Node.open(home, read_only=True) as reader:
            checkpoint = open_checkpoint(reader.store.note, Trust.parse(reader.home.trust.read_bytes()).keys)
            assert checkpoint.checkpoint.size == reader.store.head.size
        assert not [path.name for path in home.rglob("*") if path.name.endswith(".part")]
        if ended.returncode == 0:
            break
        killed += 1
    assert killed > 20


def test_a_home_may_be_named_relative_to_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Node.open(Path("here")).close()
    assert sorted(path.name for path in Path("here").iterdir()) == ["keys", "lock", "store.db", "trust.json"]


# Many at once


def test_each_of_several_is_taken_or_refused_by_itself(node: Node) -> None:
    size = node.store.head.size
    first, again, misnamed, other = node.submit_all(
        [
            Submission([pet("1", "Rex")]),
            Submission([pet("1", "Tom")]),
            Submission([Proposal("pet", "deed", "create", 1, document=digest(b"none"))]),
            Submission([pet("2", "Tom"), pet("3", "Max")]),
        ]
    )
    assert isinstance(first, Receipt)
    assert isinstance(other, Receipt)
    assert (first.standing, first.first, first.count) == (Standing.TAKEN, size, 1)
    assert (other.standing, other.first, other.count) == (Standing.TAKEN, size + 1, 2)
    assert isinstance(again, Conflict)
    assert isinstance(misnamed, NotFound)
    assert node.submit_all([]) == []


def test_where_each_is_refused_nothing_is_stored(node: Node) -> None:
    size = node.store.head.size
    answers = node.submit_all([Submission([pet("1", "Rex", 7)]), Submission([pet("é" * 2_000, "Rex")])])
    assert all(isinstance(each, Refused | Malformed) for each in answers)
    assert node.store.head.size == size


def test_more_records_than_may_wait_bring_an_index_entry_with_them(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.store.store.MAX_WAITING", 5)
    node.submit([pet("1", "Rex")])
    node.submit([pet(f"more {number}", "Rex") for number in range(6)])
    assert node.entry(node.store.head.size - 1).register == ".index"
    with node.reading() as store:
        store.prove_index(record_key("pet", "more 5"))


# Readers beside a writer


def beside(work: Callable[[], object], read: Callable[[], Any]) -> list[Any]:
    """What three threads read, again and again, while this one works; raises what any of them did."""
    done = threading.Event()

    def reading() -> list[Any]:
        seen = []
        while not done.is_set():
            seen.append(read())
        return seen

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(reading) for _ in range(3)]
        try:
            work()
        finally:
            done.set()
    return [each for reader in readers for each in reader.result()]


def test_a_reader_never_sees_half_a_block_nor_one_that_is_not_stored(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.submit([pet("a", "0"), pet("b", "0")])
    commit, stored = node.store.commit, {"0"}

    def slow_or_failing(changes: Changes, sign: Sign, items: Mapping[bytes, SealedItem]) -> None:
        # What is applied and not stored yet must be nobody's to see, however long it takes.
        time.sleep(0.002)
        if any(b'"name":"bad' in entry for entry in changes.entries):
            raise Unavailable("the disk is full")
        commit(changes, sign, items)

    monkeypatch.setattr(node.store, "commit", slow_or_failing)

    def write() -> None:
        for version in range(2, 40):
            bad = version % 3 == 0
            names = [pet(record, f"bad {version}" if bad else str(version), version) for record in "ab"]
            if bad:
                with pytest.raises(Unavailable, match="full"):
                    node.submit(names)
                names = [pet(record, str(version), version) for record in "ab"]
            stored.add(str(version))
            node.submit(names)

    def read() -> object:
        with node.reading() as store:
            found = [store.record(record_key("pet", record)) for record in "ab"]
            entries = [decode_entry(store.entry(state.number)) for state in found if state]
            assert store.head.size == len(store.log)
            return tuple(entry.fields["name"] for entry in entries), tuple(
                state.number for state in found if state
            )

    seen = beside(write, read)
    assert len(set(seen)) > 1
    for names, (first, second) in set(seen):
        assert names[0] == names[1]
        assert names[0] in stored
        assert second == first + 1


def test_a_document_is_stored_while_others_read(node: Node) -> None:
    parts = [bytes([number]) * 300_000 for number in range(40)]
    name = digest(b"".join(parts))

    def read() -> object:
        with node.reading() as store:
            return store.document_size(name), len(list(store.entries()))

    assert beside(lambda: node.put_document(iter(parts)), read)
    with node.reading() as store:
        assert store.document_size(name) == 12_000_000
    node.submit([pet("1", "Rex")])


def test_a_document_that_does_not_arrive_whole_leaves_nothing(node: Node) -> None:
    def parts() -> Iterator[bytes]:
        yield b"a" * 600_000
        raise Malformed("it ended")

    with pytest.raises(Malformed, match="it ended"):
        node.put_document(parts())
    assert list(node.store.database.query("SELECT count(*) FROM chunk")) == [(0,)]
    assert node.put_document([b"a"]) == digest(b"a")


def test_a_store_that_cannot_be_read_again_is_tried_again_by_who_reads(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.submit([pet("1", "Rex")])
    size = node.store.head.size

    def away(*_: object) -> None:
        raise Unavailable("the disk is away")

    with monkeypatch.context() as broken:
        broken.setattr(node.store, "commit", away)
        broken.setattr(node.store.database, "row", away)
        with pytest.raises(Unavailable, match="away"):
            node.submit([pet("2", "Tom")])
        assert node.store.stale
        with pytest.raises(Unavailable, match="away"):
            node.record("pet", "1")
    assert node.record("pet", "2") is None
    assert not node.store.stale
    assert node.store.head.size == size
    node.submit([pet("2", "Tom")])
    assert node.record("pet", "2") is not None


def test_a_view_of_its_own_stays_as_it_was(node: Node) -> None:
    node.submit([pet("1", "Rex")])
    with node.snapshot() as view:
        size = view.head.size
        node.submit([pet("1", "Max", 2)])
        state = view.record(record_key("pet", "1"))
        assert state is not None
        assert (state.version, view.head.size) == (1, size)
    assert node.store.head.size == size + 1


def test_entries_that_come_while_the_log_is_read_are_read_too(node: Node) -> None:
    reading = node.entries()
    first = next(reading)
    node.submit([pet("1", "Rex")])
    assert [first, *reading] == list(node.store.entries())


# What witnesses add


def test_a_checkpoint_gains_lines_in_its_own_place(node: Node) -> None:
    old = node.submit([pet("1", "Rex")], receipt=True)
    size = node.store.head.size
    note = node.store.published_at(size)
    assert note is not None
    node.submit([pet("2", "Tom")], receipt=True)
    newest = node.store.latest_published()
    gained = note + "— witness.example/w1 AAAAAAAA\n".encode()
    node.publish(size, gained)
    assert node.store.published_at(size) == gained
    assert (node.store.latest_published(), node.store.note) == (newest, newest)
    assert list(node.store.cosigned(old.first)) == [gained]
    # One of a size that was never published is nobody's.
    node.publish(size + 1, gained)
    assert node.store.published_at(size + 1) is None
