"""What SQLite says becomes one clear sentence, and a transaction is whole or nothing."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import Busy, CounterfoilError, Damaged, Unavailable
from counterfoil.store import sqlite
from counterfoil.store.sqlite import Sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def database(path: Path) -> Iterator[Sqlite]:
    opened = Sqlite(path)
    opened.execute("CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT)")
    yield opened
    opened.close()


def notes(database: Sqlite) -> list[int]:
    return [number for (number,) in database.query("SELECT number FROM note ORDER BY number")]


def test_every_commit_is_flushed_to_the_disk(database: Sqlite) -> None:
    assert database.row("PRAGMA journal_mode") == ("wal",)
    assert database.row("PRAGMA synchronous") == (2,)


def test_only_the_owner_can_read_the_files(database: Sqlite, path: Path) -> None:
    with database.transaction():
        database.execute("INSERT INTO note (number) VALUES (1)")
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["store.db", "store.db-shm", "store.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_what_a_transaction_did_stands_when_it_has_ended(database: Sqlite, path: Path) -> None:
    with database.transaction():
        database.execute("INSERT INTO note (number) VALUES (?)", (1,))
        database.execute_many("INSERT INTO note (number) VALUES (?)", [(2,), (3,)])
    assert notes(Sqlite(path)) == [1, 2, 3]
    assert database.row("SELECT number FROM note WHERE number > ?", (1,)) == (2,)
    assert database.row("SELECT number FROM note WHERE number > 3") is None


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_transaction_that_fails_leaves_nothing(database: Sqlite, error: type[BaseException]) -> None:
    def fail() -> None:
        with database.transaction():
            database.execute("INSERT INTO note (number) VALUES (1)")
            raise error

    with pytest.raises(error):
        fail()
    assert notes(database) == []
    with database.transaction():
        database.execute("INSERT INTO note (number) VALUES (2)")
    assert notes(database) == [2]


def test_a_commit_that_fails_leaves_nothing(database: Sqlite) -> None:
    database.execute("PRAGMA foreign_keys=ON")
    database.execute(
        "CREATE TABLE child (parent INTEGER REFERENCES note(number) DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(Damaged, match="FOREIGN KEY"), database.transaction():
        database.execute("INSERT INTO child VALUES (5)")
    assert list(database.query("SELECT * FROM child")) == []
    with database.transaction():
        database.execute("INSERT INTO note (number) VALUES (5)")


def test_transactions_of_several_threads_take_turns(database: Sqlite) -> None:
    inside: list[int] = []

    def write(number: int) -> None:
        for step in range(20):
            with database.transaction():
                inside.append(number)
                database.execute("INSERT INTO note (number) VALUES (?)", (number * 100 + step,))
                inside.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside[::2] == inside[1::2]
    assert notes(database) == [number * 100 + step for number in range(4) for step in range(20)]


def test_a_full_disk_is_said_and_loses_nothing(database: Sqlite) -> None:
    with database.transaction():
        database.execute("INSERT INTO note (number) VALUES (1)")
    database.execute("PRAGMA max_page_count=4")
    with (
        pytest.raises(Unavailable, match=r"the disk that holds .*store.db is full; make room and try again"),
        database.transaction(),
    ):
        database.execute_many(
            "INSERT INTO note (number, text) VALUES (?, ?)", ((n, "x" * 900) for n in range(2, 99))
        )
    assert notes(database) == [1]
    database.execute("PRAGMA max_page_count=1000")
    with database.transaction():
        database.execute("INSERT INTO note (number) VALUES (2)")
    assert notes(database) == [1, 2]


def test_writing_through_a_connection_that_only_reads_is_refused(database: Sqlite, path: Path) -> None:
    reader = Sqlite(path, read_only=True)
    with pytest.raises(Unavailable, match=r"store.db or its disk is read-only; make it writable"):
        reader.execute("INSERT INTO note (number) VALUES (1)")
    assert notes(reader) == []


@pytest.mark.parametrize("written", [False, True], ids=["nothing in the journal", "rows in the journal"])
def test_reading_changes_neither_file_nor_journal(path: Path, tmp_path: Path, written: bool) -> None:
    writer = Sqlite(path)
    writer.execute("CREATE TABLE note (number INTEGER PRIMARY KEY)")
    if written:
        writer.execute("INSERT INTO note VALUES (1)")
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("store.db", "store.db-wal"):
        (killed / name).write_bytes((tmp_path / name).read_bytes())
    before = [(killed / name).read_bytes() for name in ("store.db", "store.db-wal")]
    reader = Sqlite(killed / "store.db", read_only=True)
    assert notes(reader) == ([1] if written else [])
    reader.close()
    assert [(killed / name).read_bytes() for name in ("store.db", "store.db-wal")] == before


def test_another_writer_is_waited_for_and_then_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 1)
    first, second = Sqlite(path), Sqlite(path)
    first.execute("CREATE TABLE note (number INTEGER PRIMARY KEY)")
    with first.transaction():
        with pytest.raises(Busy, match=r"store.db is in use by another process; wait until it has ended"):
            second.execute("INSERT INTO note VALUES (1)")
        with pytest.raises(Busy), second.transaction():
            pass
    with second.transaction():
        second.execute("INSERT INTO note VALUES (1)")
    assert notes(first) == [1]


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(b"Dear Sir or Madam, " * 100)
    with pytest.raises(Damaged, match=r"store.db is damaged: .*not a database.*counterfoil audit"):
        Sqlite(path)
    with pytest.raises(Damaged, match="not a database"):
        list(Sqlite(path, read_only=True).query("SELECT * FROM sqlite_master"))
    assert path.read_bytes() == b"Dear Sir or Madam, " * 100


def test_a_torn_page_is_named(database: Sqlite, path: Path) -> None:
    database.execute_many(
        "INSERT INTO note (number, text) VALUES (?, ?)", ((n, "x" * 900) for n in range(99))
    )
    database.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(Damaged, match=r"store.db is damaged: .*malformed"):
        notes(Sqlite(path))


@pytest.mark.parametrize("read_only", [False, True])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, read_only: bool) -> None:
    with pytest.raises(Unavailable, match=r"nowhere/store.db cannot be opened.*check that it and its folder"):
        Sqlite(tmp_path / "nowhere" / "store.db", read_only=read_only)


def test_a_folder_in_the_files_place_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(Unavailable, match=r"store.db cannot be opened .Is a directory.; check"):
        Sqlite(path)


@pytest.mark.parametrize("call", ["execute", "execute_many", "query", "row"])
def test_whatever_else_sqlite_refuses_is_an_error_of_ours_too(database: Sqlite, call: str) -> None:
    calls: dict[str, Callable[[str], object]] = {
        "execute": database.execute,
        "execute_many": lambda sql: database.execute_many(sql, [()]),
        "query": lambda sql: list(database.query(sql)),
        "row": database.row,
    }
    with pytest.raises(Damaged, match=r"does not answer as it must: .*no such table: elsewhere"):
        calls[call]("SELECT * FROM elsewhere")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            apsw.IOError("disk I/O error"),
            Unavailable,
            "reading or writing .* failed: disk I/O error; check the disk",
        ),
        (apsw.PermissionsError("access permission denied"), Unavailable, "cannot be opened; check that"),
        (apsw.LockedError("database table is locked"), Busy, "in use by another process"),
        (apsw.ConstraintError("UNIQUE constraint failed"), Damaged, "does not answer as it must: UNIQUE"),
    ],
)
def test_failures_that_no_test_can_bring_about_have_their_sentence(
    path: Path, error: apsw.Error, kind: type[CounterfoilError], words: str
) -> None:
    told = sqlite._translate(error, path)
    assert type(told) is kind
    with pytest.raises(kind, match=words):
        raise told


def test_a_closed_database_says_so(path: Path) -> None:
    database = Sqlite(path)
    database.close()
    with pytest.raises(Damaged, match="closed"):
        database.row("SELECT 1")
