"""A small installation with items in every state: here, elsewhere, repeated, erased, and of transactions that wait."""

from __future__ import annotations

from pathlib import Path

import msgspec

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from tests.store.sample import COURT, COURT_KEY, LAND, Clock, define, open_node
from tests.store.sealed import Sealer, person, tokens_of

SEALER = Sealer()


def build_items(folder: Path) -> int:
    """Make the installation; gives the number of the first person's entry.

    P0 to P11 have items, P12's is kept elsewhere, P3 was closed, P5 amended, of P4 a part was erased and of P6 all;
    G0 was completed, G1 withdrawn and G2 waits.
    """
    clock = Clock()
    SEALER.drawn = 0
    with open_node(folder, clock) as node:
        body = {"fields": {"name": "Court", "endorse": [COURT_KEY.public.text]}}
        node.submit([Proposal(".agency", COURT, "create", 1, body=body)])
        first = _persons(node, clock)
        _guardians(node)
        return first


def _persons(node: Node, clock: Clock) -> int:
    define(node, "person")
    clock.now += 1
    first = node.store.head.size
    items = [
        SEALER.seal(f"P{each}", {0: {"born": "2001"}, 1: {"name": f"Name {each}"}}, tokens_of(each))
        for each in range(12)
    ]
    node.submit_all([Submission([person(f"P{each}", item)], items=[item]) for each, item in enumerate(items)])
    node.submit([person("P12", SEALER.seal("P12", {0: {"kept": "elsewhere"}}))])
    node.submit([person("P3", items[3], 2, "close"), person("P4", items[4], 2, "erase")])
    changed = SEALER.seal("P5", {0: {"born": "2002"}, 1: {"name": "Other"}}, tokens_of(5))
    node.submit_all([Submission([person("P5", changed, 2)], items=[changed])])
    (born, _) = node.store.item(first + 4)
    node.store.erase_parts(
        [(first + 4, 0)], [(4 << 20, first + 4)], digests={(first + 4, 0): SEALER.digests(born, "P4")}
    )
    node.submit([person("P6", items[6], 2, "erase")])
    node.store.erase_parts([(first + 6, 0), (first + 6, 1)], [(token, first + 6) for token in tokens_of(6)])
    assert node.store.search(7) == [first + each for each in (*range(6), *range(7, 12), 16)]
    return first


def _guardians(node: Node) -> None:
    policy = {"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]}
    define(node, "guardian", policy=policy)
    for each in range(3):
        item = SEALER.seal(f"G{each}", {0: {"ward": f"P{each}"}}, (each,))
        asked = Submission(
            [msgspec.structs.replace(person(f"G{each}", item), register="guardian")], items=[item]
        )
        (waits,) = node.submit_all([asked])
        assert isinstance(waits, Receipt)
        if each == 0:
            node.endorse(waits.transaction, COURT_KEY)
        elif each == 1:
            node.withdraw(waits.transaction)
