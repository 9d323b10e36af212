"""A history in which everything happens once, told to any ledger; as a program it prints what the ledger is after it.

Run as `python -m tests.ledger_story FOLDER`.
"""

from __future__ import annotations

import json
import locale
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from counterfoil.ledger.ledger import Command, Endorse, Outcome, Withdraw
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal, Reference, Tree
from counterfoil.proof.transaction import WITHDRAWAL, Expectation, Transaction, endorse
from tests.ledger_fixture import (
    COURT,
    DAY,
    LAND,
    TAX,
    Clock,
    Ledgerhouse,
    Scribe,
    agency,
    change,
    claim,
    claim_name,
    create,
    holder,
    key,
    of,
)


class Listener(Protocol):
    """Who is told the story."""

    clock: Clock

    def send(self, *commands: Command) -> list[Outcome]:
        """Take the commands as one block."""
        ...


OWNERS = tuple(claim("owner", str(number)) for number in range(12))
MORTGAGED = tuple(Reference(f"role {number}", "mortgage", str(number)) for number in range(6))


def tell(listener: Listener, scribe: Scribe) -> list[list[str]]:
    """Tell the whole history, block by block; gives the standing of every command."""
    standings = []
    for seconds, block in _blocks(scribe):
        listener.clock.now += seconds
        standings.append([outcome.standing.value for outcome in listener.send(*block)])
    return standings


def _blocks(scribe: Scribe) -> list[tuple[int, Sequence[Command]]]:
    write = scribe.transaction
    return [
        (0, _definitions(scribe)),
        (0, [write(*[create("mortgage", str(number), status="live") for number in range(6)])]),
        (
            1,
            [
                write(*_estates()),
                write(create("estate", "0", deed="taken")),
                write(*_accesses(), by=[LAND, TAX]),
                write(*_accesses(), by=[LAND, TAX]),
            ],
        ),
        (1, _moves(scribe)),
        (5, _endings(scribe)),
        *_waits(scribe),
        (DAY, [write(create("mortgage", "after", status="live"))]),
    ]


def _definitions(scribe: Scribe) -> list[Command]:
    rules = [
        {"kind": "unique", "name": "one-deed", "fields": ["deed"], "citation": "Act 1"},
        {"kind": "immutable", "name": "deed-stays", "fields": ["deed"]},
        {
            "kind": "reference",
            "name": "mortgages",
            "fields": ["mortgage"],
            "register": "mortgage",
            "status": ["live"],
        },
        {
            "kind": "transition",
            "name": "life",
            "initial": ["draft"],
            "transitions": {"draft": ["live"], "live": ["void"]},
        },
        {"kind": "authorised-by", "name": "judge", "policy": agency(COURT), "operations": ["annul"]},
    ]
    schema = {"properties": {"deed": {"type": "string", "pattern": "^[a-zäöü ]+$"}}, "required": ["deed"]}
    estate = {
        "title": "Estates",
        "authority": LAND,
        "schema": schema,
        "constraints": rules,
        "recovery": agency(COURT),
        "scopes": ["civil"],
    }
    joint = {
        "title": "Joint",
        "authority": LAND,
        "policy": of(2, agency(LAND), agency(COURT), agency(TAX)),
        "scopes": ["civil"],
    }
    return [
        scribe.transaction(
            create(".register", "estate", body={"fields": estate}),
            create(".register", "joint", body={"fields": joint}),
            create(".register", "mortgage", title="Mortgages", authority=LAND),
            create(".register", "access", title="Accesses", authority=TAX, append=True),
        )
    ]


def _estates() -> list[Proposal]:
    letters = "abcdefghijäö"
    estates = [
        create(
            "estate",
            f"{number} Käina",
            status="draft",
            body={"fields": {"deed": letters[number] * 3, "mortgage": [str(number % 6)]}},
            claims=OWNERS[number : number + 1] * 2,
            references=MORTGAGED,
            item=digest(b"%d" % number),
            tree=Tree(digest(b"tree"), number + 1),
        )
        for number in range(10)
    ]
    return [*estates, change("estate", "0 Käina", 2, status="live", body={"fields": {"deed": "aaa"}})]


