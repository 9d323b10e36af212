"""Each step of recovery is killed before each of its renames in turn; the next call brings it to its end."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.mark import read_mark
from counterfoil.recovery.repair import repair
from counterfoil.recovery.restore import restore
from counterfoil.recovery.resume import resume
from counterfoil.recovery.unpack import audit_closed
from counterfoil.store.sqlite import Sqlite
from tests.recovery.sample import Made, faults, grown, roots
from tests.store.sample import Clock
from tests.store.tamper import opened

KILLED = 9
CLOCK = Clock(1_900_000_000)


def dies_at_rename(step: Callable[[], object], number: int) -> bool:
    """Run a step in a process that dies, without a word, as it comes to its rename of this number.

    False: it has come to its end before.
    """

    def run() -> None:
        left, rename = number, Path.replace

        def counted(path: Path, target: Path) -> Path:
            nonlocal left
            if not left:
                os._exit(KILLED)
            left -= 1
            return rename(path, target)

        setattr(Path, "replace", counted)  # noqa: B010  # in a process of its own
        step()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode in {0, KILLED}
    return process.exitcode == KILLED


def every_death(begin: Callable[[], None], step: Callable[[], object]) -> int:
    """Kill a step at each of its renames, each time from the beginning, and then let it come to its end.

    Gives how many renames it has.
    """
    deaths = 0
    begin()
    while dies_at_rename(step, deaths):
        step()
        deaths += 1
        begin()
    return deaths


def test_a_backup(made: Made, tmp_path: Path) -> None:
    target = tmp_path / "copy"

    def begin() -> None:
        if target.exists():
            assert audit_closed(target / "store.db").findings == ()
            assert [path.name for path in tmp_path.iterdir()] == ["copy"]
            shutil.rmtree(target)

    assert every_death(begin, lambda: back_up(Home(made.home), target)) == 2


def test_a_backup_that_dies_is_not_there(made: Made, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    assert dies_at_rename(lambda: back_up(Home(made.home), target), 1)
    assert [path.name for path in tmp_path.iterdir()] == [".copy.part"]
    back_up(Home(made.home), target)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_restore(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")

    def begin() -> None:
        if new.folder.exists():
            mark = read_mark(new)
            assert mark is not None
            assert (mark.step, faults(new), roots(new)) == ("asking", [], roots(Home(made.home)))
            shutil.rmtree(new.folder)

    assert every_death(begin, lambda: restore(made.backup, new, keys=made.keys)) == 9


def test_going_on(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    restore(made.backup, new, keys=made.keys)
    assert dies_at_rename(lambda: resume(new), 0)
    assert read_mark(new) is not None
    assert resume(new).entries == 458
    assert (read_mark(new), faults(new)) == (None, [])


def test_a_successor(made: Made, home: Home, tmp_path: Path) -> None:
    later, new = grown(home), Home(tmp_path / "new")
    restore(made.backup, Home(tmp_path / "restored"), keys=made.keys)

    def begin() -> None:
        if new.folder.exists():
            assert (read_mark(new), faults(new)) == (None, [])
            names = {path.name for path in new.folder.iterdir()} - {"store.db-shm", "store.db-wal"}
            assert names == {"cache", "keys", "lock", "predecessors", "store.db", "trust.json"}
            assert len(list((new.folder / "predecessors").iterdir())) == 1
            shutil.rmtree(new.folder)
        shutil.copytree(tmp_path / "restored", new.folder)

    assert every_death(begin, lambda: resume(new, [("later", later)], clock=CLOCK)) == 14


def test_a_repair(made: Made, home: Home, tmp_path: Path) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM bundle")
    home.trust.unlink()
    damaged = Home(tmp_path / "damaged")

    def begin() -> None:
        if damaged.folder.exists():
            assert (faults(damaged), roots(damaged)) == ([], roots(Home(made.home)))
            shutil.rmtree(damaged.folder)
        shutil.copytree(home.folder, damaged.folder)

    assert every_death(begin, lambda: repair(damaged, made.backup)) == 3


def test_a_repair_of_what_a_killed_writer_left(made: Made, home: Home, tmp_path: Path) -> None:
    writer = Sqlite(home.store)
    writer.execute("DELETE FROM claim")
    shutil.copytree(home.folder, tmp_path / "killed")
    writer.close()
    killed = Home(tmp_path / "killed")
    assert (killed.folder / "store.db-wal").stat().st_size
    assert faults(killed)
    repaired = repair(killed)
    assert not (killed.folder / "store.db-wal").exists()
    assert (repaired.left, roots(killed)) == ((), roots(Home(made.home)))


@pytest.mark.parametrize("name", [".store.db.part", ".restored.part", "cache/repair/store.db"])
def test_what_a_killed_one_leaves_is_no_fault(home: Home, name: str) -> None:
    (home.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (home.folder / name).write_bytes(b"half")
    assert faults(home) == []
