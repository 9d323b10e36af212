"""Repair: for each table and each kind of damage, the audit names it, and afterwards everything is what it was."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from counterfoil.errors import Damaged, NotFound, Unverified
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.repair import repair
from counterfoil.signer import LastSigned, encode_last_signed
from counterfoil.store.audit.stored import OF_ITEMS, TABLES
from counterfoil.store.sqlite import Sqlite
from tests.cli.calling import snapshot
from tests.recovery.sample import Made, archive_of, faults, grown, note, roots
from tests.store.changes import apply, entry
from tests.store.sample import Clock, build
from tests.store.tamper import Tamperer, opened, state

KINDS = {
    "alter": "a changed value",
    "retype": "one of another type",
    "delete": "a row gone",
    "copy": "a row too many",
}
FROM_THE_LOG = {"tile", "prior", "claim", "reference", "page"}
"""Tables that follow from the log, so that no copy of them is needed."""


def damage(home: Home, kind: str, table: str) -> str | None:
    """Make a change of this kind that SQL can see; None where the table allows none."""
    before = state(home.store)
    for seed in range(20):
        what: str | None = getattr(Tamperer(home.store, Random(seed)), kind)(table)
        if what is not None and state(home.store) != before:
            return what
    return None


@pytest.mark.parametrize("kind", KINDS, ids=KINDS.values())
@pytest.mark.parametrize("table", [table for table in TABLES if table not in OF_ITEMS])
def test_every_kind_of_damage_in_every_table(made: Made, home: Home, table: str, kind: str) -> None:
    if damage(home, kind, table) is None:
        assert (table, kind) == ("head", "copy"), "there is one head, as the schema says"
        return
    before = audit_home(home)
    assert before.found
    repaired = repair(home, None if table in FROM_THE_LOG else made.backup)
    assert (repaired.found, repaired.findings) == (before.found, before.findings)
    assert (repaired.whole, repaired.left, faults(home)) == (True, (), [])
    assert roots(home) == roots(Home(made.home))
    assert contents(home) == contents(Home(made.home))


def contents(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but two whose rows may be cut otherwise: the tail, and the index's pages."""
    with closing(Sqlite(home.store, read_only=True, untouched=True)) as database:
        return {
            table: sorted(database.query(f"SELECT * FROM {table}"), key=repr)
            for table in TABLES
            if table not in {"page", "tail"}
        }


def test_the_same_from_an_archive(made: Made, home: Home) -> None:
    for table in ("bundle", "taken", "checkpoint", "pending", "chunk", "head"):
        with opened(home.store) as database:
            database.execute(f"DELETE FROM {table}")
    (home.folder / "trust.json").write_bytes(b"{}")
    repaired = repair(home, made.archive)
    assert (repaired.left, repaired.files, repaired.root) == ((), ("trust.json",), made.root)
    assert contents(home) == contents(Home(made.home))


@pytest.mark.parametrize("source", ["backup", "archive"])
def test_a_store_that_is_gone_altogether(made: Made, home: Home, source: str) -> None:
    home.store.unlink()
    repaired = repair(home, getattr(made, source))
    assert (repaired.left, repaired.root, faults(home)) == ((), made.root, [])
    with Node.open(home.folder, clock=Clock(1_900_000_000)) as node:
        node.settle()


def test_a_file_that_is_no_database_any_more(made: Made, home: Home) -> None:
    home.store.write_bytes(b"\0" * 5000)
    assert repair(home, made.backup).left == ()
    assert roots(home) == roots(Home(made.home))


def test_what_follows_from_the_log_needs_no_copy(home: Home) -> None:
    with opened(home.store) as database:
        for table in sorted(FROM_THE_LOG):
            database.execute(f"DELETE FROM {table}")
    home.trust.unlink()
    repaired = repair(home)
    assert (repaired.left, repaired.files, faults(home)) == ((), ("trust.json",), [])


def test_an_older_backup_gives_what_it_has_and_the_log_keeps_what_came_after(
    home: Home, tmp_path: Path
) -> None:
    back_up(home, tmp_path / "older")
    last = grown(home, 40)
    whole = roots(home)
    with opened(home.store) as database:
        database.execute("DELETE FROM bundle WHERE number = 0")
        database.execute("DELETE FROM taken WHERE first < 300")
        database.execute("DELETE FROM claim")
    repaired = repair(home, tmp_path / "older")
    assert (repaired.left, roots(home), note(home)) == ((), whole, last)


@pytest.mark.parametrize("tile", [False, True], ids=["an entry", "an entry and the hash stored of it"])
def test_a_full_bundle_of_which_the_backup_has_only_the_beginning(
    home: Home, tmp_path: Path, tile: bool
) -> None:
    back_up(home, tmp_path / "older")
    grown(home, 120)
    whole = roots(home)
    apply(home.store, entry(425, b'"area":100', b'"area":101', tile=tile))
    assert any("T1002" in sentence for sentence in faults(home))
    assert repair(home, tmp_path / "older").left == ()
    assert roots(home) == whole


