"""Items go with a store wherever it goes, and not into what is public; what was erased does not come back."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.proof.entry import Proposal
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.repair import repair
from counterfoil.recovery.restore import restore
from counterfoil.recovery.still import still_store
from counterfoil.store.items import ERASED
from tests.recovery.sample import archive_of
from tests.recovery.test_repair import KINDS, damage
from tests.store.changes import Change, apply, every, flipped, sql
from tests.store.item_sample import build_items
from tests.store.sample import Clock, open_node
from tests.store.test_audit_items import made_old
from tests.store.test_erasure import FIRST, erase_person

TABLES = ("item", "item_waiting", "blind", "blind_end")


@pytest.fixture(scope="session")
def made_items(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An installation with items, and a backup of it; they are shared, so nobody may write to them."""
    folder = tmp_path_factory.mktemp("recovered")
    build_items(folder / "home")
    back_up(Home(folder / "home"), folder / "backup")
    return folder / "home", folder / "backup"


@pytest.fixture
def home(made_items: tuple[Path, Path], tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(made_items[0], tmp_path / "home")))


@pytest.fixture
def backup(made_items: tuple[Path, Path]) -> Path:
    return made_items[1]


def rows(home: Home) -> dict[str, list[tuple[object, ...]]]:
    with closing(
        apsw.Connection(f"{home.store.as_uri()}?immutable=1", flags=apsw.SQLITE_OPEN_URI | 1)
    ) as database:
        return {table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def test_a_backup_has_them_and_what_is_restored_from_it_too(home: Home, backup: Path, tmp_path: Path) -> None:
    assert rows(Home(backup)) == rows(home)
    restored = Home(tmp_path / "restored")
    restore(backup, restored)
    assert rows(restored) == rows(home)
    assert audit_home(restored).findings == ()


def test_an_archive_has_none_and_what_is_restored_from_it_says_so(home: Home, tmp_path: Path) -> None:
    with still_store(home.store) as store:
        secret = store.item(FIRST)[0].sealed
    archive = archive_of(home, tmp_path / "ledger.tar.zst")
    restored = Home(tmp_path / "restored")
    restore(archive, restored)
    assert secret in home.store.read_bytes()
    assert secret not in restored.store.read_bytes()
    result = audit_home(restored)
    assert result.findings == ()
    assert "items that are kept elsewhere (15)" in result.unchecked


@pytest.mark.parametrize(
    "change",
    [
        flipped("item", "parts", f"number = {FIRST + 2}", 50),
        sql(f"DELETE FROM item WHERE number = {FIRST + 2}"),
        sql("DELETE FROM item"),
        sql("DELETE FROM item_waiting"),
        flipped("item_waiting", "tokens", "1"),
        sql("DELETE FROM blind"),
        sql("UPDATE blind_end SET number = 1"),
        sql("UPDATE blind SET number = 2 WHERE token = 1048576"),
        sql("DROP TABLE item"),
    ],
)
def test_what_was_damaged_is_repaired_from_a_backup(home: Home, backup: Path, change: Change) -> None:
    before = rows(home)
    apply(home.store, change)
    done = repair(home, backup)
    assert done.found
    assert done.left == ()
    after = rows(home)
    ends = before.pop("blind_end"), after.pop("blind_end")
    assert after == before
    assert [len(each) for each in ends] == [1, 1]


@pytest.mark.parametrize("kind", KINDS, ids=KINDS.values())
@pytest.mark.parametrize("table", TABLES)
def test_every_kind_of_damage_in_every_table(home: Home, backup: Path, table: str, kind: str) -> None:
    if damage(home, kind, table) is None:
        assert (table, kind) == ("blind_end", "copy"), "there is one end, as the schema says"
        return
    found = audit_home(home).found
    assert found
    done = repair(home, backup)
    assert (done.found, done.left) == (found, ())


def test_the_blind_index_is_made_anew_without_a_backup(home: Home) -> None:
    before = rows(home)["blind"]
    apply(home.store, every(sql("DELETE FROM blind WHERE token = 7"), sql("INSERT INTO blind VALUES (1, 1)")))
    assert repair(home).left == ()
    assert rows(home)["blind"] == before


def test_an_item_of_which_there_is_no_other_copy_stays_as_it_is_and_is_named(
    home: Home, backup: Path
) -> None:
    apply(home.store, flipped("item", "parts", f"number = {FIRST + 2}", 50))
    assert [each.number for each in repair(home).left][:1] == [FIRST + 2]
    assert repair(home, backup).left == ()


@pytest.mark.parametrize(
    "change",
    [
        sql(f"DELETE FROM item WHERE number = {FIRST + 7}"),
        flipped("item", "parts", f"number = {FIRST + 7}", 10),
        flipped("item", "parts", f"number = {FIRST + 2}", 10),
    ],
)
def test_what_was_erased_is_not_brought_back_by_an_older_backup(
    home: Home, backup: Path, change: Change
) -> None:
    with open_node(home.folder, Clock()) as node:
        gone = erase_person(node, 7)
        node.store.scrub()
    apply(home.store, change)
    assert repair(home, backup).left == ()
    stored = home.store.read_bytes()
    assert [each for each in gone if each in stored] == []
    with still_store(home.store) as store:
        assert [each.key for each in store.item(FIRST + 7)] == [ERASED, ERASED]
        assert FIRST + 7 not in store.search(7)
        assert FIRST + 2 in store.search(7)


def test_a_store_that_was_lost_comes_back_from_a_backup_with_its_items(home: Home, backup: Path) -> None:
    before = rows(home)
    home.store.unlink()
    assert repair(home, backup).left == ()
    after = rows(home)
    assert (after["item"], after["blind"]) == (before["item"], before["blind"])


def test_a_damaged_store_of_before_there_were_items_is_repaired_as_one(home: Home) -> None:
    made_old(home.store)
    apply(home.store, sql("DELETE FROM prior"))
    done = repair(home)
    assert done.found
    assert done.left == ()
    assert "items that are kept elsewhere (15)" in audit_home(home).unchecked


def test_a_backup_of_before_there_were_items_is_restored(home: Home, tmp_path: Path) -> None:
    made_old(home.store)
    back_up(home, tmp_path / "backup")
    restored = Home(tmp_path / "restored")
    restore(tmp_path / "backup", restored)
    assert audit_home(restored).findings == ()


def test_a_version_after_an_erasure_is_written_on_what_was_repaired(home: Home, backup: Path) -> None:
    apply(home.store, sql("DELETE FROM item"))
    assert repair(home, backup).left == ()
    with open_node(home.folder, Clock()) as node:
        node.submit([Proposal("person", "P8", "close", 2, status="alive", item=node.entry(FIRST + 8).item)])
    assert audit_home(home).findings == ()
