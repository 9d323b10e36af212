"""Where the installation lies, and what is read and written beside it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from counterfoil.cli.options import home_folder, read_input, replacing, write_output
from counterfoil.errors import Malformed, NotFound, Unavailable
from tests.cli.calling import process
from tests.cli.conftest import Command

# The folder


def test_the_option_comes_first(command: Command, land: Path, tmp_path: Path) -> None:
    told = command("register", "--home", tmp_path / "other")
    assert (told.code, told.err.split(";")[0]) == (
        3,
        f"counterfoil: there is no installation in {tmp_path}/other",
    )


def test_then_the_variable(land: Path) -> None:
    ended = process("register", "--json", env={"COUNTERFOIL_HOME": str(land)})
    assert [each["register"] for each in ended.result["registers"]] == ["land-title"]


@pytest.mark.parametrize("variable", [None, ""], ids=["unset", "empty"])
def test_then_the_place_for_a_users_data(tmp_path: Path, variable: str | None) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path / "data"), "COUNTERFOIL_HOME": ""}
    ended = process("init", "--json", env=env)
    assert ended.code == 0
    assert ended.result["home"] == f"{tmp_path}/data/counterfoil"
    assert (tmp_path / "data" / "counterfoil" / "store.db").exists()


def test_a_relative_place_for_data_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_folder(None) == tmp_path / ".local" / "share" / "counterfoil"


def test_a_user_without_a_home_must_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(NotFound, match="say where the installation lies with --home"):
        home_folder(None)


def test_an_empty_folder_is_a_fresh_home(command: Command, home: Path) -> None:
    home.mkdir()
    assert command("register", "create", "tree").code == 0
    assert (home / "trust.json").exists()


def test_reading_makes_nothing(command: Command, home: Path) -> None:
    calls = (
        ["register"],
        ["record", "a", "b"],
        ["history", "a", "b"],
        ["prove", "a", "b"],
        ["export", "a"],
        ["audit"],
    )
    assert [command(*call).code for call in calls] == [3] * 6
    assert not home.exists()


def test_where_none_can_be_made_it_says_why(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    told = command("init", "--home", tmp_path / "file" / "home")
    assert (told.code, told.out) == (3, b"")
    assert told.err == (
        f"counterfoil: {tmp_path}/file/home cannot be used: Not a directory; check the disk and its permissions\n"
    )


def test_what_cannot_be_read_is_no_wrong_usage(
    command: Command, land: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read anything, so that the library which parses arguments must be told otherwise.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert command("record", "land-title", "1").code == 0


# Another process


def test_two_writers_one_sentence(command: Command, land: Path) -> None:
    from counterfoil.home import Home

    with Home(land).writing():
        told = command("record", "amend", "land-title", "1", "--field", "owner=Dan")
        read = command("record", "land-title", "1", "--json")
    assert (told.code, told.out) == (3, b"")
    assert told.err.startswith("counterfoil: another process ")
    assert told.err.endswith(f"{land} or audits it now; wait until it has ended, or stop it\n")
    assert read.result["version"] == 2


def test_keys_that_are_damaged_are_no_fault_of_what_was_asked(command: Command, land: Path) -> None:
    (land / "keys" / "endorse.ed25519").write_text("not a key\n")
    told = command("record", "amend", "land-title", "1", "--field", "owner=Dan", "--json")
    assert (told.code, told.error["kind"]) == (3, "damaged")
    assert "not a key" not in told.error["message"]


def test_so_is_a_store_that_was_put_back(command: Command, land: Path, land_titles: Path) -> None:
    assert command("record", "amend", "land-title", "1", "--field", "owner=Dan").code == 0
    (land / "store.db").write_bytes((land_titles / "store.db").read_bytes())
    told = command("record", "amend", "land-title", "1", "--field", "owner=Eve", "--json")
    assert (told.code, told.error["kind"]) == (3, "damaged")
    assert "does not hold" in told.error["message"]


# Files


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"12345")
    assert read_input(tmp_path / "in", 5) == b"12345"
    with pytest.raises(Malformed, match="is over 4 bytes long, the most that is read"):
        read_input(tmp_path / "in", 4)


def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        read_input(tmp_path / "in")
    with pytest.raises(Unavailable, match="cannot be read: Is a directory"):
        read_input(tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"before")

    def interrupted() -> None:
        with replacing(out) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (out.read_bytes(), list(tmp_path.iterdir())) == (b"before", [out])
    write_output(out, b"whole")
    assert (out.read_bytes(), list(tmp_path.iterdir())) == (b"whole", [out])


def test_what_is_no_plain_file_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, b"through")
    reader.join()
    assert (read, stat.S_ISFIFO(pipe.stat().st_mode)) == ([b"through"], True)


def test_where_it_cannot_be_written_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written: No such file or directory"):
        write_output(tmp_path / "none" / "out", b"")
