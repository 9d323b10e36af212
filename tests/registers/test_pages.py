"""The registers' pages: their tables say what the definitions say, and the worked example works as it is printed."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from msgspec import structs

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import check_constraints
from counterfoil.ledger.definition import Definition, parse_definition
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.canonical import Json, digest
from counterfoil.proof.entry import Proposal, Reference
from tests.ledger_fixture import DAY, LAND, MemoryLedger, change, create, refused
from tests.registers.desk import definition, rows

PAGES = Path(__file__).parents[2] / "docs" / "registers"


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "registers"),
    [
        ("company", ["company"]),
        ("business-licence", ["business-licence"]),
        ("land-title", ["land-title", "land-charge"]),
    ],
)
def test_the_tables_of_a_page_are_those_of_its_definition(name: str, registers: list[str]) -> None:
    body = [
        line for line in page(name).splitlines() if line.startswith("| ") and not line.startswith("| rule |")
    ]
    heads = ("| field | class", "| item | source", "| purpose | law", "| what happens")
    printed = [line for line in body if not line.startswith(heads)]
    expected = [row for register in registers for row in rows(definition(register))]
    assert [row for row in expected if row not in printed] == []
    told_by_hand = len(printed) - len(expected)
    assert told_by_hand == (11 if name == "land-title" else 0)


# ---- The worked example -----------------------------------------------------------------------------


@cache
def vehicle() -> dict[str, Json]:
    """The definition in the page, before the example of a record."""
    block, _ = re.findall(r"```json\n(.*?)\n```", page("own"), re.DOTALL)
    return dict(json.loads(block)) | {"authority": LAND}


@cache
def compiled() -> Definition:
    made = parse_definition("vehicle", vehicle())
    check_constraints(made)
    return made


CAR: dict[str, Json] = {
    "vin": "WVWZZZ1JZ3W386752",
    "plate": "ER-1872",
    "first-registered": "2003-05-01",
    "registered": "2019-02-11",
    "make": "Volkswagen",
    "category": "M1",
    "type-approval": "e1*98/14*0071*14",
    "mass-in-service": 1250,
    "power": "55",
    "fuel": "petrol",
    "seats": 5,
    "holder": {"person": "P-001"},
    "owners": [{"party": {"person": "P-001"}, "share": "2/3"}, {"party": {"company": "C-1"}, "share": "1/3"}],
}


def entered(
    operation: str = "create", version: int = 1, status: str = "registered", **fields: Json
) -> Proposal:
    told = CAR | {name.replace("_", "-"): value for name, value in fields.items()}
    public = {name: value for name, value in told.items() if name not in compiled().hidden}
    own = {"status": status, "body": {"fields": public}, "item": digest(b"who holds and owns it")}
    record = str(compiled().normal_key(told["vin"]))
    return change("vehicle", record, version, operation, **own)


def test_the_page_shows_where_each_rule_is_enforced() -> None:
    shown = compiled()
    rules = rows(shown)[len(shown.rules.rules) :][: len(shown.constraints)]
    assert "\n".join(rules) in page("own")


def test_each_core_item_is_a_field_or_left_out_with_a_reason() -> None:
    for each in compiled().fields.core:
        assert (each.field is None) is not (each.left_out is None), each.item
        named = each.field.split(", ") if each.field else []
        assert set(named) <= set(compiled().rules.rules), each.item


def test_the_example_conforms_and_what_is_wrong_does_not() -> None:
    schema = compiled().full_schema
    assert schema is not None
    assert list(schema.faults(CAR)) == []
    faulty: list[dict[str, Json]] = [
        {"vin": "WVWZZZ1JZ3W38675O"},
        {"plate": "?"},
        {"fuel": "coal"},
        {"owners": []},
        {"colour": "red"},
    ]
    for wrong in faulty:
        assert len(list(schema.faults(CAR | wrong))) == 1


@pytest.fixture
def office() -> MemoryLedger:
    made = MemoryLedger(LAND)
    made.define("vehicle", **vehicle())
    assert made.submit(entered()).standing is Standing.TAKEN
    return made


def test_a_key_is_the_same_in_small_letters(office: MemoryLedger) -> None:
    again = entered(vin="wvwzzz1jz3w386752", plate="ER-1873")
    assert office.submit(again).standing is Standing.REFUSED


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (entered("amend", 2, make="Audi", first_registered="2004-01-01"), "frame-stands"),
        (entered("amend", 2, registered="2003-04-30"), "first-used-before-registered"),
        (entered("amend", 2, registered="2031-01-01"), "first-used-before-registered"),
        (entered("amend", 2, "as-found"), "life-of-a-vehicle"),
        (entered(vin="WVWZZZ1JZ3W386753"), "one-vehicle-of-a-plate"),
    ],
)
def test_what_is_not_lawful_is_refused_by_every_node(
    office: MemoryLedger, wrong: Proposal, rule: str
) -> None:
    refused(office.submit(wrong), Violated, rule)


def test_a_vehicle_that_is_gone_is_kept_for_seven_years(office: MemoryLedger) -> None:
    gone = entered("amend", 2, "scrapped", ended="2019-11-24")
    assert office.submit(gone).standing is Standing.TAKEN
    erased = structs.replace(gone, operation="erase", version=3, item=None)
    refused(office.submit(erased), Violated, "kept-seven-years")
    office.clock.now += DAY
    assert office.submit(erased).standing is Standing.TAKEN


def test_a_pledge_stands_against_a_sale_from_the_day_its_register_is_made(office: MemoryLedger) -> None:
    office.define("pledge", key="number")
    record = entered().record
    pledged = create(
        "pledge", "1", number="1", status="in-force", references=(Reference("vehicle", "vehicle", record),)
    )
    assert office.submit(pledged).standing is Standing.TAKEN
    refused(office.submit(entered("amend", 2)), Violated, "no-pledge-stands-against-it")
    redeemed = change("pledge", "1", 2, "close", status="redeemed")
    assert office.submit(entered("amend", 2), redeemed).standing is Standing.TAKEN
