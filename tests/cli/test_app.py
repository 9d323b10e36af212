"""How every command is found and helped with, and how each of them ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from counterfoil.cli import app, main
from counterfoil.cli.app import COMMANDS
from counterfoil.errors import Busy
from tests.cli.calling import COMMAND, environment, process
from tests.cli.conftest import Command

GROUPED = [
    *(("record", each) for each in ("show", "create", "amend", "correct", "annul", "close")),
    *(("register", each) for each in ("show", "create", "amend", "shipped")),
    *(("desk", each) for each in ("list", "show", "decide", "carry-out", "ask")),
    *(("keyring", each) for each in ("status", "protect", "rotate", "sweep")),
    *(("keyring", each) for each in ("recovery", "backup", "backups", "forget", "note", "restore")),
    *(("access", each) for each in ("show", "add", "revoke")),
    *(("witness", each) for each in ("serve", "add", "list", "ask", "remove")),
    *(("archive", each) for each in ("verify", "restore", "enter")),
]


def test_there_are_these_commands() -> None:
    assert " ".join(COMMANDS) == (
        "demo init register record file disclose search desk erase import export history prove extract ownership "
        "verify serve access keyring witness monitor publish audit backup repair restore archive doctor bench"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example_of_it(command: Command, name: str) -> None:
    told = command(name, "--help")
    _, heading, examples = told.text.partition("\n  Example:\n")
    assert (told.code, heading, told.err) == (0, "\n  Example:\n", "")
    assert examples.startswith(f"    counterfoil {name}")
    assert command(name, "-h").out == told.out


@pytest.mark.parametrize(("group", "name"), GROUPED)
def test_so_has_that_of_each_command_in_a_group(command: Command, group: str, name: str) -> None:
    examples = command(group, name, "--help").text.partition("\n  Example:\n")[2]
    assert examples.startswith(f"    counterfoil {group}")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {group for group, _ in GROUPED}])
def test_every_command_speaks_json(command: Command, name: str) -> None:
    assert "--json" in command(name, "--help").text


@pytest.mark.parametrize(("group", "name"), GROUPED)
def test_so_does_each_in_a_group(command: Command, group: str, name: str) -> None:
    assert "--json" in command(group, name, "--help").text


def test_called_with_nothing_it_helps(command: Command) -> None:
    told = command()
    assert told.code == 0
    assert [
        line.split()[0] for line in told.text.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    ] == list(COMMANDS)
    assert "Exit codes: 0 done; 1 what was asked about is not well; 2 wrong usage" in " ".join(
        told.text.split()
    )


def test_it_says_its_version(command: Command) -> None:
    told = command("--version")
    assert (told.code, told.text.split()[0]) == (0, "counterfoil")


def test_one_that_is_not_installed_has_none(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", unknown)
    assert command("--version").text == "counterfoil, not installed\n"


def test_a_command_loads_no_other(home: Path) -> None:
    code = (
        "import json, sys; from counterfoil.cli.app import run; run(['audit']);"
        "print(json.dumps([name for name in sys.modules if name.startswith(('counterfoil.cli.', 'rich.'))]))"
    )
    said = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=True)
    loaded = ("app", "audit", "failure", "options", "output", "progress")
    assert set(json.loads(said.stdout)) == {f"counterfoil.cli.{name}" for name in loaded}


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audt"], "No such command 'audt'. Did you mean 'audit'?; see counterfoil --help"),
        (
            ["audit", "--jsn"],
            "No such option: --jsn (Possible options: --json); see counterfoil audit --help",
        ),
        (["record"], "Missing argument 'REGISTER'; see counterfoil record show --help"),
        (["verify"], "Missing argument 'FILE'; see counterfoil verify --help"),
        (["export", "a", "b"], "Got unexpected extra argument(s) (b); see counterfoil export --help"),
    ],
)
def test_a_wrong_usage_is_one_sentence_and_2(command: Command, arguments: list[str], said: str) -> None:
    told = command(*arguments)
    assert (told.code, told.out, told.err) == (2, b"", f"counterfoil: {said}\n")


def test_under_json_it_is_a_document(command: Command) -> None:
    told = command("history", "land-title", "--json")
    said = "Missing argument 'KEY'; see counterfoil history --help"
    assert (told.code, told.err, told.documents) == (2, "", [{"error": {"kind": "usage", "message": said}}])


# What nobody meant


def broken(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("by\nnothing")


def test_an_unexpected_error_is_3_and_one_sentence(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterfoil.home_audit.audit_home", broken)
    told = command("audit")
    assert (told.code, told.out) == (3, b"")
    assert told.err == (
        "counterfoil: this should not have happened (ZeroDivisionError: by nothing); "
        "please report it, with what --debug shows\n"
    )


def test_under_json_it_is_a_document_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterfoil.home_audit.audit_home", broken)
    told = command("audit", "--json")
    assert (told.code, told.err, told.error["kind"]) == (3, "", "unexpected")


@pytest.mark.parametrize("by", ["option", "variable"])
def test_where_it_happened_can_be_seen(command: Command, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setattr("counterfoil.home_audit.audit_home", broken)
    if by == "variable":
        monkeypatch.setenv("COUNTERFOIL_DEBUG", "1")
    told = command("audit", *(["--debug"] if by == "option" else []))
    assert told.code == 3
    assert told.err.startswith("Traceback (most recent call last):\n")
    assert "in broken\n" in told.err


def test_an_error_of_ours_is_its_kind(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> Any:
        raise Busy("another process writes")

    monkeypatch.setattr("counterfoil.home_audit.audit_home", busy)
    told = command("audit", "--json")
    assert (told.code, told.documents) == (
        3,
        [{"error": {"kind": "busy", "message": "another process writes"}}],
    )


def test_what_the_machine_refuses_is_its_own_kind(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Any:
        raise OSError(28, "No space left on device", "store.db")

    monkeypatch.setattr("counterfoil.home_audit.audit_home", full)
    told = command("audit", "--json")
    assert (told.code, told.error) == (
        3,
        {"kind": "unavailable", "message": "store.db: No space left on device"},
    )


def test_the_message_may_hold_what_cannot_be_encoded(command: Command) -> None:
    told = command("record", "x", os.fsdecode(b"a\xff"), "--home", os.fsdecode(b"no\xff"), "--json")
    assert (told.code, told.error["kind"]) == (3, "not-found")
    assert "no\\udcff" in told.error["message"]


def test_main_takes_the_arguments_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["counterfoil", "audit", "--nothing"])
    assert main() == 2


def test_an_interrupt_while_it_is_loaded_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", interrupted)
    assert main() == 130


# As a process


def test_a_reader_that_goes_away_is_no_error(land: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "history", "land-title", "1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({"COUNTERFOIL_HOME": str(land)}),
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, b"")


def test_an_output_that_is_full_is_said(land: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "record", "land-title", "1"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment({"COUNTERFOIL_HOME": str(land)}),
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (3, b"counterfoil: No space left on device\n")


def test_an_interrupt_is_one_line_and_nothing_is_lost(land: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "record", "create", "land-title", "4", "--fields", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({"COUNTERFOIL_HOME": str(land)}),
    ) as running:
        waiting = Path(f"/proc/{running.pid}/wchan")
        deadline = time.monotonic() + 60
        while "pipe" not in waiting.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out) == (130, b"")
    assert err == b"counterfoil: interrupted; what was acknowledged is stored for good\n"
    assert process("audit", "--home", land).code == 0
