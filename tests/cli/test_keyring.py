"""The keyring by commands: its protector, a new master key, backups, coming back; and what doctor says of it."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counterfoil.cli.app import run
from counterfoil.home import Home
from counterfoil.keyring.drawing import Drawn
from counterfoil.keyring.opening import open_keyring
from counterfoil.node import Node
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from counterfoil.store.sqlite import Sqlite
from tests.cli.calling import Ended, snapshot
from tests.cli.conftest import Command

PERSON: dict[str, Any] = {
    "number": "P-000001",
    "names": [{"script": "Latn", "use": "birth", "family": "Tamm", "given": "Mari"}],
    "sex": "female",
    "date-of-birth": "1890-05-01",
    "parents-unknown": "not-stated",
}


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with one person, whose item has a key."""
    place = tmp_path_factory.mktemp("keys")
    home = ("--home", str(place / "home"))
    (place / "person.json").write_text(json.dumps({"register": "person", "fields": PERSON}))
    assert run(["register", "shipped", *home]) == 0
    assert run(["file", str(place / "person.json"), *home]) == 0
    return place / "home"


@pytest.fixture
def town(country: Path, home: Path) -> Path:
    shutil.copytree(country, home)
    return home


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_text("correct horse battery staple\n")
    return path


@pytest.fixture
def seen(command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Ended]:
    """What the operator sees of the person, if the keyring opens."""

    def call() -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"P-000001")))
        return command("disclose", "person", "--key-file", "-", "--purpose", "subject-access", "--json")

    return call


@pytest.fixture
def shares(town: Path, command: Command, tmp_path: Path) -> list[Path]:
    """The shares of three holders, any two of whom are needed."""
    made = command("keyring", "recovery", 3, 2, "--out", tmp_path / "shares", "--json").result
    return [Path(each) for each in made["files"]]


def words(*shares: Path) -> Iterator[object]:
    for share in shares:
        yield from ("--words-file", share)


def check(command: Command, name: str) -> dict[str, str] | None:
    found = [each for each in command("doctor", "--json").result["checks"] if each["name"] == name]
    return found[0] if found else None


def test_its_state_is_shown(command: Command, town: Path) -> None:
    shown = command("keyring", "--json").result
    assert shown == {
        "protector": "file",
        "generation": 1,
        "keys": 1,
        "lapsed": 0,
        "kept": 0,
        "overdue": 0,
        "backups": [],
    }
    assert command("keyring", "status").text.splitlines() == [
        "protector    file",
        "master key   number 1",
        "keys         1",
        "to be swept  those of 0 transactions",
        "no backup is noted",
    ]


def test_before_the_first_item_there_is_none(command: Command, land: Path) -> None:
    for call in (("status",), ("rotate",), ("backup", "x"), ("sweep",)):
        ended = command("keyring", *call)
        assert (ended.code, ended.err) == (
            3,
            f"counterfoil: {land} has no keyring yet; it is made with the first item, "
            "or by counterfoil keyring restore\n",
        )
    assert not (land / "keyring.db").exists()


def test_a_passphrase_protects_it_from_now_on(
    command: Command, town: Path, passphrase: Path, seen: Callable[[], Ended]
) -> None:
    ended = command("keyring", "protect", "--passphrase-file", "passphrase")
    assert (ended.code, ended.text) == (0, "a new master key (2), protected by passphrase\n")
    assert json.loads((town / "keyring.json").read_text()) == {
        "protector": "passphrase",
        "passphrase-file": str(passphrase),
    }
    assert (town / "keyring.json").stat().st_mode & 0o777 == 0o600
    assert seen().result["fields"] == PERSON
    passphrase.write_text("another passphrase")
    assert seen().error["kind"] == "unverified"
    assert b"correct horse" not in b"".join(path.read_bytes() for path in town.rglob("*") if path.is_file())


def test_a_protector_that_cannot_be_used_changes_nothing(
    command: Command, town: Path, passphrase: Path, seen: Callable[[], Ended]
) -> None:
    passphrase.chmod(0o644)
    ended = command("keyring", "protect", "--passphrase-file", passphrase)
    assert (ended.code, ended.err) == (
        3,
        f"counterfoil: the passphrase file {passphrase} can be read by others; run chmod 600 {passphrase}\n",
    )
    assert not (town / "keyring.json").exists()
    passphrase.chmod(0o600)
    pin = ("--pkcs11", "/nowhere/module.so", "--token", "t", "--pin-file", passphrase)
    assert command("keyring", "protect", *pin).code == 3
    assert command("keyring", "--json").result["protector"] == "file"
    assert not (town / "keyring.json").exists()
    assert seen().code == 0


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--key-file", "--passphrase-file", "x"),
        ("--pkcs11", "m.so"),
        ("--key-file", "--token", "t"),
        ("--passphrase-file", "x", "--pin-file", "y"),
    ],
)
def test_one_protector_is_named_with_all_it_needs(
    command: Command, town: Path, options: tuple[str, ...]
) -> None:
    assert command("keyring", "protect", *options).code == 2