def _accesses() -> list[Proposal]:
    return [
        change("access", f"person {number % 3}", None, body={"fields": {"n": number}}) for number in range(7)
    ]


def _moves(scribe: Scribe) -> list[Command]:
    def moved(number: int, version: int, owner: int, **content: Any) -> Proposal:
        body = {"fields": {"deed": "abcdefghij"[number] * 3}}
        content = {"status": "draft", "body": body, "claims": (OWNERS[owner], OWNERS[11]), **content}
        return change("estate", f"{number} Käina", version, **content)

    free = Expectation(claim=claim_name(OWNERS[11]), held=False)
    return [
        scribe.transaction(
            moved(1, 2, 2, control=holder("deed")), moved(2, 2, 1, claims=(OWNERS[1],)), expects=[free]
        ),
        scribe.transaction(moved(3, 2, 3)),
        scribe.transaction(moved(4, 2, 4, claims=(), references=MORTGAGED[::2]), expects=[free]),
        scribe.transaction(moved(4, 2, 4, claims=(), references=MORTGAGED[::2])),
        scribe.transaction(moved(4, 3, 4, claims=(), references=MORTGAGED[::-1])),
        scribe.transaction(moved(1, 3, 2), by=[LAND, "deed"]),
        scribe.transaction(moved(5, 2, 5, body={"fields": {"deed": "zzz"}})),
        scribe.transaction(moved(6, 2, 6, claims=(OWNERS[6],)), by=[LAND, COURT], request="once", asked="x"),
        scribe.transaction(moved(6, 3, 6, claims=(OWNERS[6],)), by=[LAND, COURT], request="once", asked="x"),
    ]


def _endings(scribe: Scribe) -> list[Command]:
    return [
        scribe.transaction(change("estate", "7 Käina", 2, "close", status="live")),
        scribe.transaction(change("estate", "8 Käina", 2, "annul", status="draft")),
        scribe.transaction(change("estate", "8 Käina", 2, "annul", status="draft"), by=[LAND, COURT]),
        scribe.transaction(change("estate", "7 Käina", 3, "erase", status="live")),
        scribe.transaction(change("mortgage", "5", 2, "close", status="live")),
        scribe.transaction(create("estate", "last", status="draft", body={"fields": {"deed": "hhh"}})),
    ]


def _waits(scribe: Scribe) -> list[tuple[int, Sequence[Command]]]:
    write = scribe.transaction
    completed, withdrawn, refused, lapsed, open_ = (
        write(create("joint", name, claims=(claim("joint", name),)), deadline=deadline)
        for name, deadline in [("1", DAY), ("2", DAY), ("1", DAY), ("3", 60), ("4", 90 * DAY)]
    )
    window = write(create("mortgage", "window", status="live"), not_before=DAY)
    return [
        (
            0,
            [
                completed,
                withdrawn,
                refused,
                lapsed,
                open_,
                window,
                write(create("joint", "9"), by=["stranger"]),
            ],
        ),
        (1, [_endorse(refused, "stranger"), _endorse(completed, TAX), _endorse(refused, TAX)]),
        (
            1,
            [
                Withdraw(withdrawn.hash, endorse(withdrawn.hash, key(LAND), WITHDRAWAL)),
                _endorse(withdrawn, TAX),
            ],
        ),
        (100, [write(create("mortgage", "later", status="live"))]),
    ]


def _endorse(transaction: Transaction, name: str) -> Endorse:
    return Endorse(transaction.hash, endorse(transaction.hash, key(name)))


def main(folder: Path) -> None:
    """Tell the story to a ledger in `folder` and print its roots, and a hash of all that it stored."""
    locale.setlocale(locale.LC_ALL, "")
    house = Ledgerhouse(folder, LAND, COURT, TAX)
    standings = tell(house, house)
    stored = sha256()
    for table, rows in house.snapshot().items():
        stored.update(repr((table, rows)).encode())
    told = {
        "standings": standings,
        "size": house.store.head.size,
        "root": house.store.log.root().hex(),
        "index": house.entries(".index")[-1].fields["root"],
        "stored": stored.hexdigest(),
    }
    house.close()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
