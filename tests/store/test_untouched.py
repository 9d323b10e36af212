"""Reading a SQLite file in place: with what its write-ahead log holds, and without a trace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import CounterfoilError, Unavailable
from counterfoil.store.sqlite import PAGE_SIZE, Sqlite
from counterfoil.store.untouched import connect_to_read, connect_untouched, first_page, wal_of


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A store whose last process closed it: there is no log beside it."""
    path = tmp_path / "closed" / "a store?mode=rw%41.db"
    path.parent.mkdir()
    database = Sqlite(path)
    database.execute("CREATE TABLE word (text TEXT)")
    database.execute_many("INSERT INTO word VALUES (?)", [("one",), ("two",)])
    database.close()
    assert list(path.parent.iterdir()) == [path]
    return path


@pytest.fixture
def open_(closed: Path) -> Iterator[tuple[Path, Sqlite]]:
    """A store that a process still writes to: the last word is in the log alone."""
    database = Sqlite(closed)
    database.execute("INSERT INTO word VALUES ('three')")
    yield closed, database
    database.close()


@pytest.fixture
def killed(open_: tuple[Path, Sqlite], tmp_path: Path) -> Path:
    """What a process leaves that is killed: file and log, and no index of the log that could be trusted."""
    path, _ = open_
    folder = shutil.copytree(path.parent, tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm"))
    return folder / path.name


def words(connection: apsw.Connection) -> list[str]:
    try:
        return [text for (text,) in connection.execute("SELECT text FROM word")]
    finally:
        connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_closed_one_is_read(closed: Path) -> None:
    before = contents(closed.parent)
    assert words(connect_untouched(closed)) == ["one", "two"]
    assert contents(closed.parent) == before


def test_one_that_was_killed_is_read_with_its_log(killed: Path) -> None:
    before = contents(killed.parent)
    assert words(connect_untouched(killed)) == ["one", "two", "three"]
    assert contents(killed.parent) == before


def test_a_log_that_is_cut_counts_to_its_last_whole_transaction(killed: Path) -> None:
    wal_of(killed).write_bytes(wal_of(killed).read_bytes()[:-1])
    assert words(connect_untouched(killed)) == ["one", "two"]


def test_an_empty_log_is_none(closed: Path) -> None:
    wal_of(closed).write_bytes(b"")
    assert words(connect_untouched(closed)) == ["one", "two"]


@pytest.mark.parametrize("state", ["closed", "killed"])
def test_nothing_can_be_written(state: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(state)
    before = contents(path.parent)
    connection = connect_untouched(path)
    for sql in ("INSERT INTO word VALUES ('four')", "PRAGMA user_version = 7", "DROP TABLE word"):
        with pytest.raises(apsw.ReadOnlyError):
            connection.execute(sql)
    connection.close()
    assert contents(path.parent) == before


def test_what_is_sorted_may_lie_elsewhere(killed: Path) -> None:
    connection = connect_untouched(killed)
    connection.execute("PRAGMA temp_store = FILE; PRAGMA cache_size = 10")
    rows = connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " SELECT DISTINCT hex(randomblob(200)) AS x FROM n ORDER BY x"
    ).fetchall()
    connection.close()
    assert len(rows) == 20_000


def test_what_is_not_there_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        connect_untouched(tmp_path / "none.db")
    with pytest.raises(Unavailable):
        Sqlite(tmp_path / "none.db", read_only=True, untouched=True)


def test_a_store_takes_it_by_a_word(killed: Path) -> None:
    before = contents(killed.parent)
    database = Sqlite(killed, read_only=True, untouched=True)
    assert list(database.query("SELECT count(*) FROM word")) == [(3,)]
    with pytest.raises(CounterfoilError, match="read-only"):
        database.execute("DELETE FROM word")
    database.close()
    assert contents(killed.parent) == before


def test_beside_a_process_that_writes_it_reads_as_any_other(open_: tuple[Path, Sqlite]) -> None:
    path, writer = open_
    reader = connect_to_read(path, untouched=False)
    writer.execute("INSERT INTO word VALUES ('four')")
    assert words(reader) == ["one", "two", "three", "four"]


# The first page


def test_the_first_page_is_that_of_the_file(closed: Path) -> None:
    assert first_page(closed, 100) == closed.read_bytes()[:100]


def test_or_the_last_that_the_log_has_of_it(closed: Path, tmp_path: Path) -> None:
    database = Sqlite(closed)
    for version in (3, 4, 5):
        database.execute(f"PRAGMA user_version = {version}")
    copy = shutil.copytree(closed.parent, tmp_path / "killed") / closed.name
    database.close()
    assert int.from_bytes(copy.read_bytes()[60:64], "big") == 0
    assert int.from_bytes(first_page(copy, PAGE_SIZE)[60:64], "big") == 5
    assert first_page(copy, PAGE_SIZE) == closed.read_bytes()[:PAGE_SIZE]


def test_of_whole_transactions_alone(closed: Path, tmp_path: Path) -> None:
    database = Sqlite(closed)
    for version in (3, 4):
        database.execute(f"PRAGMA user_version = {version}")
    copy = shutil.copytree(closed.parent, tmp_path / "killed") / closed.name
    database.close()
    wal_of(copy).write_bytes(wal_of(copy).read_bytes()[:-100])
    assert int.from_bytes(first_page(copy, PAGE_SIZE)[60:64], "big") == 3


def test_frames_of_an_earlier_round_do_not_count(killed: Path) -> None:
    log = bytearray(wal_of(killed).read_bytes())
    log[16] ^= 1
    wal_of(killed).write_bytes(log)
    assert first_page(killed, 100) == killed.read_bytes()[:100]


def test_a_log_that_is_none_changes_nothing(closed: Path) -> None:
    for log in (b"", b"x", b"\0" * 4096, os.urandom(5000)):
        wal_of(closed).write_bytes(log)
        assert first_page(closed, 100) == closed.read_bytes()[:100]
