"""Restore: the same roots in a new folder, which only reads until it was asked."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from counterfoil.errors import Damaged, Malformed, NotFound, Refused, Unavailable, Unverified
from counterfoil.home import KEY_FILES, Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.keys_file import load_keys
from counterfoil.recovery.mark import UNPACKING, Mark, write_mark
from counterfoil.recovery.restore import restore
from counterfoil.recovery.resume import resume
from tests.recovery.sample import Made, Other, archive_of, faults, roots
from tests.store.sample import Clock, title
from tests.store.tamper import opened


@pytest.mark.parametrize("source", ["backup", "archive"])
def test_it_has_the_same_roots(made: Made, tmp_path: Path, source: str) -> None:
    new = Home(tmp_path / "new")
    restored = restore(getattr(made, source), new, keys=made.keys)
    assert (restored.origin, restored.entries, restored.root) == ("ledger.example/sample", 458, made.root)
    assert roots(new) == roots(Home(made.home))
    assert new.trust.read_bytes() == (made.home / "trust.json").read_bytes()
    assert faults(new) == []


def test_an_archive_without_a_published_end_too(home: Home, tmp_path: Path) -> None:
    clock = Clock(1_900_000_000)
    with Node.open(home.folder, clock=clock) as node:
        node.submit([title("unpublished")])
        node.submit([title("unpublished too")])
        size = node.store.head.size
        archive_of(home, tmp_path / "archive.tar.zst")
    new = Home(tmp_path / "new")
    assert restore(tmp_path / "archive.tar.zst", new).entries == size
    assert faults(new) == []


def test_it_reads_and_does_not_write(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    restore(made.backup, new, keys=made.keys)
    with Node.open(new.folder, read_only=True) as node:
        record = node.record("title", "T5")
        assert record is not None
        assert record.version == 2
    before = roots(new)
    with pytest.raises(Refused, match=r"was restored, .* counterfoil restore --resume"):
        Node.open(new.folder)
    assert (roots(new), faults(new)) == (before, [])


def test_without_keys_the_audit_says_that_they_are_not_here(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    assert restore(made.backup, new).keys is False
    audited = audit_home(new)
    assert audited.findings == ()
    assert "this agency's keys and what they signed last, which are not here" in audited.unchecked


def test_keys_have_the_modes_that_keys_have(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    restore(made.backup, new, keys=made.keys)
    for name in ("last-signed", *(name for name, _ in KEY_FILES.values())):
        assert (new.keys / name).stat().st_mode & 0o777 == 0o600
        assert (new.keys / name).read_bytes() == (made.home / "keys" / name).read_bytes()


def test_a_folder_that_holds_something_is_refused(made: Made, home: Home) -> None:
    before = roots(home)
    with pytest.raises(Unavailable, match="holds other things already"):
        restore(made.backup, home)
    assert roots(home) == before


def test_an_interrupted_one_is_done_anew(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    new.create()
    write_mark(new, Mark(UNPACKING, str(made.backup)))
    new.store.write_bytes(b"half")
    (new.keys / "endorse.ed25519").write_text("of an attempt to write to it")
    with pytest.raises((Refused, Damaged, Malformed, NotFound)):
        Node.open(new.folder)
    assert restore(made.backup, new).root == made.root
    assert (faults(new), new.keys.exists()) == ([], False)


def test_a_damaged_source_gives_nothing_that_could_be_used(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.backup, tmp_path / "copy")
    with opened(tmp_path / "copy" / "store.db") as database:
        database.execute("DELETE FROM tile")
    new = Home(tmp_path / "new")
    with pytest.raises(Damaged, match=r"not sound itself \(tile 0 of level 0"):
        restore(tmp_path / "copy", new)
    assert not new.store.exists()
    assert restore(made.backup, new).root == made.root


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format":"keys/v1","seeds":{},"last-signed":{"size":0,"root":""}}']
)
def test_a_file_that_holds_no_keys_is_refused_before_anything_is_made(
    made: Made, tmp_path: Path, text: str
) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(Malformed, match="holds no keys"):
        restore(made.backup, Home(tmp_path / "new"), keys=tmp_path / "keys")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("which", "why"),
    [
        (
            "keys",
            r"the file of keys is of the ledger 'ledger.example/other', and this is 'ledger.example/sample'",
        ),
        ("posing", r"the file of keys holds keys that no member of the ledger 'ledger.example/sample' lists"),
    ],
    ids=["another ledger's", "another ledger's that name this one"],
)
def test_keys_of_another_ledger_are_refused(
    made: Made, other: Other, tmp_path: Path, which: str, why: str
) -> None:
    new = Home(tmp_path / "new")
    with pytest.raises(Unverified, match=why):
        restore(made.backup, new, keys=getattr(other, which))
    assert not new.folder.exists()
    restore(made.backup, new)
    with pytest.raises(Unverified, match=why):
        resume(new, keys=load_keys(getattr(other, which)))
    assert (new.keys.exists(), faults(new), roots(new)) == (False, [], roots(Home(made.home)))


def test_keys_of_another_ledger_that_were_put_there_by_hand_too(
    made: Made, other: Other, tmp_path: Path
) -> None:
    new = Home(tmp_path / "new")
    restore(made.backup, new)
    shutil.copytree(other.home / "keys", new.keys)
    with pytest.raises(Unverified, match="new/keys holds keys that no member of the ledger"):
        resume(new)
    assert resume(new, keys=load_keys(made.keys)).predecessor is None
    assert faults(new) == []


def test_a_successor_keeps_the_old_ledger_through_backup_and_restore(succeeded: Home, tmp_path: Path) -> None:
    (kept,) = (succeeded.folder / "predecessors").iterdir()
    done = back_up(succeeded, tmp_path / "copy", keys=tmp_path / "keys")
    copy = tmp_path / "copy" / "predecessors" / kept.name
    assert (copy.read_bytes(), faults(Home(tmp_path / "copy"))) == (kept.read_bytes(), [])
    assert (done.lacking, done.bytes > copy.stat().st_size) == ((), True)
    new = Home(tmp_path / "new")
    restore(tmp_path / "copy", new, keys=tmp_path / "keys")
    assert (new.folder / "predecessors" / kept.name).read_bytes() == kept.read_bytes()
    assert (resume(new).entries, faults(new)) == (done.entries, [])


def test_where_the_old_ledger_is_lost_the_new_one_is_backed_up_and_restored_all_the_same(
    succeeded: Home, tmp_path: Path
) -> None:
    (kept,) = (succeeded.folder / "predecessors").iterdir()
    kept.unlink()
    what = f"predecessors/{kept.name}: it holds the ledger that went before, and is missing"
    assert back_up(succeeded, tmp_path / "copy").lacking == (what,)
    restore(tmp_path / "copy", Home(tmp_path / "new"))
    assert faults(Home(tmp_path / "new")) == [what]


def test_a_full_disk_is_the_targets(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source))

    new = Home(tmp_path / "new")
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(Unavailable) as refused:
        restore(made.backup, new)
    assert str(refused.value) == (
        f"the disk that holds {new.folder / 'cache' / 'restore' / 'store.db'} is full; make room and try again"
    )
    assert not new.folder.exists()


def test_one_that_came_to_its_end_goes_on_with_resume(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    restore(made.backup, new)
    with pytest.raises(Unavailable) as refused:
        restore(made.backup, new)
    assert str(refused.value) == (
        f"{new.folder} was restored already, from {made.backup}; go on with: counterfoil restore --resume --home "
        f"{new.folder}"
    )
    assert faults(new) == []


@pytest.mark.parametrize("there", [False, True], ids=["new", "empty"])
def test_one_that_fails_leaves_nothing(made: Made, tmp_path: Path, there: bool) -> None:
    new = Home(tmp_path / "new")
    if there:
        new.folder.mkdir()
    (tmp_path / "no backup").mkdir()
    with pytest.raises(NotFound, match="is no backup"):
        restore(tmp_path / "no backup", new)
    assert new.folder.exists() == there
    assert restore(made.backup, new).root == made.root


def test_no_message_shows_a_key(made: Made, tmp_path: Path) -> None:
    data = made.keys.read_text()
    (tmp_path / "keys").write_text(data.replace("keys/v1", "keys/v9"))
    with pytest.raises(Malformed) as refused:
        restore(made.backup, Home(tmp_path / "new"), keys=tmp_path / "keys")
    seed = (made.home / "keys" / "endorse.ed25519").read_text().strip()
    assert seed in data
    assert seed not in str(refused.value)
