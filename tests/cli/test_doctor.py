"""`counterfoil doctor`: the machine and the folder, each line ok, a warning or a problem with what to do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.store.sqlite import Sqlite
from tests.cli.calling import Ended, process, snapshot
from tests.cli.conftest import Command

NAMES = ["python", "sqlite", "disk", "access", "home", "secrets", "keys", "writer", "store", "clock"]
SERVING = ["served", "grants"]


def levels(ended: Ended) -> dict[str, str]:
    return {check["name"]: check["level"] for check in ended.result["checks"]}


def check(ended: Ended, name: str) -> dict[str, str]:
    found: list[dict[str, str]] = [each for each in ended.result["checks"] if each["name"] == name]
    (only,) = found
    return only


def test_a_healthy_one_is_0(land: Path) -> None:
    before = snapshot(land)
    ended = process("doctor", "--json")
    assert (ended.code, ended.err, ended.result["healthy"]) == (0, "", True)
    # A lone node has nobody who would see that it was rebuilt.
    assert levels(ended) == dict.fromkeys([*NAMES, *SERVING], "ok") | {"witnesses": "warning"}
    assert snapshot(land) == before


def test_for_people_each_is_a_line(command: Command, land: Path) -> None:
    lines = command("doctor").text.splitlines()
    *ok, witnesses, advice = [line.split()[:2] for line in lines]
    assert ok == [["ok", name] for name in [*NAMES, *SERVING]]
    assert (witnesses, advice) == (["warning", "witnesses"], ["→", "ask"])


def test_where_there_is_none_yet_it_says_so(command: Command, home: Path) -> None:
    ended = command("doctor", "--json")
    assert (ended.code, check(ended, "home")["said"]) == (
        0,
        f"nothing is in {home} yet; the first command that writes makes an installation there",
    )
    assert not home.exists()


def test_a_file_in_its_place_is_a_problem(command: Command, home: Path) -> None:
    home.write_text("")
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["home"]) == (1, "problem")


def test_keys_that_others_may_read(command: Command, land: Path) -> None:
    key = land / "keys" / "endorse.ed25519"
    key.chmod(0o640)
    ended = command("doctor", "--json")
    assert ended.code == 1
    assert check(ended, "secrets") == {
        "name": "secrets",
        "level": "problem",
        "said": "others may get at endorse.ed25519",
        "advice": f"chmod go= {key}",
    }
    lines = command("doctor").text.splitlines()
    assert f"         → chmod go= {key}" in lines


def spoil(home: Path) -> None:
    (home / "keys" / "endorse.ed25519").write_text("no key\n")


def lose(home: Path) -> None:
    (home / "keys" / "checkpoint.ml-dsa-44").unlink()


def scribble(home: Path) -> None:
    (home / "keys" / "last-signed").write_text("7\n")


@pytest.mark.parametrize("change", [spoil, lose, scribble])
def test_keys_that_cannot_be_used(command: Command, land: Path, change: Callable[[Path], None]) -> None:
    change(land)
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["keys"]) == (1, "problem")
    assert "no key" not in check(ended, "keys")["said"]


def test_a_trust_policy_that_is_none(command: Command, land: Path) -> None:
    (land / "trust.json").write_text("[]")
    assert (ended := command("doctor", "--json")).code == 1
    assert check(ended, "trust policy")["level"] == "problem"


def test_what_is_missing_is_a_problem(command: Command, land: Path) -> None:
    (land / "store.db").unlink()
    ended = command("doctor", "--json")
    assert (ended.code, check(ended, "home")["said"]) == (1, f"missing in {land}: store.db")


def test_what_does_not_belong_is_a_warning(command: Command, land: Path) -> None:
    (land / "notes.txt").write_text("")
    (land / "keys" / "old").write_text("")
    ended = command("doctor", "--json")
    assert (ended.code, check(ended, "home")["level"]) == (0, "warning")
    assert check(ended, "home")["said"] == "no part of an installation: notes.txt, keys/old"


def test_another_process_that_writes(command: Command, land: Path) -> None:
    with Home(land).writing():
        ended = command("doctor", "--json")
    assert ended.code == 0
    assert check(ended, "writer")["said"] == "another process writes now; a second one would have to wait"


def test_a_process_that_was_killed_left_its_journal(command: Command, land: Path, tmp_path: Path) -> None:
    database = Sqlite(land / "store.db")
    with database.transaction():
        database.execute("PRAGMA user_version = 1")
        database.execute("CREATE TABLE IF NOT EXISTS claim (x)")
        database.execute("DELETE FROM document WHERE hash = x'00'")
        database.execute("INSERT INTO document (hash, size) VALUES (x'00', 0)")
    shutil.copytree(land, tmp_path / "killed")
    database.close()
    ended = command("doctor", "--home", tmp_path / "killed", "--json")
    assert (ended.code, check(ended, "write-ahead log")["level"]) == (0, "warning")


@pytest.mark.parametrize(
    ("free", "code", "level"),
    [(99_000_000, 1, "problem"), (900_000_000, 0, "warning"), (2_000_000_000, 0, "ok")],
)
def test_a_disk_that_fills(
    command: Command, land: Path, monkeypatch: pytest.MonkeyPatch, free: int, code: int, level: str
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["disk"]) == (code, level)


@pytest.mark.parametrize(("behind", "code", "level"), [(4000, 1, "problem"), (100, 0, "warning")])
def test_a_clock_that_is_behind(
    command: Command, land: Path, monkeypatch: pytest.MonkeyPatch, behind: int, code: int, level: str
) -> None:
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real - behind)
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["clock"]) == (code, level)


def test_parts_of_different_users(command: Command, land: Path) -> None:
    if os.geteuid() == 0:
        os.chown(land / "keys", 1, 1)
        ended = command("doctor", "--json")
        assert (ended.code, check(ended, "owner")["level"]) == (0, "warning")
        assert check(ended, "owner")["said"] == "parts belong to different users (0, 1)"
    else:
        assert "owner" not in levels(command("doctor", "--json"))


@pytest.mark.parametrize(("version", "code", "level"), [(99, 1, "problem"), (0, 1, "problem")])
def test_a_store_of_another_version(
    command: Command, land: Path, version: int, code: int, level: str
) -> None:
    database = Sqlite(land / "store.db")
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["store"]) == (code, level)


def test_what_this_user_may_not_do(command: Command, land: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: mode == os.R_OK)
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["access"]) == (0, "warning")
    monkeypatch.setattr(os, "access", lambda *_: False)
    ended = command("doctor", "--json")
    assert (ended.code, levels(ended)["access"]) == (1, "problem")
