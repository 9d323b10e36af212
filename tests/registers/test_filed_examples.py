"""The example on each register's page is the file beside, and an office takes it as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from counterfoil.cli.filing import _change, parse_changes
from counterfoil.office.office import Office
from counterfoil.proof.entry import Proposal
from counterfoil.registers import names
from tests.office.changes import AGENCY
from tests.office.house import CLERK, SECOND, House, make_home
from tests.registers.test_pages import page, vehicle

FILES = Path(__file__).parents[2] / "examples" / "registry"
ORDER = [
    ("person", "person"),
    ("birth", "birth"),
    ("marriage", "marriage"),
    ("company", "company"),
    ("business-licence", "business-licence"),
    ("land-title", "land-title"),
    ("land-title", "land-charge"),
    ("own", "vehicle"),
    ("criminal-record", "criminal-record"),
    ("death", "death"),
]
"""Each page, and the example on it, in an order in which they can be filed one after the other."""
DECIDED = {"criminal-record"}
"""What a second officer decides."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An office on a fresh home, with the registers that come with the software and the page's vehicles."""
    made = House(make_home(tmp_path_factory.mktemp("examples") / "home", names()))
    fields = {**vehicle(), "authority": AGENCY}
    made.node.submit([Proposal(".register", "vehicle", "create", 1, body={"fields": fields})])
    yield made
    made.close()


def text_of(name: str) -> str:
    return (FILES / f"{name}.json").read_text(encoding="utf-8")


def stated(name: str, office: Office) -> list[Any]:
    """The changes of an example, as the command `file` reads them, its documents stored."""
    data = text_of(name).replace("LOCAL/GOV/AGENCY", AGENCY).encode()
    at: Any = SimpleNamespace(office=office)
    return [_change(at, each, FILES, number) for number, each in enumerate(parse_changes(data, name), 1)]


@pytest.mark.parametrize(("where", "name"), ORDER)
def test_the_page_shows_the_file(where: str, name: str) -> None:
    assert text_of(name).rstrip() in re.findall(r"```json\n(.*?)\n```", page(where), re.DOTALL)


def test_every_example_is_taken_in_its_turn(house: House) -> None:
    assert {path.stem for path in FILES.glob("*.json")} == {name for _, name in ORDER}
    for _, name in ORDER:
        filed = house.office.file(stated(name, house.office), CLERK)
        assert (filed.waiting is not None) is (name in DECIDED), (name, filed)
        if filed.waiting is not None:
            assert house.office.decide(filed.waiting.case, SECOND, approved=True, reason="seen") is not None
        assert house.node.record(*filed.records[0]) is not None, name
    assert house.latest("person", "P-000106").status == "alive"
    assert house.latest("person", "P-000105").status == "deceased"
    assert house.latest("vehicle", "wvwzzz 1jz3W386752").record == "wvwzzz1jz3w386752"
