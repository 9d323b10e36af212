"""The same input gives the same log, index and stored bytes: on every hash seed, locale, time zone and store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from counterfoil.ledger.ledger import Block, Ledger
from counterfoil.ledger.state import RecordState
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from tests.ledger_fixture import COURT, LAND, TAX, Ledgerhouse, MemoryLedger, MemoryState
from tests.ledger_story import tell

CHECKOUT = Path(__file__).parents[2]
STANDINGS = [
    ["taken"],
    ["taken"],
    ["taken", "refused", "taken", "taken"],
    ["taken", "refused", "refused", "taken", "taken", "taken", "refused", "taken", "repeated"],
    ["taken", "pending", "taken", "taken", "taken", "taken"],
    ["pending", "pending", "pending", "pending", "pending", "pending", "refused"],
    ["refused", "taken", "refused"],
    ["withdrawn", "refused"],
    ["taken"],
    ["taken"],
]

# ---- In processes of their own ---------------------------------------------------------------------


def told_under(folder: Path, surroundings: Mapping[str, str]) -> dict[str, Any]:
    """What the story leads to in a process with these environment variables."""
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT"}}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.ledger_story", str(folder)],
        cwd=CHECKOUT,
        env={**kept, "PYTHONPATH": f"{CHECKOUT / 'src'}", **surroundings},
        capture_output=True,
        check=True,
        timeout=120,
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The story under one hash seed, in the plain locale, in UTC."""
    return told_under(
        tmp_path_factory.mktemp("told") / "here", {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"}
    )


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "4242424242", "LC_ALL": "C", "TZ": "America/St_Johns"},
        {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "<-12>12", "PYTHONUTF8": "1"},
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC", "PYTHONOPTIMIZE": "2"},
    ],
    ids=lambda names: " ".join(names.values()),
)
def test_seed_locale_and_time_zone_make_no_difference(
    reference: dict[str, Any], surroundings: dict[str, str], tmp_path: Path
) -> None:
    assert told_under(tmp_path / "there", surroundings) == reference


def test_the_story_is_the_one_that_is_meant(reference: dict[str, Any]) -> None:
    assert reference["standings"] == STANDINGS
    assert reference["size"] > 70


# ---- On another state, and after a restart ---------------------------------------------------------


def records(store: Any, log: list[bytes]) -> dict[str, RecordState]:
    """The state of every record that the log knows."""
    names = {(entry.register, entry.record) for entry in map(decode_entry, log) if entry.register != ".index"}
    return {
        f"{register} {record}": store.record(record_key(register, record))
        for register, record in sorted(names)
    }


def state_of(store: Any, log: list[bytes]) -> dict[str, Any]:
    """What a store tells the ledger's rules."""
    rows = store.database.query
    return {
        "head": store.head,
        "log": log,
        "records": records(store, log),
        "claims": {
            bytes(digest): bytes(holder) for digest, holder in rows("SELECT digest, holder FROM claim")
        },
        "references": {
            (bytes(to), role, bytes(by))
            for to, role, by in rows("SELECT target, role, source FROM reference")
        },
        "priors": dict(rows("SELECT number, previous FROM prior")),
        "waiting": [(each.hash, each.complete, each.transaction.endorsements) for each in store.waiting()],
    }


def memory_of(state: MemoryState) -> dict[str, Any]:
    """The same of a state in memory."""
    return {
        "head": state.head,
        "log": state.entries,
        "records": records(state, state.entries),
        "claims": state.claims,
        "references": {tuple(row) for row in state.references},
        "priors": state.priors,
        "waiting": [(each.hash, each.complete, each.transaction.endorsements) for each in state.waiting()],
    }


def test_a_store_and_a_state_in_memory_lead_to_the_same(tmp_path: Path, reference: dict[str, Any]) -> None:
    house, memory = Ledgerhouse(tmp_path, LAND, COURT, TAX), MemoryLedger(LAND, COURT, TAX)
    assert tell(house, house) == tell(memory, memory) == STANDINGS
    assert state_of(house.store, list(house.store.entries())) == memory_of(memory.state)
    assert house.store.log.root() == memory.state.log_root() == bytes.fromhex(reference["root"])
    assert labelled(house.store.index_root({})) == labelled(memory.state.index_root({}))
    house.close()


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    house = Ledgerhouse(tmp_path, LAND, COURT, TAX)
    tell(house, house)
    before = state_of(house.store, list(house.store.entries()))
    house.close()
    house.open()
    assert state_of(house.store, list(house.store.entries())) == before
    house.close()


def test_a_kill_changes_nothing(tmp_path: Path) -> None:
    house = Ledgerhouse(tmp_path, LAND, COURT, TAX)
    tell(house, house)
    before = state_of(house.store, list(house.store.entries()))
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in tmp_path.glob("store.db*"):
        shutil.copy(file, killed)
    after = Ledgerhouse(killed)
    assert state_of(after.store, list(after.store.entries())) == before
    after.close()
    house.close()


def test_rules_that_know_nothing_yet_judge_as_those_that_have_seen_all() -> None:
    """What `Knowledge` keeps is a cache: a node that starts in the middle gives the same blocks."""
    warm, cold = MemoryLedger(LAND, COURT, TAX), MemoryLedger(LAND, COURT, TAX)
    apply = Ledger.apply

    class Forgetful(Ledger):
        def apply(self, state: Any, block: Block) -> Any:
            return apply(Ledger(), state, block)

    cold.rules = Forgetful()
    assert tell(warm, warm) == tell(cold, cold)
    assert warm.state.entries == cold.state.entries


def test_asking_twice_gives_the_same_answer_and_keeps_nothing() -> None:
    ledger = MemoryLedger(LAND, COURT, TAX)
    send = ledger.send

    def twice(*commands: Any, index: bool = False) -> Any:
        (changes, outcomes), (same, again) = (
            ledger.apply(*commands, index=index),
            ledger.apply(*commands, index=index),
        )
        assert changes == same
        assert [(each.standing, str(each.error)) for each in outcomes] == [
            (each.standing, str(each.error)) for each in again
        ]
        return send(*commands, index=index)

    ledger.send = twice  # type: ignore[method-assign]  # to listen in
    assert tell(ledger, ledger) == STANDINGS
