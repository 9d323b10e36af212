"""The audit of stores that are as they must be: no shape, size, state or moment gives a finding."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.examples import registers_folder
from counterfoil.ledger.ledger import Standing
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.proof.instant import instant_text
from counterfoil.registry.rsf.importing import import_rsf
from counterfoil.registry.rsf.reading import read_rsf
from counterfoil.store import pages
from counterfoil.store.audit.audit import audit_store
from counterfoil.store.sqlite import Sqlite
from tests.store.sample import (
    COURT,
    COURT_KEY,
    LAND,
    ORIGIN,
    Clock,
    audited,
    define,
    joint,
    open_node,
    titles,
)

FOREIGN_ENDINGS = (
    "whether transactions that waited, and lapsed, were withdrawn or refused, ended rightly (4): "
    "of those the log keeps hashes alone"
)


def fill(node: Node, count: int, clock: Clock) -> None:
    """Bring the log to `count` entries exactly, with titles; the last one is an index entry."""
    define(node, "title")
    clock.now += 1
    node.submit(titles(range(count - node.store.head.size - 1)))
    assert node.store.head.size == count


def test_a_ledger_of_nothing_but_its_first_entries(tmp_path: Path) -> None:
    open_node(tmp_path, Clock()).close()
    result = audited(tmp_path)
    assert result.findings == ()
    assert (result.entries, result.genesis_size, result.origin) == (6, 6, ORIGIN)
    assert result.root == result.genesis_root
    assert result.unchecked == ()


def test_everything_that_can_be_in_a_store(sample_home: Path) -> None:
    result = audited(sample_home)
    assert result.findings == ()
    assert result.found == 0
    assert result.unchecked == ("items that are kept elsewhere (1)", FOREIGN_ENDINGS)
    with Node.open(sample_home, read_only=True) as node:
        assert result.entries == node.store.head.size > 256
        assert result.root == node.store.log.root()


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 768])
def test_every_kind_of_tail(tmp_path: Path, size: int) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        fill(node, size, clock)
    result = audited(tmp_path)
    assert (result.entries, result.findings) == (size, ())


def test_a_tail_of_many_blocks(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        define(node, "title")
        for number in range(60):
            clock.now += number % 7 == 0
            node.submit(titles([number]), receipt=number % 11 == 0)
        node.submit(titles(range(100, 300)))
        for number in range(20):
            node.submit(titles([number], 2))
    assert audited(tmp_path).findings == ()


def test_a_log_with_a_tile_above_the_first_level(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        define(node, "log", append=True)
        clock.now += 1
        read = [
            Proposal("log", f"subject {number % 50}", "amend", body={"fields": {}}) for number in range(1000)
        ]
        for _ in range(66):
            node.submit(read)
    result = audited(tmp_path)
    assert result.findings == ()
    assert result.entries > 256 * 256


def test_the_published_registers(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        for name in ("country", "jobcentre", "prison-estate", "register"):
            clock.now += 1
            import_rsf(node, read_rsf((registers_folder() / f"{name}.rsf").read_bytes()))
    result = audited(tmp_path)
    assert (result.findings, result.found) == ((), 0)


@pytest.mark.parametrize("limits", [(20_000, 1 << 17), (60_000, 1 << 17), (1 << 20, 300), (60_000, 900)])
def test_pages_that_lag_behind_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    monkeypatch.setattr(pages, "MAX_DIRTY", limits[0])
    monkeypatch.setattr(pages, "MAX_LAG", limits[1])
    clock = Clock()
    with open_node(tmp_path / "home", clock) as node:
        define(node, "title")
        for start in range(0, 2000, 40):
            clock.now += start % 200 == 0
            node.submit(titles(range(start, start + 40)))
            if start and start % 400 == 0:
                node.submit(titles(range(start - 400, start, 3), 2))
        marks = [row[0] for row in node.store.database.query("SELECT mark FROM page")]
        shutil.copytree(tmp_path / "home", tmp_path / "killed")
        assert min(marks) < node.store.head.size
    assert audited(tmp_path / "killed").findings == ()
    assert audited(tmp_path / "home").findings == ()


def test_a_copy_of_the_files_at_any_moment(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path / "home", clock) as node:
        define(node, "title")
        for number in range(25):
            clock.now += number % 3 == 0
            node.submit(titles(range(30 * number, 30 * number + 30)))
            shutil.copytree(tmp_path / "home", tmp_path / str(number))
            result = audited(tmp_path / str(number))
            assert (result.findings, result.entries) == ((), node.store.head.size)
            assert result.unchecked == (
                "bytes of the file that SQLite does not use, because it was not closed",
            )


def test_the_audit_beside_a_writer_sees_one_moment(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        define(node, "title")
        reader = Sqlite(tmp_path / "store.db", read_only=True)
        reader.row("SELECT 1 FROM head")
        before = node.store.head.size
        node.submit(titles(range(600)))
        result = audit_store(reader, tmp_path / "store.db")
        reader.close()
    assert (result.findings, result.entries) == ((), before)


@pytest.mark.parametrize("moment", range(8))
def test_a_waiting_transaction_at_every_stage(tmp_path: Path, moment: int) -> None:
    """Each stage of its life is the last thing in the log once."""
    clock = Clock()
    policy = {"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]}
    with open_node(tmp_path, clock) as node:
        body = {"fields": {"name": "Court", "endorse": [COURT_KEY.public.text]}}
        node.submit([Proposal(".agency", COURT, "create", 1, body=body)])
        define(node, "agreement", policy=policy)
        clock.now += 1
        first = node.submit([joint("A"), joint("B")], deadline=instant_text(clock.now + 100))
        later = instant_text(clock.now + 50)

        def again() -> object:
            return node.submit([joint("C")], keys=[COURT_KEY], not_before=later)

        def move_on() -> object:
            clock.now += 60
            return node.submit([joint("D")], keys=[COURT_KEY])

        def lapse() -> object:
            clock.now += 101
            return node.submit([joint("E")], keys=[COURT_KEY])

        stages: tuple[tuple[Callable[[], object], ...], ...] = (
            (),
            (lambda: node.endorse(first.transaction, COURT_KEY),),
            (lambda: node.withdraw(first.transaction),),
            (again,),
            (again, move_on),
            (lapse,),
            (again, lapse),
            (again, lambda: node.endorse(first.transaction, COURT_KEY), move_on, lapse),
        )
        for stage in stages[moment]:
            stage()
    assert audited(tmp_path).findings == ()


def test_a_repeated_request_and_a_key_that_is_used_again_after_its_deadline(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        define(node, "title")
        soon = instant_text(clock.now + 5)
        first = node.submit(titles([1]), idempotency_key="k", deadline=soon)
        again = node.submit(titles([1]), idempotency_key="k", deadline=soon)
        assert (again.standing, again.transaction) == (Standing.REPEATED, first.transaction)
        clock.now += 10
        assert node.submit(titles([2]), idempotency_key="k").standing is Standing.TAKEN
    assert audited(tmp_path).findings == ()


def test_a_store_that_was_opened_and_closed_without_a_change(sample_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    open_node(home, Clock(2_000_000_000)).close()
    assert audited(home).findings == ()
    assert audited(home).root == audited(sample_home).root


def test_documents_that_no_entry_names_are_reported_as_unchecked(tmp_path: Path) -> None:
    with open_node(tmp_path, Clock()) as node:
        node.store.put_document([b"early"])
    result = audited(tmp_path)
    assert result.findings == ()
    assert result.unchecked == ("why documents are stored that no entry names (1)",)


def test_the_audit_changes_no_byte_of_the_folder(tmp_path: Path, sample_home: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    before = {path: (path.stat(), path.read_bytes()) for path in home.rglob("*") if path.is_file()}
    audited(home)
    after = {path: (path.stat(), path.read_bytes()) for path in home.rglob("*") if path.is_file()}
    same = ("st_mtime_ns", "st_size", "st_mode", "st_ino")
    assert [[getattr(stat, name) for name in same] for stat, _ in after.values()] == [
        [getattr(stat, name) for name in same] for stat, _ in before.values()
    ]
    assert [data for _, data in after.values()] == [data for _, data in before.values()]


def test_the_keys_that_sign_checkpoints_are_those_of_the_members(sample_home: Path) -> None:
    with Node.open(sample_home, read_only=True) as node:
        (member,) = node.history(".agency", LAND)
    assert list(audited(sample_home).checkpoint_keys) == sorted(member.fields["checkpoint"])


def test_progress_counts_up_to_every_entry(sample_home: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = sample_home / "store.db"
    audit_store(Sqlite(path, read_only=True, untouched=True), path, lambda *each: seen.append(each))
    done = [each[0] for each in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1] == audited(sample_home).entries
