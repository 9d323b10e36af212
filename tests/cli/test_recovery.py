"""`counterfoil backup`, `repair`, `restore` and `archive`: what they say, and with which code they end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from counterfoil.home import Home
from tests.cli.calling import process, snapshot
from tests.cli.conftest import Command
from tests.recovery.sample import roots
from tests.store.tamper import opened

ORIGIN = "registers.example/land"


@pytest.fixture
def backup(command: Command, land: Path, tmp_path: Path) -> Path:
    """A backup of the installation; the keys are beside it."""
    assert command("backup", tmp_path / "backup", "--with-keys", tmp_path / "land.keys").code == 0
    return tmp_path / "backup"


@pytest.fixture
def archive(command: Command, land: Path, tmp_path: Path) -> Path:
    """An archive of the whole ledger."""
    assert command("archive", "--out", tmp_path / "land.tar.zst").code == 0
    return tmp_path / "land.tar.zst"


def size_and_root(home: Path) -> tuple[int, str]:
    from counterfoil.node import Node

    with Node.open(home, read_only=True) as node:
        return node.store.head.size, roots(Home(home))[0]


def test_backup_says_what_it_holds(land: Path, tmp_path: Path) -> None:
    size, root = size_and_root(land)
    ended = process("backup", tmp_path / "copy", "--json")
    assert (ended.code, ended.err) == (0, "")
    result = dict(ended.result)
    assert result.pop("bytes") == sum(path.stat().st_size for path in (tmp_path / "copy").iterdir())
    assert result.pop("taken").endswith("Z")
    assert result == {
        "backup": str(tmp_path / "copy"),
        "origin": ORIGIN,
        "entries": size,
        "root": root,
        "keys": None,
    }


def test_backup_says_where_the_keys_are_or_that_they_are_not(
    command: Command, land: Path, tmp_path: Path
) -> None:
    assert "It holds no key" in command("backup", tmp_path / "one").text
    told = command("backup", tmp_path / "two", "--with-keys", tmp_path / "keys").text
    assert f"The keys are in {tmp_path / 'keys'}: whoever has that file can sign as this agency." in told


@pytest.mark.usefixtures("land")
def test_backup_writes_over_nothing(command: Command, backup: Path) -> None:
    before = snapshot(backup)
    told = command("backup", backup, "--json")
    assert (told.code, told.error["kind"]) == (3, "unavailable")
    assert snapshot(backup) == before


def test_repair_with_nothing_to_repair(command: Command, land: Path) -> None:
    ended = command("repair")
    assert (ended.code, ended.text.splitlines()) == (
        0,
        [
            f"{size_and_root(land)[0]} entries in {land}: everything stored is what it must be; nothing to repair"
        ],
    )


def test_repair_from_a_backup(command: Command, land: Path, backup: Path) -> None:
    healthy = roots(Home(land))
    with opened(land / "store.db") as database:
        database.execute("DELETE FROM taken WHERE first = (SELECT min(first) FROM taken)")
    assert command("audit").code == 1
    planned = command("repair", "--from", backup, "--dry-run")
    assert planned.code == 0
    assert "All of them would be repaired" in planned.text
    assert command("audit").code == 1
    without = command("repair", "--json")
    assert without.code == 1
    assert (without.result["whole"], len(without.result["left"])) == (False, 1)
    assert "for there is no healthy copy of it" in command("repair").text
    told = command("repair", "--from", backup)
    assert told.code == 0
    assert told.text.splitlines()[-1] == f"All of them repaired; log root {healthy[0]}"
    assert (command("audit").code, roots(Home(land))) == (0, healthy)


def test_repair_puts_keys_back_and_says_what_comes_next(
    command: Command, land: Path, backup: Path, tmp_path: Path
) -> None:
    hint = "No backup holds a key. Put the keys back from the file that backup --with-keys has written: --keys FILE"
    shutil.rmtree(land / "keys")
    left = command("repair", "--from", backup)
    assert (left.code, left.text.splitlines()[-1]) == (1, hint)
    planned = command("repair", "--keys", tmp_path / "land.keys", "--dry-run")
    assert (planned.code, (land / "keys").exists()) == (0, False)
    assert planned.text.splitlines()[-1].startswith("All of them would be repaired")
    told = command("repair", "--keys", tmp_path / "land.keys")
    assert told.code == 0
    assert told.text.splitlines()[-3:] == [
        f"All of them repaired; log root {roots(Home(land))[0]}",
        "What its key has signed last was lost, so that it only reads, until it is known what others were shown:",
        f"  counterfoil restore --resume --home {land} --seen FILE",
    ]
    write = ("record", "create", "land-title", "9", "--field", "owner=Ida")
    assert command(*write).code == 3
    assert command("restore", "--resume", "--home", land, "--nothing-seen").code == 0
    assert (command(*write).code, command("audit").code) == (0, 0)


def test_repair_says_what_each_kind_of_fault_asks_for(command: Command, land: Path, backup: Path) -> None:
    (land / "stray").touch()
    assert command("repair", "--from", backup).text.splitlines()[-1] == "Move away what is no part of it."
    with opened(land / "store.db") as database:
        database.execute("DELETE FROM taken WHERE first = (SELECT min(first) FROM taken)")
    assert command("repair").text.splitlines()[-2:] == [
        "What is damaged is refused when it is asked for. Try another backup, or an archive: --from",
        "Move away what is no part of it.",
    ]


def test_repair_counts_what_an_older_backup_lacks(command: Command, land: Path, backup: Path) -> None:
    copied, _ = size_and_root(backup)
    command("record", "create", "land-title", "9", "--field", "owner=Ida")
    size, _ = size_and_root(land)
    (land / "store.db").write_bytes(b"\0" * 4096)
    told = command("repair", "--from", backup)
    assert (told.code, told.text.splitlines()[-2:]) == (
        1,
        [
            f"{backup} has {copied} of the {size} entries that were signed. Without a newer one, restore it into a new "
            "folder and resume:",
            f"  counterfoil restore {backup} --home NEW --keys FILE",
        ],
    )


def test_restore_then_resume(command: Command, land: Path, backup: Path, tmp_path: Path) -> None:
    new, (size, _) = tmp_path / "new", size_and_root(land)
    told = command("restore", backup, "--home", new, "--keys", tmp_path / "land.keys")
    assert told.code == 0
    assert f"counterfoil restore --resume --home {new} --seen FILE" in told.text
    write = ("record", "create", "land-title", "9", "--home", new, "--field", "owner=Ida")
    refused = command(*write)
    assert refused.code == 3
    assert "was restored, and may lack what was signed after its copy was taken" in refused.err
    assert command("history", "land-title", "1", "--home", new).code == 0
    resumed = command("restore", "--resume", "--home", new, "--nothing-seen")
    assert resumed.code == 0
    assert resumed.text.startswith(f"{ORIGIN} goes on with {size} entries")
    assert command(*write).code == 0
    assert command("audit", "--home", new).code == 0


def test_a_successor(command: Command, land: Path, backup: Path, tmp_path: Path) -> None:
    copied, _ = size_and_root(backup)
    command("record", "create", "land-title", "9", "--field", "owner=Ida")
    command("prove", "land-title", "9", "--out", tmp_path / "9.proof.json")
    size, _ = size_and_root(land)
    new = tmp_path / "new"
    command("restore", backup, "--home", new, "--keys", tmp_path / "land.keys")
    told = command("restore", "--resume", "--home", new, "--seen", tmp_path / "9.proof.json", "--json")
    assert told.code == 0
    before = told.result["predecessor"]
    assert (told.result["origin"], before["origin"]) == (f"{ORIGIN}/2", ORIGIN)
    assert (before["size"], before["seen"]["size"], before["lost"]) == (copied, size, size - copied)
    assert told.result["entered"]["not_entered"] == 0
    assert command("audit", "--home", new).code == 0
    history = command("history", "land-title", "1", "--home", new, "--json").documents
    assert [each["body"]["fields"]["owner"] for each in history[-1]["entries"]] == ["Ann", "Zoe"]


def test_what_was_shown_must_be_said(command: Command, backup: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    command("restore", backup, "--home", new)
    for arguments in (
        ("--resume",),
        ("--resume", "--nothing-seen", "--seen", tmp_path / "x"),
        ("--resume", backup, "--nothing-seen"),
        (),
        (backup, "--nothing-seen"),
        (backup, "--origin", "x"),
    ):
        assert command("restore", *arguments, "--home", new).code == 2, arguments


def test_what_contradicts_it_is_1(command: Command, land: Path, backup: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(backup, other)
    for path in (land / "keys").iterdir():
        (other / "keys").mkdir(exist_ok=True)
        shutil.copy(path, other / "keys")
    command("record", "create", "land-title", "7", "--home", other, "--field", "owner=Eve")
    command("prove", "land-title", "7", "--home", other, "--out", tmp_path / "7.proof.json")
    command("record", "create", "land-title", "9", "--field", "owner=Ida")
    command("backup", tmp_path / "later", "--with-keys", tmp_path / "later.keys")
    new = tmp_path / "new"
    command("restore", tmp_path / "later", "--home", new, "--keys", tmp_path / "later.keys")
    told = command("restore", "--resume", "--home", new, "--seen", tmp_path / "7.proof.json", "--json")
    assert (told.code, told.error["kind"]) == (1, "unverified")
    assert "the two are different histories" in told.error["message"]
    assert command("record", "create", "land-title", "8", "--home", new, "--field", "owner=Bo").code == 3


def test_archive_verify_and_restore(command: Command, land: Path, archive: Path, tmp_path: Path) -> None:
    size, root = size_and_root(land)
    known = command("archive", "verify", archive, "--trust", land / "trust.json", "--json")
    assert known.code == 0
    assert known.result == {
        "archive": str(archive),
        "verdict": "valid",
        "format": "archive/v1",
        "origin": ORIGIN,
        "size": size,
        "root": root,
    }
    assert "consistent, signer unknown" in command("archive", "verify", archive).text
    assert command("archive", "restore", archive, "--home", tmp_path / "new").code == 0
    assert roots(Home(tmp_path / "new")) == roots(Home(land))
    assert command("audit", "--home", tmp_path / "new").code == 0


def test_archive_of_a_register_and_entering_it(command: Command, land: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "titles.tar.zst", tmp_path / "other"
    written = command("archive", "--register", "land-title", "--out", file)
    assert written.text.splitlines()[0].startswith(f"{file}: the registers land-title of {ORIGIN}, at ")
    assert command("archive", "restore", file, "--home", tmp_path / "new").code == 3
    assert command("archive", "verify", file, "--trust", land / "trust.json").code == 0
    entered = command("archive", "enter", file, "--home", other)
    assert (entered.code, entered.text.splitlines()[0]) == (
        0,
        f"{file}: consistent, signer unknown; an archive of {ORIGIN}",
    )
    assert entered.text.splitlines()[1] == "land-title: 4 entries entered, 0 were here already, 0 refused"
    known = ("--trust", land / "trust.json", "--home", other)
    again = command("archive", "enter", file, *known, "--json")
    assert (again.result["added"], again.result["present"], again.result["verdict"]) == (0, 4, "valid")
    assert command("archive", "enter", file, *known).text.startswith(
        f"{file}: valid; an archive of {ORIGIN}\n"
    )
    assert command("audit", "--home", other).code == 0


def test_a_damaged_archive_is_1(command: Command, archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    (tmp_path / "damaged").write_bytes(data[:-40] + bytes(40))
    told = command("archive", "verify", tmp_path / "damaged", "--json")
    assert (told.code, told.error["kind"]) == (1, "malformed")
    assert command("archive", "verify", tmp_path / "nothing").code == 3


@pytest.mark.usefixtures("land")
def test_archive_without_a_file_or_with_a_register_that_is_not_there(
    command: Command, tmp_path: Path
) -> None:
    assert command("archive").code == 2
    assert command("archive", "--register", "nothing", "--out", tmp_path / "x").code == 3
    assert not (tmp_path / "x").exists()


def test_no_key_is_shown_by_any_of_them(command: Command, land: Path, backup: Path, tmp_path: Path) -> None:
    seeds = [path.read_text().strip() for path in (land / "keys").iterdir() if path.name != "last-signed"]
    keys = tmp_path / "land.keys"
    said = [
        command("backup", tmp_path / "more", "--with-keys", tmp_path / "more.keys", "--json"),
        command("restore", backup, "--keys", keys, "--home", tmp_path / "new", "--json"),
        command(
            "restore", "--resume", "--nothing-seen", "--keys", keys, "--home", tmp_path / "new", "--debug"
        ),
    ]
    for ended in said:
        assert ended.code == 0
        assert not [seed for seed in seeds if seed in ended.text + ended.err]
