"""The audit of an installation as a whole: it reads what is there, however it was left, and touches nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import Busy, Damaged, NotFound, Unavailable
from counterfoil.home import Home
from counterfoil.home_audit import audit, audit_home
from counterfoil.node import Node
from counterfoil.store.schema import prepare
from counterfoil.store.sqlite import Sqlite
from tests.cli.calling import environment, snapshot
from tests.home_audit.conftest import Clock, found, open_node, places, titles
from tests.store.changes import apply, sql

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.home_audit.conftest import LAND, Clock, open_node, titles
clock = Clock()
clock.now += float(sys.argv[2])
node = open_node(Path(sys.argv[1]), clock)
if sys.argv[3] == "fresh":
    node.submit([LAND])
for number in range(int(sys.argv[4])):
    node.submit(titles(1000 + 10 * number, 10))
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_after(folder: Path, *, fresh: bool, blocks: int) -> None:
    """Write some blocks in a process that is killed before it can close."""
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED,
            str(folder),
            "0" if fresh else "5000",
            "fresh" if fresh else "",
            str(blocks),
        ],
        env=environment({"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}),
        check=False,
    )
    assert ended.returncode == -9


@contextmanager
def readable_only(home: Home) -> Iterator[Home]:
    """A copy in a folder that this user may read and not write; root, who may do anything, becomes another user."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(home.folder, Path(folder) / "home")
        for path in (Path(folder), copy, *copy.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield Home(copy)
        finally:
            os.seteuid(user)
            for path in (Path(folder), *copy.rglob("*"), copy):
                path.chmod(0o755)


# Nothing is touched


def test_not_a_byte_changes_and_no_file_appears(home: Home) -> None:
    before = snapshot(home.folder)
    audit_home(home)
    assert snapshot(home.folder) == before


def test_nor_does_a_folder_that_was_left_open(home: Home) -> None:
    kill_after(home.folder, fresh=False, blocks=3)
    before = snapshot(home.folder)
    assert before["store.db-wal"]
    assert found(home) == []
    assert snapshot(home.folder) == before


@pytest.mark.parametrize("left", ["closed", "killed"])
def test_it_reads_where_nothing_may_be_written(home: Home, left: str) -> None:
    if left == "killed":
        kill_after(home.folder, fresh=False, blocks=3)
    with readable_only(home) as copy:
        assert found(copy) == []
        # What other commands read goes the same way.
        with Node.open(copy.folder, read_only=True) as node:
            assert node.record("land", "1") is not None


# However it was left


@pytest.mark.parametrize("blocks", [0, 1, 30], ids=["genesis alone", "a block", "more than a bundle"])
def test_a_new_one_whose_process_was_killed(tmp_path: Path, blocks: int) -> None:
    kill_after(tmp_path / "home", fresh=True, blocks=blocks)
    home = Home(tmp_path / "home")
    assert home.store.with_name("store.db-wal").stat().st_size
    audited = audit_home(home)
    assert (audited.findings, audited.entries >= 7 + 10 * blocks) == ((), True)


@pytest.mark.parametrize("kept", ["wal", "wal and shm"])
def test_a_copy_of_one_that_was_killed(home: Home, tmp_path: Path, kept: str) -> None:
    kill_after(home.folder, fresh=False, blocks=3)
    ignored = shutil.ignore_patterns(*(["*-shm"] if kept == "wal" else []))
    copy = Home(shutil.copytree(home.folder, tmp_path / "copy", ignore=ignored))
    assert audit_home(copy).entries == audit_home(home).entries
    assert found(copy) == []


def test_without_its_journal_the_end_is_missing(home: Home) -> None:
    kill_after(home.folder, fresh=False, blocks=3)
    home.store.with_name("store.db-wal").unlink()
    (finding,) = audit_home(home).findings
    assert finding.where == "keys/last-signed"
    assert finding.what.startswith("the store ends before what its key signed last: entries ")


@pytest.mark.parametrize("left", ["folders", "keys", "empty store"])
def test_one_that_was_begun_and_not_finished(tmp_path: Path, clock: Clock, left: str) -> None:
    home = Home(tmp_path / "home")
    home.create()
    if left != "folders":
        home.create_key("endorse")
    if left == "empty store":
        home.store.write_bytes(b"")
    audited = audit_home(home)
    assert (audited.findings, audited.entries, audited.root) == ((), 0, None)
    assert audited.unchecked == (
        "entries, for there are none: the installation was begun and not finished; the next write does that",
    )
    open_node(home.folder, clock).close()
    assert (found(home), audit_home(home).unchecked) == ([], ())


def test_one_killed_before_its_trust_policy_was_written(tmp_path: Path, clock: Clock) -> None:
    home = Home(tmp_path / "home")
    open_node(home.folder, clock).close()
    home.trust.unlink()
    audited = audit_home(home)
    assert (audited.findings, audited.unchecked) == (
        (),
        ("trust.json, which is not written yet: the next command that writes does it",),
    )


def test_one_killed_before_its_first_entry(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    database = Sqlite(home.store)
    prepare(database)
    database.close()
    assert (found(home), audit_home(home).entries) == ([], 0)
    assert audit_home(home).unchecked


def test_an_empty_store_beside_what_was_signed_is_no_beginning(home: Home) -> None:
    home.store.unlink()
    database = Sqlite(home.store)
    prepare(database)
    database.close()
    assert found(home)


# Beside a process that writes


def test_beside_one_that_writes(home: Home, writing: Node) -> None:
    writing.submit(titles(600, 10))
    size = writing.store.head.size
    audited = audit_home(home)
    assert (audited.findings, audited.entries) == ((), size)
    writing.submit(titles(700, 10))


def test_all_is_of_one_moment(home: Home, writing: Node) -> None:
    writing.submit(titles(600, 10))
    size, wrote = writing.store.head.size, 0

    def write_meanwhile(done: int, total: int) -> None:
        nonlocal wrote
        if wrote < 5:
            writing.submit(titles(2000 + 300 * wrote, 300))
            wrote += 1

    audited = audit_home(home, write_meanwhile)
    assert (audited.findings, audited.entries, wrote > 0) == ((), size, True)


def test_who_would_begin_to_write_waits_outside(home: Home, clock: Clock) -> None:
    refused = []

    def write_meanwhile(done: int, total: int) -> None:
        with suppress(Busy):
            open_node(home.folder, clock).close()
            return
        refused.append(done)

    assert audit_home(home, write_meanwhile).findings == ()
    assert refused
    open_node(home.folder, clock).close()


def test_two_audits_at_once(home: Home) -> None:
    with home.lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert found(home) == []


# What cannot be read


def test_a_lock_that_is_gone_hinders_nothing(home: Home) -> None:
    home.lock.unlink()
    assert found(home) == []


def test_a_lock_that_may_not_be_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: object, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(Unavailable, match="lock cannot be read: Permission denied"):
        audit_home(home)


def test_a_store_that_another_process_locks_is_no_fault(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> Any:
        raise Busy("store.db is in use by another process")

    for name in ("audit_store", "Sqlite"):
        with monkeypatch.context() as patch:
            patch.setattr(audit, name, busy)
            with pytest.raises(Busy):
                audit_home(home)


@pytest.mark.parametrize("name", ["audit_store", "Sqlite"])
def test_whatever_else_the_store_answers_is_a_fault(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def damaged(*_: object, **__: object) -> Any:
        raise Damaged("the disk image is malformed")

    monkeypatch.setattr(audit, name, damaged)
    (finding,) = audit_home(home).findings
    assert (finding.where, "the disk image is malformed" in finding.what) == ("store.db", True)


def test_where_the_store_is_too_damaged_to_compare_with_it_says_so(home: Home) -> None:
    apply(home.store, sql("DELETE FROM tile"))
    audited = audit_home(home)
    assert audited.findings
    assert [
        note
        for note in audited.unchecked
        if note.startswith("what lies beside the store, as the store cannot")
    ]


def test_where_there_is_none(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotFound, match="there is no installation in"):
            audit_home(Home(folder))


def test_what_may_not_be_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, *_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(Unavailable, match=r"store\.db cannot be used: Permission denied"):
        audit_home(home)


def test_a_store_that_is_gone(home: Home) -> None:
    home.store.unlink()
    assert found(home) == ["store.db: the store is missing, with every entry in it"]


def test_a_folder_in_its_place(home: Home) -> None:
    home.store.unlink()
    home.store.mkdir()
    assert found(home) == [
        "store.db: the store is missing, with every entry in it",
        "store.db: it is no part of an installation",
    ]


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8176])
def test_a_store_that_is_no_database(home: Home, data: bytes) -> None:
    home.store.write_bytes(data)
    audited = audit_home(home)
    assert audited.found
    assert {finding.where for finding in audited.findings} <= {"store.db", "head", "entry 0"}


def test_a_store_that_is_cut(home: Home) -> None:
    data = home.store.read_bytes()
    home.store.write_bytes(data[: len(data) // 2])
    assert "store.db" in places(home)


def test_the_entries_of_another_ledger(home: Home, tmp_path: Path, clock: Clock) -> None:
    open_node(tmp_path / "other", clock).close()
    shutil.copy(tmp_path / "other" / "store.db", home.store)
    assert places(home) == {"keys/last-signed", "keys/endorse.ed25519", "trust.json"}
