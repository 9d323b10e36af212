"""What was judged by references, clocks and time for objections is judged alike when the log is replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.errors import Violated
from counterfoil.proof.entry import Proposal, Reference
from counterfoil.proof.instant import instant_text
from tests.store.sample import Clock, audited, define, open_node

DAY = 86_400
CHARGED = {
    "kind": "blocked-by",
    "name": "unburdened",
    "register": "charge",
    "role": "title",
    "status": ["in force"],
}
ON_ONE = (Reference("title", "estate", "1"),)


def test_an_audit_follows_charges_and_objection_windows(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        objection = {"operations": ["correct"], "days": 14}
        define(node, "estate", constraints=[CHARGED | {"operations": ["amend"]}], objection=objection)
        define(node, "charge")
        node.submit(
            [
                Proposal("estate", "1", "create", 1, body={"fields": {"owner": "a"}}),
                Proposal("charge", "m", "create", 1, "in force", references=ON_ONE),
            ]
        )
        sale = Proposal("estate", "1", "amend", 2, body={"fields": {"owner": "b"}})
        with pytest.raises(Violated, match="charge 'm' stands against it"):
            node.submit([sale])
        node.submit([Proposal("charge", "m", "amend", 2, "discharged", references=ON_ONE), sale])
        correction = Proposal("estate", "1", "correct", 3, body={"fields": {"owner": "c"}})
        node.submit([correction], not_before=instant_text(clock.now + 14 * DAY))
        clock.now += 15 * DAY
        node.submit([Proposal("estate", "2", "create", 1, body={"fields": {"owner": "d"}})])
        entries = [node.entry(number) for number in range(node.store.head.size)]
        assert [each.fields["owner"] for each in entries if each.register == "estate"] == ["a", "b", "c", "d"]
    assert audited(tmp_path).findings == ()
