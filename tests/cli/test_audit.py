"""`counterfoil audit`: what it says, and with which code; what it finds is tested beside it (tests/home_audit)."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.store.audit.finding import CANNOT_SEE
from tests.cli.calling import process, snapshot
from tests.cli.conftest import Command


def test_a_healthy_one_is_0(land: Path) -> None:
    with Node.open(land, read_only=True) as node:
        size, root, origin = node.store.head.size, labelled(node.store.log.root()), "registers.example/land"
    ended = process("audit", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.documents == [
        {
            "home": str(land),
            "entries": size,
            "root": root,
            "origin": origin,
            "findings": [],
            "found": 0,
            "unchecked": [],
            "cannot_see": CANNOT_SEE,
            "level": "sealed here",
        }
    ]


def test_for_people_it_says_what_no_lone_node_can_see(command: Command, land: Path) -> None:
    lines = command("audit").text.splitlines()
    assert lines[0].endswith(f" entries in {land}: everything stored is what it must be")
    assert lines[-1] == f"Trust level: sealed here. {CANNOT_SEE}"


def test_a_fault_is_1_and_named(land: Path) -> None:
    (land / "trust.json").write_bytes((land / "trust.json").read_bytes().replace(b"EX/GOV", b"EX/GOX"))
    (land / "notes.txt").write_text("mine")
    ended = process("audit", "--json")
    assert ended.code == 1
    assert ended.result["findings"] == [
        {"what": "it is not the policy that follows from the ledger's first entries", "where": "trust.json"},
        {"what": "it is no part of an installation", "where": "notes.txt"},
    ]
    said = process("audit")
    assert said.text.splitlines()[:3] == [
        f"2 faults in {land}:",
        "  trust.json: it is not the policy that follows from the ledger's first entries",
        "  notes.txt: it is no part of an installation",
    ]


def test_of_many_people_see_the_first(command: Command, land: Path) -> None:
    for number in range(25):
        (land / f"{number:02}").write_text("")
    lines = command("audit").text.splitlines()
    assert (lines[0], len([line for line in lines if line.startswith("  ")])) == (f"25 faults in {land}:", 21)
    assert command("audit", "--json").result["found"] == 25


def test_nothing_in_the_folder_changes(land: Path) -> None:
    before = snapshot(land)
    assert process("audit").code == 0
    assert snapshot(land) == before


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty one"])
def test_where_there_is_nothing_it_is_3(command: Command, home: Path, there: bool) -> None:
    if there:
        home.mkdir()
    told = command("audit", "--json")
    assert (told.code, told.error["kind"]) == (3, "not-found")


def test_what_cannot_be_read_is_3(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert command("audit", "--home", tmp_path / "file" / "home").code == 3
