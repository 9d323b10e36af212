"""The command as these tests call it, and homes to call it on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.cli.app import run
from tests.cli.calling import Ended

Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _no_home_but_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever a test forgets to name must not be the user's own installation."""
    monkeypatch.setenv("COUNTERFOIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COUNTERFOIL_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder that commands take for the installation, where a call names no other."""
    return tmp_path / "home"


@pytest.fixture
def command(capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Calls the command in this process: quick, and the same code from the arguments on."""

    def call(*arguments: object) -> Ended:
        capsysbinary.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Ended(code, out, err.decode())

    return call


@pytest.fixture(scope="session")
def land_titles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with the register `land-title` and three records, made once; take a copy to change it."""
    folder = tmp_path_factory.mktemp("land") / "home"
    schema = folder.parent / "schema.json"
    schema.write_text(
        '{"type":"object","required":["title-number","owner"],"additionalProperties":false,'
        '"properties":{"title-number":{"type":"string"},"owner":{"type":"string","maxLength":40},'
        '"plots":{"type":"integer","minimum":1},"note":{"type":"string"}}}'
    )
    made = ("--home", str(folder))
    names = ("--origin", "registers.example/land", "--agency", "EX/GOV/LAND", "--title", "Land Office")
    assert run(["init", *made, *names]) == 0
    define = ["register", "create", "land-title", *made, "--title", "Land titles", "--key", "title-number"]
    assert run([*define, "--schema", str(schema), "--law", "Land Act"]) == 0
    for number, owner in (("1", "Ann"), ("2", "Ben"), ("3", "Cho")):
        assert run(["record", "create", "land-title", number, *made, "--field", f"owner={owner}"]) == 0
    assert run(["record", "amend", "land-title", "1", *made, "--field", "owner=Zoe", "--why", "sale"]) == 0
    return folder


@pytest.fixture
def land(land_titles: Path, home: Path) -> Path:
    """A copy of that installation, where commands look for one."""
    shutil.copytree(land_titles, home)
    return home
