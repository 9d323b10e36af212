"""The example registers: the bytes that were published, and found from a clone and from an installed wheel alike."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from counterfoil import examples
from counterfoil.errors import NotFound
from counterfoil.examples import registers_folder
from tests.shared_data import shared

ROOT = Path(__file__).parents[1]


def contents(folder: Path, *patterns: str) -> dict[str, bytes]:
    """File name to bytes, for the files of a folder."""
    return {path.name: path.read_bytes() for pattern in patterns for path in folder.glob(pattern)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel that this checkout builds, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("counterfoil-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site-packages")
    return folder / "site-packages"


def test_a_clone_finds_its_own() -> None:
    assert registers_folder() == ROOT / "examples" / "registers"


def test_there_are_fourteen_and_each_has_its_expected_root() -> None:
    expected = json.loads((registers_folder() / "expected-roots.json").read_bytes())
    names = sorted(path.stem for path in registers_folder().glob("*.rsf"))
    assert len(names) == 14
    assert [each["register"] for each in expected] == names


def test_each_asserted_root_stands_in_its_file_after_that_many_user_entries() -> None:
    for each in json.loads((registers_folder() / "expected-roots.json").read_bytes()):
        text = (registers_folder() / f"{each['register']}.rsf").read_text("utf-8")
        before, assertion, _ = text.rpartition("assert-root-hash\t" + each["root_hash"] + "\n")
        assert assertion, each["register"]
        assert before.count("append-entry\tuser\t") == each["root_asserted_at_user_entries"]
        assert text.count("append-entry\tuser\t") == each["user_entries"]


def test_they_are_the_published_files_byte_for_byte() -> None:
    patterns = ("*.rsf", "*.json")
    assert contents(registers_folder(), *patterns) == contents(shared("data/registers"), *patterns)


@pytest.mark.parametrize(("folder", "pattern"), [("land", "*.gz"), ("company", "sp500*.csv")])
def test_the_other_samples_are_unchanged_too(folder: str, pattern: str) -> None:
    assert contents(ROOT / "examples" / folder, pattern) == contents(shared(f"data/{folder}"), pattern)


def test_a_wheel_carries_them_with_their_licence(installed: Path) -> None:
    carried = contents(installed / "counterfoil/example_data/registers", "*")
    assert carried == contents(registers_folder(), "*")
    assert b"Open Government Licence" in carried["README.md"]


def test_an_installed_package_finds_its_own(installed: Path, tmp_path: Path) -> None:
    code = "from counterfoil.examples import registers_folder; print(registers_folder())"
    path = {"PYTHONPATH": str(installed)}
    found = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=path, text=True)
    assert found.strip() == str(installed / "counterfoil" / "example_data" / "registers")


def test_where_they_are_missing_an_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(examples, "__file__", str(tmp_path / "src" / "counterfoil" / "examples.py"))
    with pytest.raises(NotFound, match="example registers are not here"):
        registers_folder()
