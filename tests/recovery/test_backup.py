"""A backup: whole at one moment, audited, without keys, and either there or not there."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from counterfoil.errors import CounterfoilError, Damaged, NotFound, Unavailable, Unverified
from counterfoil.home import KEY_FILES, Home
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.unpack import audit_closed
from tests.recovery.sample import Made, faults, roots
from tests.store.sample import Clock, title
from tests.store.tamper import opened

ACCESS = b'{"tokens":[]}\n'


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_holds_the_store_and_what_lies_beside_and_no_key(home: Home, tmp_path: Path) -> None:
    home.access.write_bytes(ACCESS)
    done = back_up(home, tmp_path / "copy", clock=lambda: 1_800_000_123.9)
    copy = tmp_path / "copy"
    assert files(copy) == ["access.json", "backup", "store.db", "trust.json"]
    assert (copy / "access.json").read_bytes() == ACCESS
    assert done.bytes == sum((copy / name).stat().st_size for name in files(copy))
    assert (done.origin, done.entries, done.taken) == ("ledger.example/sample", 458, 1_800_000_123)
    assert done.root == roots(home)[0] == roots(Home(copy))[0]
    for name, _ in KEY_FILES.values():
        secret = (home.keys / name).read_text().strip()
        for file in files(copy):
            data = (copy / file).read_bytes()
            assert secret.encode() not in data
            assert bytes.fromhex(secret) not in data


def test_only_its_owner_can_read_it(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "copy", keys=tmp_path / "keys")
    for path in [tmp_path / "copy", tmp_path / "keys", *(tmp_path / "copy").iterdir()]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_copy_is_sound_to_its_last_byte(made: Made) -> None:
    audited = audit_closed(made.backup / "store.db")
    assert (audited.findings, labelled(audited.root)) == ((), made.root)
    assert not any("does not end with its sum" in each for each in audited.unchecked)


def test_keys_go_into_a_file_of_their_own_with_what_they_signed_last(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "copy", keys=tmp_path / "keys")
    written = json.loads((tmp_path / "keys").read_bytes())
    assert (written["format"], written["origin"]) == ("keys/v1", "ledger.example/sample")
    assert written["seeds"] == {
        use: (home.keys / name).read_text().strip() for use, (name, _) in KEY_FILES.items()
    }
    assert written["last-signed"] == {"size": 458, "root": roots(home)[0]}


def test_it_may_lack_the_keys_and_an_installation_may_not(home: Home, made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.backup, tmp_path / "copy")
    copy = Home(tmp_path / "copy")
    assert faults(copy) == []
    (copy.folder / "backup").write_bytes(b"not empty")
    assert faults(copy) == ["backup: it holds bytes, and must hold none"]
    (copy.folder / "backup").unlink()
    names = ["last-signed", *(name for name, _ in KEY_FILES.values())]
    assert [fault.partition(":")[0] for fault in faults(copy)] == [f"keys/{name}" for name in names]
    shutil.copytree(home.keys, copy.keys)
    (copy.folder / "backup").touch()
    assert faults(copy) == ["backup: it is no part of an installation"]


def test_an_attempt_to_write_into_it_does_not_spoil_it(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.backup, tmp_path / "copy")
    with pytest.raises(NotFound, match="without it this installation can only read"):
        Node.open(tmp_path / "copy", clock=Clock(1_900_000_000))
    assert (tmp_path / "copy" / "keys").is_dir()
    assert faults(Home(tmp_path / "copy")) == []


def test_the_files_beside_the_store_are_audited_too(home: Home, tmp_path: Path) -> None:
    home.trust.write_bytes(home.trust.read_bytes().replace(b"sample", b"simple"))
    with pytest.raises(Damaged, match=r"no backup was made \(trust.json: it is not the policy"):
        back_up(home, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_keys_that_are_no_members_are_not_written(home: Home, tmp_path: Path) -> None:
    home.create_key("checkpoint")
    with pytest.raises(Unverified, match="the file of keys holds keys that no member of the ledger"):
        back_up(home, tmp_path / "copy", keys=tmp_path / "keys")
    assert not (tmp_path / "keys").exists()


def test_one_that_writes_goes_on_meanwhile(home: Home, tmp_path: Path) -> None:
    clock = Clock()
    stop, failed = threading.Event(), []
    with Node.open(home.folder, clock=clock) as node:

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    node.submit([title(f"W{number}")])
                except CounterfoilError as error:
                    failed.append(error)
                    return

        writer = threading.Thread(target=write)
        writer.start()
        try:
            sizes = []
            for number in range(4):
                done = back_up(home, tmp_path / f"copy {number}")
                sizes.append(done.entries)
                with node.reading() as store:
                    assert labelled(store.root_at(done.entries)) == done.root
        finally:
            stop.set()
            writer.join()
    assert not failed
    assert sizes == sorted(sizes)
    assert 458 <= sizes[0] <= sizes[-1]


def test_a_store_that_is_not_sound_gives_no_backup(home: Home, tmp_path: Path) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM claim WHERE digest = (SELECT min(digest) FROM claim)")
    with pytest.raises(Damaged, match=r"is not sound, so no backup was made .*the log leads to it"):
        back_up(home, tmp_path / "copy", keys=tmp_path / "keys")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_nothing_that_is_there_is_overwritten(home: Home, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("mine")
    (tmp_path / "keys").write_text("mine")
    with pytest.raises(Unavailable, match="is there already"):
        back_up(home, tmp_path / "copy")
    with pytest.raises(Unavailable, match="is there already"):
        back_up(home, tmp_path / "other", keys=tmp_path / "keys")
    assert (tmp_path / "keys").read_text() == "mine"
    assert not (tmp_path / "other").exists()


def test_an_empty_folder_is_as_good_as_a_new_one(home: Home, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    assert back_up(home, tmp_path / "copy").entries == 458


def test_what_an_interrupted_one_has_left_is_begun_anew(home: Home, tmp_path: Path) -> None:
    part = tmp_path / ".copy.part"
    part.mkdir()
    (part / "store.db").write_bytes(b"half a store")
    back_up(home, tmp_path / "copy")
    assert not part.exists()
    assert audit_closed(tmp_path / "copy" / "store.db").findings == ()


def test_where_there_is_nothing_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no installation"):
        back_up(Home(tmp_path / "nothing"), tmp_path / "copy")
    with pytest.raises(Unavailable, match="make it first"):
        shutil.copytree(tmp_path, tmp_path / "home")
        (tmp_path / "home" / "store.db").touch()
        back_up(Home(tmp_path / "home"), tmp_path / "no" / "such")
