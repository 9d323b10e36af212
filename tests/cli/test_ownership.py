"""`counterfoil ownership`: what of beneficial owners is published, and that it conforms to the standard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.node import Node
from counterfoil.office.beginning import define_shipped
from tests.cli.calling import process
from tests.cli.conftest import Command
from tests.registry.test_bods import validated


def person(number: str, family: str, given: str, born: str) -> dict[str, Any]:
    return {
        "register": "person",
        "fields": {
            "number": number,
            "names": [{"script": "Latn", "use": "birth", "family": family, "given": given}],
            "sex": "female",
            "date-of-birth": born,
            "nationality": ["EST"],
        },
    }


COMPANY: dict[str, Any] = {
    "register": "company",
    "fields": {
        "number": "C-1001",
        "name": "Vesiroos OÜ",
        "form": "private limited company",
        "registered-office": {"address": "Kase 1, Tartu", "country": "EE"},
        "incorporated": "2026-03-01",
        "share-classes": [
            {"class": "A", "nominal": "1.00", "currency": "EUR", "authorised": 100, "issued": 100}
        ],
        "officers": [{"person": "P-000001", "role": "director", "appointed": "2026-03-01"}],
        "holdings": [{"holder": {"person": "P-000001"}, "class": "A", "number": 100}],
        "transfers": [{"to": {"person": "P-000001"}, "class": "A", "number": 100}],
        "beneficial-owners": [
            {
                "person": "P-000001",
                "interests": [{"type": "shareholding", "direct": "direct", "share": {"exact": "100"}}],
                "declared": "2026-03-01",
            }
        ],
    },
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with one company and its owner."""
    folder = tmp_path_factory.mktemp("ownership") / "home"
    with Node.open(folder) as node:
        define_shipped(node)
    for each in (person("P-000001", "Tamm", "Mari", "1980-05-01"), COMPANY):
        ended = process("file", "-", "--home", folder, stdin=json.dumps(each).encode())
        assert ended.code == 0, ended.err
    return folder


def test_owners_are_published_as_the_standard_has_them(home: Path, command: Command, tmp_path: Path) -> None:
    ended = command("ownership", "C-1001", "--home", home, "--out", tmp_path / "owners.json", "--json")
    assert (ended.code, ended.result["statements"]) == (0, 3)
    told = json.loads((tmp_path / "owners.json").read_bytes())
    assert [each["recordType"] for each in told] == ["entity", "person", "relationship"]
    assert told[1]["recordDetails"]["names"][0]["fullName"] == "Mari Tamm"
    assert told[1]["recordDetails"]["birthDate"] == "1980-05"
    assert validated("jsonschemavalidate", told, tmp_path) == []


def test_a_persons_number_and_day_of_birth_are_not_published(home: Path, command: Command) -> None:
    told = command("ownership", "C-1001", "--home", home).out
    assert b"P-000001" not in told
    assert b"1980-05-01" not in told


def test_the_same_owners_have_the_same_statements_each_time(home: Path, command: Command) -> None:
    first, again = (command("ownership", "C-1001", "--home", home).out for _ in range(2))
    assert first == again


def test_the_owner_can_see_that_it_was_published(home: Path, command: Command) -> None:
    with Node.open(home, read_only=True) as node:
        before = node.store.head.size
    command("ownership", "C-1001", "--home", home)
    with Node.open(home, read_only=True) as node:
        said = [node.entry(number) for number in range(before, node.store.head.size)]
    looks = [each for each in said if each.register == "disclosure"]
    assert len(looks) == 2  # as an owner of the company, and as a person
    assert len({each.record for each in looks}) == 1


def test_a_company_that_is_not_there_is_told_in_a_sentence(home: Path, command: Command) -> None:
    ended = command("ownership", "C-9999", "--home", home)
    assert (ended.code, ended.err) == (3, "counterfoil: there is no such record in company\n")