def test_rotating_keeps_the_protector(command: Command, town: Path, seen: Callable[[], Ended]) -> None:
    key = (town / "keys" / "keyring.key").read_bytes()
    assert command("keyring", "rotate", "--json").result == {"protector": "file", "generation": 2}
    assert (town / "keys" / "keyring.key").read_bytes() != key
    assert seen().code == 0


def test_shares_are_files_for_one_holder_each(shares: list[Path], command: Command, tmp_path: Path) -> None:
    assert [each.name for each in shares] == [f"share-{number}-of-3.txt" for number in (1, 2, 3)]
    assert {each.stat().st_mode & 0o777 for each in shares} == {0o600}
    assert [len(each.read_text().split()) for each in shares] == [33, 33, 33]
    ended = command("keyring", "recovery", 3, 2, "--out", tmp_path / "shares")
    assert (ended.code, "is not empty; name a new one for the shares" in ended.err) == (1, True)
    ended = command("keyring", "recovery", 2, 3, "--out", tmp_path / "more")
    assert (ended.code, "3 of 2 cannot be" in ended.err) == (1, True)


def test_a_lost_keyring_comes_back_from_a_backup_and_two_shares(
    command: Command, town: Path, shares: list[Path], passphrase: Path, seen: Callable[[], Ended]
) -> None:
    made = command("keyring", "backup", "b1", "--keep-days", 7, "--json").result
    assert (made["file"], made["number"], made["epoch"], made["destroyed"]) == ("b1", 1, 1, None)
    for path in (town / "keyring.db", town / "keys" / "keyring.key"):
        path.unlink()
    one = command("keyring", "restore", "b1", *words(shares[0]))
    assert (one.code, "1 different shares are here and 2 are needed" in one.err) == (1, True)
    assert seen().code != 0
    for path in town.glob("keyring.*"):
        path.unlink()
    restored = command(
        "keyring", "restore", "b1", *words(shares[0], shares[2]), "--passphrase-file", passphrase, "--json"
    )
    assert (restored.code, restored.result["keys"], restored.result["erased"]) == (0, 1, 0), restored
    assert command("keyring", "--json").result["protector"] == "passphrase"
    assert seen().result["fields"] == PERSON
    again = command("keyring", "restore", "b1", *words(*shares))
    assert (again.code, "already; move it away first" in again.err) == (1, True)


