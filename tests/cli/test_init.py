"""`counterfoil init`: what others pin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from tests.cli.calling import process, snapshot
from tests.cli.conftest import Command

NAMES = ("--origin", "registers.example/land", "--agency", "EX/GOV/LAND", "--title", "Land Office")


def test_it_prints_what_a_trust_policy_pins(home: Path) -> None:
    made = process("init", *NAMES, "--json").result
    trust = json.loads((home / "trust.json").read_bytes())
    assert made == {
        "home": str(home),
        "created": True,
        "origin": "registers.example/land",
        "agency": "EX/GOV/LAND",
        "title": "Land Office",
        "genesis_size": trust["genesis-size"],
        "genesis_root": trust["genesis-root"],
        "trust": str(home / "trust.json"),
    }
    with Node.open(home, read_only=True) as node:
        assert labelled(node.store.root_at(made["genesis_size"])) == made["genesis_root"]


def test_for_people_it_says_the_same_and_what_to_keep(command: Command, home: Path) -> None:
    lines = command("init", *NAMES).text.splitlines()
    root = json.loads((home / "trust.json").read_bytes())["genesis-root"]
    assert lines[:5] == [
        f"The installation in {home} is made.",
        "  origin        registers.example/land",
        "  agency        EX/GOV/LAND (Land Office)",
        f"  genesis       6 entries, root {root}",
        f"  trust policy  {home}/trust.json",
    ]
    assert lines[-1] == "Keep a copy of the folder keys/ apart: without it, this ledger cannot be continued."


def test_no_secret_is_in_what_it_says(command: Command, home: Path) -> None:
    said = command("init").out + command("init", "--json").out + command("doctor", "--json").out
    for use in ("endorse", "checkpoint", "checkpoint-pq"):
        assert Home(home).read_key(use).seed.hex().encode() not in said


def test_each_one_has_an_origin_of_its_own(command: Command, tmp_path: Path) -> None:
    origins = {command("init", "--home", tmp_path / name, "--json").result["origin"] for name in "ab"}
    assert len(origins) == 2
    assert all(origin.startswith("ledger.local/") for origin in origins)


@pytest.mark.parametrize("asked", [(), NAMES], ids=["nothing", "the same"])
def test_one_that_is_there_is_described_and_left(
    command: Command, home: Path, asked: tuple[str, ...]
) -> None:
    made = command("init", *NAMES, "--json").result
    before = snapshot(home)
    again = command("init", *asked, "--json")
    assert (again.code, again.result) == (0, made | {"created": False})
    assert {name: said for name, said in snapshot(home).items() if "store.db-" not in name} == before


@pytest.mark.parametrize(
    ("option", "value", "name", "is_"),
    [
        ("--origin", "other.example", "origin", "registers.example/land"),
        ("--agency", "EX/GOV/TAX", "agency", "EX/GOV/LAND"),
        ("--title", "Tax Office", "title", "Land Office"),
    ],
)
def test_one_of_other_names_is_refused(
    command: Command, home: Path, option: str, value: str, name: str, is_: str
) -> None:
    command("init", *NAMES)
    told = command("init", option, value)
    assert (told.code, told.out) == (3, b"")
    assert told.err == (
        f"counterfoil: there is an installation in {home} already, and its {name} is '{is_}'; choose another folder\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--agency", "LAND"], "'LAND' is no agency; a member is named INSTANCE/CLASS/CODE"),
        (["--origin", "a b"], "a space"),
        (["--origin", "a+b"], "'a+b'"),
    ],
)
def test_names_that_cannot_be_are_wrong_usage_and_make_nothing(
    command: Command, home: Path, arguments: list[str], said: str
) -> None:
    told = command("init", *arguments)
    assert (told.code, told.out, home.exists()) == (2, b"", False)
    assert said in told.err or "name" in told.err


def test_what_it_says_stands_in_the_log(command: Command, home: Path) -> None:
    made = command("init", "--json").result
    (home / "trust.json").write_text("{}")
    assert command("init", "--json").result == made | {"created": False}
