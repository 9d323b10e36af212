"""A small installation in which there is something in every table and every state, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import Conflict
from counterfoil.examples import registers_folder
from counterfoil.ledger.system import AgencyFields
from counterfoil.node import Node
from counterfoil.proof.canonical import Json, digest
from counterfoil.proof.entry import Claim, Proposal, Reference, Tree
from counterfoil.proof.instant import instant_text
from counterfoil.proof.signing import SigningKey
from counterfoil.registry.rsf.importing import import_rsf
from counterfoil.registry.rsf.reading import read_rsf
from counterfoil.store.audit.audit import Audited, audit_store
from counterfoil.store.documents import CHUNK
from counterfoil.store.sqlite import Sqlite

ORIGIN = "ledger.example/sample"
LAND = "EE/GOV/LAND"
COURT = "EE/GOV/COURT"
COURT_KEY = SigningKey("ed25519", b"court".ljust(32, b"."))
OWNER_KEY = SigningKey("ed25519", b"owner".ljust(32, b"."))
START = 1_800_000_000
DAY = 86_400
DEEDS = (b"", b"a deed", b"in two chunks".ljust(CHUNK + 3, b"."))
TITLE_SCHEMA: Json = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "plot": {"type": "string"}, "area": {"type": "integer"}},
    "required": ["id"],
    "additionalProperties": False,
}


class Clock:
    """The time in seconds since 1970; it moves when a test moves it."""

    def __init__(self, now: int = START):
        self.now = now

    def __call__(self) -> float:
        return self.now


def audited(path: Path) -> Audited:
    """What the audit says of the store at `path`, or in the folder `path`."""
    path = path / "store.db" if path.is_dir() else path
    with closing(Sqlite(path, read_only=True, untouched=True)) as database:
        return audit_store(database, path)


def open_node(folder: Path, clock: Clock) -> Node:
    return Node.open(folder, clock=clock, origin=ORIGIN, agency=LAND, title="Land office")


def define(node: Node, register: str, **fields: Json) -> None:
    body = {"fields": {"title": register, "authority": LAND, **fields}}
    node.submit([Proposal(".register", register, "create", 1, body=body)])


def title(record: str, version: int = 1, operation: str = "", **content: Any) -> Proposal:
    """A proposal in the register of titles; its plot is its own."""
    operation = operation or ("create" if version == 1 else "amend")
    fields = {"id": record, "plot": f"plot of {record}", "area": 100 * version}
    content.setdefault("status", "registered")
    return Proposal("title", record, operation, version, body={"fields": fields}, **content)


def titles(numbers: Sequence[int], version: int = 1) -> list[Proposal]:
    return [title(f"T{number}", version) for number in numbers]


def joint(record: str, version: int = 1) -> Proposal:
    """A proposal in the register that both agencies endorse."""
    operation = "create" if version == 1 else "amend"
    return Proposal(
        "agreement", record, operation, version, body={"fields": {"text": f"{record} v{version}"}}
    )


def build(folder: Path) -> None:
    """Make the installation: two agencies, two imported registers, and what `_titles` and those after it write."""
    clock = Clock()
    with open_node(folder, clock) as node:
        court = AgencyFields("Court", (COURT_KEY.public.text,))
        body = {"fields": {"name": court.name, "endorse": list(court.endorse)}}
        node.submit([Proposal(".agency", COURT, "create", 1, body=body)])
        _titles(node, clock)
        _others(node, clock)
        _documents(node, clock)
        _ended_transactions(node, clock)
        _waiting_transactions(node, clock)
        for name in ("territory", "allergen"):
            import_rsf(node, read_rsf((registers_folder() / f"{name}.rsf").read_bytes()))
        clock.now += 1
        node.submit(titles(range(1000, 1030)), receipt=True)
        node.submit(titles([2000]))
        node.submit(titles([2001, 2002]))


def _titles(node: Node, clock: Clock) -> None:
    constraints = [
        {"kind": "unique", "name": "one-title-a-plot", "fields": ["plot"]},
        {
            "kind": "transition",
            "name": "stages",
            "initial": ["registered"],
            "transitions": {"registered": ["closed"]},
        },
    ]
    define(node, "title", key="id", schema=TITLE_SCHEMA, constraints=constraints)
    node.submit(titles(range(180)))
    clock.now += 1
    node.submit([*titles(range(0, 60, 3), 2), *titles(range(0, 30, 3), 3)])
    node.submit([title("T5", 2, "correct"), title("T7", 2, "close", status="closed")])
    node.submit([title("T8", 2, "annul")], receipt=True)
    clock.now += 5
    node.submit([title("T9", 4, control=f"key:{OWNER_KEY.public.text}")])
    node.submit([title("T9", 5)], keys=[OWNER_KEY])
    # An endorsement more than its policy asks for.
    node.submit([title("T10", 2)], keys=[COURT_KEY])


def _others(node: Node, clock: Clock) -> None:
    define(node, "mortgage", scopes=["national"])
    define(node, "log", append=True)
    claim = Claim("national", "mortgage", digest(b"mortgage of T1"))
    node.submit(
        [
            Proposal(
                "mortgage",
                f"M{number}",
                "create",
                1,
                status="live",
                claims=(claim,) if number == 1 else (),
                references=(Reference("on", "title", f"T{number}"), Reference("beside", "title", "T0")),
            )
            for number in range(1, 9)
        ]
    )
    clock.now += 1
    node.submit([Proposal("mortgage", "M2", "amend", 2, status="paid")])
    node.submit([Proposal("log", "T1", "amend", body={"fields": {"read": "by an officer"}})] * 3)
    sealed = Tree(digest(b"many items"), 12)
    node.submit([Proposal("log", "T2", "amend", item=digest(b"fields"), tree=sealed)])


def _documents(node: Node, clock: Clock) -> None:
    define(node, "deed")
    clock.now += 1
    names = [node.store.put_document([content]) for content in DEEDS]
    node.submit(
        [Proposal("deed", f"D{number}", "create", 1, document=name) for number, name in enumerate(names)]
    )


def _ended_transactions(node: Node, clock: Clock) -> None:
    policy = {"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]}
    define(node, "agreement", policy=policy)
    clock.now += 1
    node.submit([joint("A0")], keys=[COURT_KEY])
    completed = node.submit([joint("A1"), joint("A2")])
    withdrawn = node.submit([joint("A3")])
    lapsing = node.submit([joint("A4")], deadline=instant_text(clock.now + 10))
    refused = node.submit([joint("A5")])
    later = node.submit([joint("A6")], keys=[COURT_KEY], not_before=instant_text(clock.now + 20))
    overtaken = node.submit([joint("A7")], keys=[COURT_KEY], not_before=instant_text(clock.now + 20))
    clock.now += 1
    node.submit([joint("A5"), joint("A7")], keys=[COURT_KEY])
    node.withdraw(withdrawn.transaction)
    node.endorse(completed.transaction, COURT_KEY)
    with pytest.raises(Conflict, match="at version 1"):
        node.endorse(refused.transaction, COURT_KEY)
    clock.now += 30
    node.submit(titles([500]))
    waiting = {each.hash for each in node.store.waiting()}
    assert waiting.isdisjoint({each.transaction for each in (lapsing, later, overtaken)})


def _waiting_transactions(node: Node, clock: Clock) -> None:
    node.submit([joint("A10"), joint("A11")])
    clock.now += 1
    node.submit([joint("A13")], keys=[COURT_KEY], not_before=instant_text(clock.now + DAY))
    policy = {"require": 3, "of": [f"agency:{LAND}", f"agency:{COURT}", f"key:{OWNER_KEY.public.text}"]}
    define(node, "treaty", policy=policy)
    waiting = node.submit([Proposal("treaty", "X", "create", 1, body={"fields": {}})])
    node.endorse(waiting.transaction, OWNER_KEY)
    assert len(node.store.waiting()) == 3
