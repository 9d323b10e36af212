"""What a ledger's first entry says of the ledger before it: its form, and that it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.genesis import genesis
from counterfoil.ledger.system import (
    LEDGER_PARAMETERS,
    PARAMETER,
    AgencyFields,
    LastSeen,
    Predecessor,
    check_system_record,
)
from counterfoil.node import Node
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from tests.store.sample import Clock

ROOT, OTHER = digest(b"root"), digest(b"other")
BEFORE = Predecessor("ledger.example/one", 458, ROOT, LastSeen(461, OTHER), 3, digest(b"archive"))
AGENCIES = [("EE/GOV/LAND", AgencyFields("Land", ("ed25519:" + "A" * 43,)))]


def fields(**changes: object) -> dict[str, Any]:
    first = genesis("ledger.example/two", AGENCIES, "agency:EE/GOV/LAND", BEFORE).records[0]
    assert (first.register, first.record) == (PARAMETER, LEDGER_PARAMETERS)
    found = first.fields
    found["predecessor"] = {**found["predecessor"], **changes}
    return found


def check(found: dict[str, Any]) -> None:
    check_system_record(PARAMETER, LEDGER_PARAMETERS, found)


def test_the_first_record_names_what_went_before() -> None:
    check(fields())
    assert fields()["predecessor"] == {
        "origin": "ledger.example/one",
        "size": 458,
        "root": ROOT,
        "seen": {"size": 461, "root": OTHER},
        "lost": 3,
        "archive": digest(b"archive"),
    }


def test_a_ledger_without_one_begins_with_the_same_bytes_as_ever() -> None:
    first = genesis("ledger.example/two", AGENCIES, "agency:EE/GOV/LAND").records[0]
    assert first.encode() == (
        b'{"body":{"fields":{"governance":"agency:EE/GOV/LAND","origin":"ledger.example/two","state-machine":1}},'
        b'"operation":"create","record":"ledger","register":".parameter"}'
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "ledger.example/two"},
        {"size": 0, "lost": 461},
        {"lost": 2},
        {"seen": {"size": 458, "root": OTHER}, "lost": 0},
        {"root": "458"},
        {"seen": {"size": 461, "root": "x"}},
        {"archive": "x"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        check(fields(**changes))


def test_a_witness_tells_no_root() -> None:
    check(fields(seen={"size": 461}))


def test_nobody_can_add_or_change_it_later(tmp_path: Path) -> None:
    with Node.open(tmp_path / "home", clock=Clock(), origin="ledger.example/two") as node:
        parameters = node.record(PARAMETER, LEDGER_PARAMETERS)
        assert parameters is not None
        changed = {**parameters.fields, "predecessor": fields()["predecessor"]}
        with pytest.raises(Violated, match="says once, as it begins"):
            node.submit([Proposal(PARAMETER, LEDGER_PARAMETERS, "amend", 2, body={"fields": changed})])
