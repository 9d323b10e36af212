"""Whatever changes in the file behind the keyring's back, the audit names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.keyring.keyring import Keyring
from tests.keyring.office import change, look, opened, put


@pytest.fixture
def path(keyring: Keyring, folder: Path) -> Path:
    """A closed keyring with rows in every table."""
    put(keyring, 5, "birth")
    put(keyring, 2, "death")
    keyring.secret("desk")
    keyring.destroy([2, 4], "erasure")
    keyring.make_recovery(1, 1)
    keyring.backup(folder.parent / "first", 30)
    keyring.backup(folder.parent / "second", 30)
    keyring.forget_backup(1)
    keyring.close()
    return folder / "keyring.db"


def faults(path: Path) -> list[str]:
    with opened(path, read_only=True) as keyring:
        return list(keyring.faults())


def test_a_sound_keyring_has_no_fault(path: Path) -> None:
    assert faults(path) == []


COLUMNS = [
    ("key", "wrapped", "id = 3", "key 3 is damaged"),
    ("secret", "wrapped", "name = 'desk'", "secret desk is damaged"),
    ("batch", "last", "first = 6", "batch 6 is damaged"),
    ("batch", "transaction_hash", "first = 6", "batch 6 is damaged"),
    ("batch", "deadline", "first = 6", "batch 6 is damaged"),
    ("batch", "mac", "first = 6", "batch 6 is damaged"),
    ("destroyed", "ranges", "number = 1", "erasure 1 is damaged"),
    ("destroyed", "entry", "number = 1", "erasure 1 is damaged"),
    ("destroyed", "time", "number = 1", "erasure 1 is damaged"),
    ("destroyed", "mac", "number = 1", "erasure 1 is damaged"),
    ("backup", "epoch", "number = 2", "backup note 2 is damaged"),
    ("backup", "time", "number = 2", "backup note 2 is damaged"),
    ("backup", "keep_until", "number = 2", "backup note 2 is damaged"),
    ("backup", "destroyed", "number = 1", "backup note 1 is damaged"),
    ("backup", "mac", "number = 2", "backup note 2 is damaged"),
]


@pytest.mark.parametrize(("table", "column", "where", "named"), COLUMNS)
def test_a_changed_byte_of_any_row_is_named(
    path: Path, table: str, column: str, where: str, named: str
) -> None:
    ((value,),) = look(path, f"SELECT {column} FROM {table} WHERE {where}")
    match value:
        case bytes():
            changed: object = bytes((value[0] ^ 1,)) + value[1:]
        case int():
            changed = value + 1
        case _:
            changed = str(value).replace("4", "5") + " "
    change(path, f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))
    assert any(named in fault for fault in faults(path))


@pytest.mark.parametrize("column", ["wrapped", "protector", "generation", "checksum"])
def test_a_changed_master_row_lets_nothing_be_opened(path: Path, column: str) -> None:
    change(path, f"UPDATE master SET {column} = {'7' if column == 'generation' else 'zeroblob(32)'}")
    with pytest.raises(CounterfoilError, match=r"the master row of the keyring .* is damaged"):
        faults(path)


@pytest.mark.parametrize(
    "column", ["generation", "reserved", "keys", "batches", "secrets", "erasures", "backups", "scrub"]
)
def test_a_changed_total_is_named_and_lets_nothing_be_written(path: Path, column: str) -> None:
    change(path, f"UPDATE total SET {column} = {column} + 1")
    assert faults(path) == [f"the total row of the keyring {path} is damaged; restore it from a backup"]
    with pytest.raises(Damaged, match="total row"), opened(path) as keyring:
        put(keyring, 1)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("DELETE FROM key WHERE id = 3", "the keyring's key 3 is missing, and no erasure names it"),
        ("DELETE FROM key WHERE id = 7", "the keyring's key 7 is missing, and no erasure names it"),
        ("DELETE FROM batch WHERE first = 1", "the keyring's key 1 belongs to no batch"),
        ("DELETE FROM batch WHERE first = 6", "the keyring's key 7 belongs to no batch"),
        ("DELETE FROM secret WHERE name = 'desk'", "table secret has 2 rows and must have 3"),
        ("DELETE FROM destroyed", "the keyring's key 2 is missing, and no erasure names it"),
        ("DELETE FROM destroyed", "table destroyed has 0 rows and must have 1"),
        ("DELETE FROM backup WHERE number = 2", "table backup has 1 rows and must have 2"),
        ("UPDATE key SET id = 9 WHERE id = 3", "the keyring's key 9 is damaged"),
        ("INSERT INTO key SELECT 4, wrapped FROM key WHERE id = 3", "the keyring's key 4 is damaged"),
        ("INSERT INTO secret SELECT 'x', wrapped FROM secret WHERE name = 'desk'", "secret x is damaged"),
    ],
)
def test_a_row_that_is_missing_moved_or_surplus_is_named(path: Path, sql: str, named: str) -> None:
    change(path, sql)
    assert any(named in fault for fault in faults(path))


def test_a_batch_that_is_gone_with_all_its_keys_is_counted(path: Path) -> None:
    change(path, "DELETE FROM batch WHERE first = 6")
    change(path, "DELETE FROM key WHERE id IN (6, 7)")
    assert faults(path) == [
        "the keyring's table key has 3 rows and must have 5",
        "the keyring's table batch has 1 rows and must have 2",
    ]


def test_a_damaged_key_is_refused_and_the_others_are_served(path: Path) -> None:
    change(path, "UPDATE key SET wrapped = zeroblob(48) WHERE id = 3")
    with opened(path) as keyring:
        with pytest.raises(Damaged, match="key 3 is damaged; restore the keyring from a backup"):
            keyring.key(3)
        assert len(keyring.key(1)) == 32
