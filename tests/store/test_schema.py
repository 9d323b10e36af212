"""The tables are made once, brought up to date step by step, and never touched where they are not this program's."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from counterfoil.errors import Damaged, Unavailable
from counterfoil.store import schema
from counterfoil.store.schema import APPLICATION_ID, CREATE, VERSION, prepare, stored_version
from counterfoil.store.sqlite import Sqlite
from tests.store.office import TABLES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def statements(database: Sqlite) -> list[str]:
    return [
        sql for (sql,) in database.query("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY rowid")
    ]


def pragmas(database: Sqlite) -> tuple[int, int]:
    rows = database.row("PRAGMA user_version"), database.row("PRAGMA application_id")
    assert rows[0] is not None
    assert rows[1] is not None
    return rows[0][0], rows[1][0]


def test_an_empty_database_gets_every_table_and_says_whose_they_are(path: Path) -> None:
    database = Sqlite(path)
    assert stored_version(database) == 0
    prepare(database)
    assert statements(database) == list(CREATE)
    assert pragmas(database) == (VERSION, APPLICATION_ID)
    assert stored_version(database) == VERSION
    assert {name for (name,) in database.query("SELECT name FROM sqlite_master WHERE type = 'table'")} == set(
        TABLES
    )


def test_preparing_again_changes_nothing(path: Path) -> None:
    prepare(Sqlite(path))
    database = Sqlite(path)
    changes = database.row("PRAGMA data_version")
    prepare(database)
    assert Sqlite(path).row("SELECT total_changes()") == (0,)
    assert database.row("PRAGMA data_version") == changes
    assert statements(database) == list(CREATE)


def test_one_of_a_newer_program_is_refused_and_left_alone(path: Path) -> None:
    database = Sqlite(path)
    prepare(database)
    database.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(
        Unavailable, match=f"newer program .version {VERSION + 1}, this one knows {VERSION}.; upgrade"
    ):
        prepare(database)
    assert pragmas(database) == (VERSION + 1, APPLICATION_ID)


@pytest.mark.parametrize(
    "made_by",
    [
        "CREATE TABLE holidays (day TEXT)",
        "PRAGMA user_version=1",
        "PRAGMA application_id=1",
        f"PRAGMA application_id={APPLICATION_ID}",
    ],
    ids=["another table", "a version alone", "another program", "no version"],
)
def test_a_database_of_another_program_is_refused_and_left_alone(path: Path, made_by: str) -> None:
    with_other = apsw.Connection(str(path))
    with_other.execute("PRAGMA journal_mode=DELETE")
    with_other.execute(made_by)
    with_other.close()
    database = Sqlite(path)
    before = statements(database), pragmas(database)
    with pytest.raises(Damaged, match="not one of this program"):
        prepare(database)
    assert (statements(database), pragmas(database)) == before


def test_a_failure_while_the_tables_are_made_leaves_an_empty_database(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "CREATE", (*CREATE[:5], "CREATE TABLE bundle (again INTEGER)"))
    database = Sqlite(path)
    with pytest.raises(Damaged, match="already exists"):
        prepare(database)
    assert statements(database) == []
    assert stored_version(database) == 0
    monkeypatch.undo()
    prepare(database)
    assert statements(database) == list(CREATE)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program two versions on: the first step adds a table, the second one a column to it."""
    steps = {
        VERSION: ("CREATE TABLE later (number INTEGER PRIMARY KEY)", "INSERT INTO later VALUES (7)"),
        VERSION + 1: ("ALTER TABLE later ADD COLUMN name TEXT NOT NULL DEFAULT 'none'",),
    }
    monkeypatch.setattr(schema, "VERSION", VERSION + 2)
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS | steps)
    monkeypatch.setattr(
        schema, "CREATE", (*CREATE, "CREATE TABLE later (number INTEGER PRIMARY KEY, name TEXT)")
    )


@pytest.fixture
def old(path: Path) -> Path:
    """A store of this version, with a row in it."""
    database = Sqlite(path)
    prepare(database)
    database.execute("INSERT INTO prior (number, previous) VALUES (3, 1)")
    database.close()
    return path


def test_an_older_store_goes_through_every_step_in_order(old: Path, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("later")
    database = Sqlite(old)
    prepare(database)
    assert list(database.query("SELECT * FROM later")) == [(7, "none")]
    assert list(database.query("SELECT * FROM prior")) == [(3, 1)]
    assert pragmas(database) == (VERSION + 2, APPLICATION_ID)


def test_a_store_halfway_takes_only_the_steps_that_it_lacks(
    old: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("later")
    database = Sqlite(old)
    for statement in schema.MIGRATIONS[VERSION]:
        database.execute(statement)
    database.execute(f"PRAGMA user_version={VERSION + 1}")
    prepare(database)
    assert list(database.query("SELECT * FROM later")) == [(7, "none")]


def test_a_step_that_fails_leaves_the_store_as_it_was(
    old: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request.getfixturevalue("later")
    broken = schema.MIGRATIONS | {
        VERSION + 1: ("DROP TABLE prior", "ALTER TABLE nowhere ADD COLUMN name TEXT")
    }
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    database = Sqlite(old)
    with pytest.raises(Damaged, match="nowhere"):
        prepare(database)
    assert statements(database) == list(CREATE)
    assert pragmas(database) == (VERSION, APPLICATION_ID)
    assert list(database.query("SELECT * FROM prior")) == [(3, 1)]


def test_a_new_store_begins_at_the_latest_version_without_any_step(path: Path, later: None) -> None:
    database = Sqlite(path)
    prepare(database)
    assert list(database.query("SELECT * FROM later")) == []
    assert stored_version(database) == VERSION + 2


def test_there_is_a_step_from_every_earlier_version() -> None:
    assert set(schema.MIGRATIONS) == set(range(1, VERSION))
