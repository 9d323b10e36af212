"""`counterfoil demo`: the story comes out as told, each time."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from counterfoil.cli import story
from counterfoil.cli.tampering import change_one_byte
from counterfoil.errors import NotFound
from tests.cli.calling import COMMAND, Ended, environment, process, snapshot
from tests.cli.conftest import Command


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The demonstration, told once as a newcomer sees it."""
    folder = tmp_path_factory.mktemp("demo") / "home"
    return folder, process("demo", "--no-serve", "--home", folder)


def test_it_comes_out_as_told(told: tuple[Path, Ended]) -> None:
    _, ended = told
    assert (ended.code, ended.err) == (0, "")
    assert "✗" not in ended.text


def test_every_published_root_is_reproduced(told: tuple[Path, Ended]) -> None:
    lines = [line for line in told[1].text.splitlines() if "as published: " in line]
    assert len(lines) == 14
    assert all(line.startswith("   ✓ ") for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        "   ✓   210 entries, root 3bacea769627d20e… as published: country",
        "   changed: name, from Czech Republic to Czechia",
        "   ✓ as the book knew it on 2016-06-01, the country was called Czech Republic",
        "   ✓ verdict: valid, sealed here",
        "   ✓ the audit names the entry, its record and its version",
        "5. What to try next",
    ],
)
def test_its_story_has_this_line(told: tuple[Path, Ended], line: str) -> None:
    assert line in told[1].text.splitlines()


def test_the_audit_names_what_was_changed_and_nothing_else(
    told: tuple[Path, Ended], command: Command
) -> None:
    number = command("record", "country", "CZ", "--home", told[0], "--json").result["number"]
    lines = told[1].text.split("   The audit of the copy:\n\n")[1].split("\n\n")[0].splitlines()
    assert lines == [
        f"     entry {number}: country 'CZ', version 2: its bytes are not those that were sealed"
    ]


def test_what_it_says_to_try_can_be_tried(told: tuple[Path, Ended], tmp_path: Path) -> None:
    folder = shutil.copytree(told[0], tmp_path / "copy")
    said = told[1].text.replace(str(told[0]), str(folder))
    calls = [
        line.split("counterfoil ", 1)[1]
        for line in said.split("5. What to try next")[1].splitlines()
        if "counterfoil " in line
    ]
    assert len(calls) == 7
    for call in calls:
        assert process(*call.split()).code == 0, call


def test_told_again_it_adds_nothing_and_is_the_same(
    told: tuple[Path, Ended], command: Command, tmp_path: Path
) -> None:
    folder = shutil.copytree(told[0], tmp_path / "copy")
    first = command("demo", "--no-serve", "--home", folder, "--json")
    again = command("demo", "--no-serve", "--home", folder, "--json")
    assert (first.code, again.code) == (0, 0)
    assert {name: again.result[name] for name in ("entries", "root")} == {
        name: first.result[name] for name in ("entries", "root")
    }
    assert [each["added"] for each in again.documents[:14]] == [0] * 14
    assert again.result["verdict"] == "valid"
    assert again.result["faults"] == 0
    assert again.result["tampered"][0]["record"] == "CZ"


def test_only_a_copy_is_changed(told: tuple[Path, Ended], command: Command) -> None:
    before = snapshot(told[0])
    assert command("audit", "--home", told[0]).code == 0
    assert snapshot(told[0]) == before


def test_where_something_does_not_come_out_it_says_so(
    told: tuple[Path, Ended], command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = shutil.copytree(told[0], tmp_path / "copy")
    monkeypatch.setattr(story, "DAY", "2018-01-01")
    ended = command("demo", "--no-serve", "--home", folder)
    assert ended.code == 1
    assert "   ✗ as the book knew it on 2018-01-01, the country was called Czechia" in ended.text
    assert "Something did not come out as it must" in ended.text


def test_by_itself_it_makes_a_folder_here(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COUNTERFOIL_HOME")
    assert command("demo", "--no-serve").code == 0
    assert (tmp_path / "counterfoil-demo" / "store.db").exists()


def test_what_it_would_change_must_be_there(
    told: tuple[Path, Ended], command: Command, tmp_path: Path
) -> None:
    store = Path(shutil.copy(told[0] / "store.db", tmp_path / "store.db"))
    for number, text in ((300, b"Prague, the city"), (1 << 20, b"Czechia")):
        with pytest.raises(NotFound):
            change_one_byte(store, number, text)
    number = command("record", "country", "CZ", "--home", told[0], "--json").result["number"]
    changed = change_one_byte(store, number, b"Czechia")
    assert (changed.before, changed.after) == ("C", "D")


def test_it_ends_in_serving_what_it_made(tmp_path: Path) -> None:
    command = [*COMMAND, "demo", "--home", str(tmp_path / "home"), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as told:
        try:
            assert told.stdout is not None
            address = next(
                found[1]
                for line in told.stdout
                if (found := re.search(rb"is served at (http://127\.0\.0\.1:\d+/)", line))
            ).decode()
            page = httpx.get(address, headers={"accept": "text/html"})
            record = httpx.get(f"{address}v1/registers/country/records/CZ").json()
        finally:
            told.send_signal(signal.SIGINT)
            told.communicate(timeout=30)
    assert (told.returncode, page.status_code, record["version"]) == (0, 200, 2)
