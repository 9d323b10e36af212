"""`counterfoil extract` and `verify`: a certified copy goes out as a file, and is checked without the installation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from counterfoil.node import Node
from counterfoil.proof.extract import Extract, extract_hash
from tests.cli.calling import process
from tests.cli.conftest import Command
from tests.office.house import House, make_home
from tests.office.tenancy import tenancies
from tests.web.process import serving

KEY = "7"


@pytest.fixture(scope="session")
def tenancy_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with one tenancy, made once; take a copy to use it."""
    house = House(make_home(tmp_path_factory.mktemp("tenancy") / "home"))
    tenancies(house)
    house.close()
    return house.folder


@pytest.fixture
def office(tenancy_home: Path, home: Path, tmp_path: Path) -> Path:
    """A copy of it where commands look for one, and the tenancy's key in a file."""
    shutil.copytree(tenancy_home, home)
    (tmp_path / "key").write_text(f"{KEY}\n")
    return home


@pytest.mark.parametrize("name", ["copy.json", "copy.html"])
def test_a_copy_needs_no_installation_to_be_verified(
    command: Command, office: Path, tmp_path: Path, name: str
) -> None:
    made = command("extract", "tenancy", "--purpose", "tax", "--key-file", "key", "--out", name, "--json")
    assert (made.code, made.result["fields"]) == (0, ["address", "landlord", "number", "rent"])
    trust = (tmp_path / "trust.json").write_bytes((office / "trust.json").read_bytes())
    assert trust
    shutil.rmtree(office)
    ended = process("verify", name, "--trust", "trust.json", "--json", env={"COUNTERFOIL_HOME": "none"})
    assert (ended.code, ended.result["verdict"], ended.result["level"]) == (0, "valid", "sealed here")
    assert "rules of tenancy checked by the submitting agency only: landlord-stays" in ended.result["claims"]


def test_what_is_read_on_a_page_is_what_is_verified(command: Command, office: Path, tmp_path: Path) -> None:
    asked = ("extract", "tenancy", "--purpose", "tax", "--key-file", "key", "--out", "copy.html")
    told = command(*asked)
    assert told.code == 0
    page = tmp_path / "copy.html"
    assert told.text.endswith(
        f"verify it with: counterfoil verify copy.html --trust {office / 'trust.json'}\n"
    )
    page.write_bytes(page.read_bytes().replace(b"640.00</bdi>", b"64.00</bdi>"))
    told = command("verify", "copy.html", "--trust", office / "trust.json")
    assert (told.code, told.text.splitlines()[-1]) == (1, "not valid")
    assert [line.partition(":")[0] for line in told.text.splitlines() if line.startswith("✗")] == ["✗ page"]


def test_for_people_the_verdict_names_the_hash_on_the_paper(
    command: Command, office: Path, tmp_path: Path
) -> None:
    command("extract", "tenancy", "--record", KEY, "--field", "address", "--out", "copy.json")
    made = Extract.parse((tmp_path / "copy.json").read_bytes())
    told = command("verify", "copy.json", "--trust", office / "trust.json")
    assert told.code == 0
    assert extract_hash(made) in told.text
    assert told.text.splitlines()[-1] == "valid, sealed here"
    assert command("verify", "copy.json").code == 3


def test_without_a_file_it_is_json_on_standard_output(command: Command, office: Path) -> None:
    told = command("extract", "tenancy", "--record", KEY)
    assert told.code == 0
    assert Extract.parse(told.out).fields == {"address": "1 Mill Lane", "number": KEY}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--purpose", "curiosity", "--key-file", "key"), 1, "is no purpose"),
        (("--field", "rent", "--key-file", "key"), 1, "name the purpose"),
        (("--purpose", "tax"), 2, "--key-file or by --record"),
        (("--purpose", "tax", "--record", "8"), 3, "no such record"),
        (("--purpose", "tax", "--key-file", "two"), 2, "one at a time"),
    ],
)
def test_what_may_not_be_shown_is_refused(
    command: Command, office: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "two").write_text("7\n8\n")
    with Node.open(office, read_only=True) as node:
        size = node.store.head.size
    told = command("extract", "tenancy", *arguments, "--out", "copy.json")
    assert (told.code, said in told.err) == (code, True), told.err
    assert not (tmp_path / "copy.json").exists()
    with Node.open(office, read_only=True) as node:
        assert node.store.head.size == size


def test_while_the_installation_is_served_it_goes_through_that_process(
    command: Command, office: Path, tmp_path: Path
) -> None:
    with serving(office):
        told = command("extract", "tenancy", "--purpose", "tax", "--key-file", "key", "--out", "copy.html")
        assert told.code == 0, told.err
        with Node.open(office, read_only=True) as node:
            entries = list(node.entries())
    assert sum(b'"register":"disclosure"' in each for each in entries) == 2
    assert command("verify", "copy.html", "--trust", office / "trust.json").code == 0