def test_without_a_healthy_copy_it_says_so_and_leaves_the_rest(home: Home) -> None:
    with opened(home.store) as database:
        database.execute("UPDATE chunk SET bytes = CAST('a dead' AS BLOB) WHERE length(bytes) = 6")
        database.execute("DELETE FROM claim")
    repaired = repair(home)
    assert repaired.found > 1
    assert [finding.sentence for finding in repaired.left] == faults(home)
    assert [finding.what for finding in repaired.left] == ["its bytes are not those that its name says"]
    with opened(home.store) as database:
        assert database.execute(
            "SELECT count(*) FROM chunk WHERE bytes = CAST('a dead' AS BLOB)"
        ).fetchall() == [(1,)]


def test_where_the_log_cannot_be_made_whole_nothing_of_it_changes(home: Home) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM bundle")
    before = home.store.read_bytes()
    repaired = repair(home)
    assert (repaired.whole, repaired.left) == (False, repaired.findings)
    assert home.store.read_bytes() == before


def test_some_rows_are_repaired_where_others_are_lost(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "older")
    grown(home, 5)
    with opened(home.store) as database:
        database.execute("DELETE FROM taken WHERE first = (SELECT min(first) FROM taken)")
        database.execute("DELETE FROM taken WHERE first = (SELECT max(first) FROM taken)")
        database.execute("DELETE FROM chunk WHERE number = 1")
    lost, last, document = [sentence.partition(":")[0] for sentence in faults(home)]
    assert (lost, last, document[:8]) == ("entry 6", "entry 460", "document")
    repaired = repair(home, tmp_path / "older")
    assert not repaired.whole
    assert [finding.where for finding in repaired.left] == ["entry 460"]


def test_a_dry_run_changes_nothing_and_says_what_would_come_of_it(made: Made, home: Home) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM bundle")
    home.trust.unlink()
    before = snapshot(home.folder)
    planned = repair(home, made.backup, dry_run=True)
    assert (planned.left, planned.root, planned.dry_run) == ((), made.root, True)
    assert snapshot(home.folder) == before
    assert repair(home, dry_run=True).left
    assert snapshot(home.folder) == before


def test_a_sound_one_is_left_alone(made: Made, home: Home) -> None:
    before = snapshot(home.folder)
    assert repair(home, made.backup).found == 0
    assert snapshot(home.folder) == before


def test_a_copy_of_another_history_is_refused(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    build(other)
    archive = archive_of(Home(other), tmp_path / "other.tar.zst")
    with opened(home.store) as database:
        database.execute("DELETE FROM bundle")
    before = home.store.read_bytes()
    with pytest.raises(Unverified, match="another history"):
        repair(home, archive)
    assert home.store.read_bytes() == before


def test_a_log_shorter_than_what_was_signed_is_never_put_in_its_place(made: Made, home: Home) -> None:
    grown(home)
    home.store.unlink()
    repaired = repair(home, made.backup)
    assert (repaired.whole, home.store.exists()) == (False, False)
    assert [finding.where for finding in repaired.left] == ["store.db"]


def test_what_the_key_signed_last_is_held_against_the_log(home: Home) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM claim")
    home.last_signed.write_bytes(encode_last_signed(LastSigned(400, "sha256:" + "0" * 64)))
    with pytest.raises(Unverified, match="this node has signed a log of 400 entries"):
        repair(home)


def test_a_lost_note_is_signed_once_more_and_says_the_same(home: Home) -> None:
    root = roots(home)
    with opened(home.store) as database:
        database.execute("DELETE FROM head")
        database.execute("DELETE FROM checkpoint WHERE size = 458")
    assert repair(home).left == ()
    assert roots(home) == root


def test_a_source_that_is_not_sound_itself_is_refused(made: Made, home: Home, tmp_path: Path) -> None:
    shutil.copytree(made.backup, tmp_path / "copy")
    with opened(home.store) as database:
        database.execute("DELETE FROM claim")
    with opened(tmp_path / "copy" / "store.db") as database:
        database.execute("DELETE FROM prior")
    with pytest.raises(Damaged, match="is not sound itself"):
        repair(home, tmp_path / "copy")
    with pytest.raises(NotFound, match="there is no file"):
        repair(home, tmp_path / "nothing")


def test_the_lists_beside_the_store_come_from_the_backup(home: Home, tmp_path: Path) -> None:
    home.witnesses.write_bytes(b'{"witnesses":[]}\n')
    back_up(home, tmp_path / "copy")
    home.witnesses.unlink()
    home.trust.write_bytes(home.trust.read_bytes()[:-9])
    repaired = repair(home, tmp_path / "copy")
    assert (repaired.files, repaired.left) == (("trust.json", "witnesses.json"), ())
    assert home.witnesses.read_bytes() == b'{"witnesses":[]}\n'