def test_what_was_erased_does_not_come_back(
    command: Command,
    town: Path,
    shares: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    seen: Callable[[], Ended],
) -> None:
    command("keyring", "backup", "b1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"P-000001")))
    case = command(
        "erase", "person", "--key-file", "-", "--ground", "no-longer-needed", "--law", "Act 1", "--json"
    ).result["case"]
    added = command("access", "add", "ben", "--scope", "decide:person", "--officer", "--json").result
    token = town.parent / "ben.token"
    token.touch(0o600)
    token.write_text(added["token"])
    decided = command("desk", "decide", case, "--approve", "--reason", "due", "--token-file", token, "--json")
    assert (
        decided.result["erased"]["complete"]
        == command("keyring", "backups", "--json").result["backups"][0]["keep-until"][:10]
    )
    for path in town.glob("keyring.*"):
        path.unlink()
    restored = command("keyring", "restore", "b1", *words(*shares[:2]), "--json").result
    assert (restored["keys"], restored["erased"]) == (0, 1)
    assert (seen().result["erased"], seen().result["fields"]) == (True, {})
    assert command("audit").code == 0


def test_shares_come_by_standard_input_too(
    command: Command, town: Path, shares: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("keyring", "backup", "b1")
    for path in town.glob("keyring.*"):
        path.unlink()
    typed = "".join(f"  {each.read_text()}" for each in shares[1:])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
    assert command("keyring", "restore", "b1", "--words-file", "-").code == 0


def test_a_share_s_words_are_in_no_message(command: Command, town: Path, shares: list[Path]) -> None:
    command("keyring", "backup", "b1")
    (town / "keyring.db").unlink()
    wrong = shares[0].read_text().replace(" ", " zebra ", 1)
    shares[0].write_text(wrong)
    ended = command("keyring", "restore", "b1", *words(*shares[:2]))
    assert (ended.code, ended.err) == (
        1,
        "counterfoil: share 1 is not in form: a word is missing or misspelt; compare it with the holder's paper\n",
    )


def test_backups_are_listed_noted_and_forgotten(command: Command, shares: list[Path]) -> None:
    command("keyring", "backup", "b1", "--keep-days", 7)
    command("keyring", "backup", "b2")
    listed = command("keyring", "backups", "--json").result["backups"]
    assert [(each["number"], each["destroyed"]) for each in listed] == [(1, None), (2, None)]
    assert command("keyring", "forget", 1).text == "backup 1 counts no more for erasures\n"
    assert command("keyring", "backups").text.splitlines()[0].split()[-2] == "destroyed"
    assert command("keyring", "forget", 9).code == 3
    assert command("keyring", "note", "b2", "--json").result["number"] == 2
    assert command("keyring", "backup", "b2").code == 1


def test_without_a_recovery_key_there_is_no_backup(command: Command, town: Path) -> None:
    ended = command("keyring", "backup", "b1")
    assert (ended.code, "this keyring has no recovery key yet" in ended.err) == (3, True)
    assert not Path("b1").exists()


def test_keys_whose_transaction_never_came_are_swept(
    command: Command, town: Path, seen: Callable[[], Ended]
) -> None:
    keyring = open_keyring(town)
    drawn: Drawn = keyring.draw(3)
    keyring.keep(drawn, digest(b"never came"), 1)
    keyring.commit()
    keyring.close()
    assert check(command, "keys to sweep") == {
        "name": "keys to sweep",
        "level": "warning",
        "said": "keys drawn for transactions that cannot come any more: 1 transaction",
        "advice": "counterfoil keyring sweep",
    }
    assert command("keyring", "--json").result["keys"] == 4
    assert command("keyring", "sweep").text == "deleted: 3 keys\n"
    assert command("keyring", "--json").result["keys"] == 1
    assert check(command, "keys to sweep") is None
    assert seen().code == 0


def test_a_key_that_an_entry_needs_is_not_swept(
    command: Command, town: Path, seen: Callable[[], Ended]
) -> None:
    with Node.open(town, clock=lambda: 4_000_000_000.0) as node:
        fields = {"title": "Later", "authority": node.agency}
        node.submit([Proposal(".register", "later", "create", 1, body={"fields": fields})])
    assert command("keyring", "sweep").text == "deleted: 0 keys\n"
    assert command("keyring", "--json").result["lapsed"] == 0


# What doctor says


def test_doctor_tells_of_a_key_file_and_of_no_backup(command: Command, town: Path, passphrase: Path) -> None:
    told = check(command, "keyring")
    assert told is not None
    assert (told["level"], told["advice"].startswith("counterfoil keyring protect")) == ("warning", True)
    backups = check(command, "keyring backups")
    assert backups is not None
    assert backups["said"] == "the keyring has no backup: if it is lost, so is every item"
    command("keyring", "protect", "--passphrase-file", passphrase)
    told = check(command, "keyring")
    assert told is not None
    assert (told["level"], told["said"]) == ("ok", "the keys of items are protected by passphrase")


def test_doctor_tells_of_backups_past_their_day(command: Command, town: Path, shares: list[Path]) -> None:
    command("keyring", "backup", "b1")
    assert check(command, "keyring backups") is None
    database = Sqlite(town / "keyring.db")
    with database.transaction():
        database.execute("UPDATE backup SET keep_until = 1")
    database.close()
    told = check(command, "keyring backups")
    assert told is not None
    assert told["said"] == "1 backup kept beyond the day, with keys of what was erased since"


def test_doctor_tells_of_cases_and_of_erasures_that_are_not_carried_out(command: Command, town: Path) -> None:
    assert check(command, "desk") == {
        "name": "desk",
        "level": "ok",
        "said": "0 cases to be decided by a second officer",
        "advice": "",
    }
    database = Sqlite(Home(town).desk)
    put = (
        "INSERT INTO paper (id, kind, register, by, reasons, put, until, content, standing)"
        " VALUES (?, ?, 'person', '0000000000000000', '[]', 1, 9999999999, x'00', ?)"
    )
    with database.transaction():
        database.execute(put, ("1", "erasure", "approved"))
        database.execute(put, ("2", "change", "approved"))
        database.execute(put, ("3", "change", "waiting"))
    database.close()
    ended = command("doctor", "--json")
    told = {each["name"]: (each["level"], each["said"]) for each in ended.result["checks"]}
    assert ended.code == 1
    assert told["desk"] == ("ok", "1 case to be decided by a second officer")
    assert told["erasures"] == (
        "problem",
        "1 erasure approved and not carried out: what is to be erased is still here",
    )
    assert told["desk cases"] == ("warning", "1 case approved and not carried out")


def test_doctor_changes_nothing_in_an_office(command: Command, town: Path) -> None:
    before = snapshot(town)
    command("doctor")
    assert snapshot(town) == before
