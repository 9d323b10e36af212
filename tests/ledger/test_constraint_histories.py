"""Random histories of a small world, judged by the ledger, by an agency that sees all, and by a plain model.

`CONSTRAINT_HISTORIES` says how many; a campaign runs ten thousand.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from copy import copy, deepcopy
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import Enforced, Enforcement, enforcement
from counterfoil.ledger.definition import parse_definition
from counterfoil.ledger.ledger import Outcome, Standing
from counterfoil.proof.entry import Proposal
from tests.ledger.reference_changes import SETTLED, changes, mostly
from tests.ledger.reference_definitions import CLASSES, DEFINITIONS, UNSEEN, hiding
from tests.ledger.reference_sight import Desk
from tests.ledger.reference_world import Model
from tests.ledger_fixture import COURT, DAY, LAND, Clock, MemoryLedger

HISTORIES = int(os.environ.get("CONSTRAINT_HISTORIES", "300"))
RULES = {each["name"] for definition in DEFINITIONS.values() for each in definition["constraints"]}
TOLD = RULES - {"court-dissolves"}
"""The rules that a refusal names; without a quorum a change waits instead."""


def founded(definition: Callable[[str], dict[str, Any]]) -> MemoryLedger:
    ledger = MemoryLedger(LAND, COURT)
    for register in DEFINITIONS:
        ledger.define(register, **definition(register))
    return ledger


OPEN, HIDING = founded(DEFINITIONS.__getitem__), founded(hiding)


def by_every_node(definition: Callable[[str], dict[str, Any]]) -> set[str]:
    """The rules of which a definition's page says that every node refuses what breaks them, and no more than that."""
    compiled = [
        parse_definition(name, {"title": name, "authority": LAND, **definition(name)}) for name in DEFINITIONS
    ]
    every = Enforced(Enforcement.EVERY_NODE)
    return {rule.name for each in compiled for rule in each.constraints if enforcement(each, rule) == every}


def begun(founded: MemoryLedger) -> MemoryLedger:
    """A ledger of one's own, as it was founded: most of a history's time would else go into that."""
    ledger = copy(founded)
    ledger.state = deepcopy(founded.state)
    ledger.clock = ledger._clock = Clock()
    return ledger


def today(ledger: MemoryLedger) -> date:
    return datetime.fromtimestamp(ledger.clock.now, UTC).date()


def drawn(data: st.DataObject, model: Model) -> list[Proposal]:
    """The proposals of a transaction, of one record at most one; none where they would not fit together."""
    proposals = [each for _ in range(data.draw(mostly(1, 2))) for each in data.draw(changes(model))]
    names = {(each.register, each.record) for each in proposals}
    return proposals if len(names) == len(proposals) else []


def signers(data: st.DataObject) -> list[str]:
    return data.draw(st.sampled_from([[LAND, COURT], [LAND, COURT], [LAND]]))


# ---- What is public: by the ledger -----------------------------------------------------------------


def follow(data: st.DataObject, seen: Counter[str]) -> None:
    """Draw a history and require at each transaction that ledger and model agree on it."""
    ledger, model = begun(OPEN), Model()
    for number in range(data.draw(st.integers(2, 7))):
        block, expected = [], []
        if number == 0 and data.draw(st.integers(0, 3)):
            block.append(ledger.transaction(*SETTLED))
            expected.append((model.take(SETTLED, today(ledger), [LAND], unseen=UNSEEN), True))
        for _ in range(data.draw(st.integers(1, 3))):
            proposals = drawn(data, model)
            if proposals:
                by = signers(data)
                block.append(ledger.transaction(*proposals, by=by))
                suffice = model.suffice(proposals, by)
                expected.append((model.take(proposals, today(ledger), by, unseen=UNSEEN), suffice))
        for outcome, (broken, suffice) in zip(ledger.send(*block), expected, strict=True):
            seen.update(broken or {outcome.standing.value})
            agree(outcome, broken, suffice=suffice)
        ledger.clock.now += data.draw(st.sampled_from([0, DAY]))


def agree(outcome: Outcome, broken: set[str], *, suffice: bool) -> None:
    """Require that a transaction was refused for a rule that it breaks, or waits for who must agree, or was taken."""
    if outcome.standing is Standing.REFUSED:
        assert isinstance(outcome.error, Violated), outcome.error
        assert outcome.error.constraint in broken
    else:
        assert broken == set()
        assert outcome.standing is (Standing.TAKEN if suffice else Standing.PENDING)


def test_the_ledger_refuses_what_the_model_refuses_and_for_such_a_reason() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=HISTORIES)
    @given(st.data())
    def histories(data: st.DataObject) -> None:
        follow(data, seen)

    histories()
    assert set(seen) == TOLD - UNSEEN | {"taken", "pending"}, "the histories do not meet every rule"


# ---- What is hidden: by the agency with all fields, and again by the ledger with what it shows -------


def follow_hidden(data: st.DataObject, seen: Counter[str], everywhere: set[str]) -> None:
    """Draw a history of items and require that who sees all finds what the model finds, rule by rule.

    The ledger refuses nothing that keeps to the rules, all that breaks one which every node enforces, and all that
    claims what another holds.
    """
    ledger, model = begun(HIDING), Model()
    desk = Desk(
        ledger,
        {
            name: {field for field in classes if classes[field] != "public"}
            for name, classes in CLASSES.items()
        },
    )
    for number in range(data.draw(st.integers(2, 12))):
        settling = number == 0 and data.draw(st.integers(0, 3))
        proposals, by = (SETTLED, [LAND]) if settling else (drawn(data, model), signers(data))
        if not proposals:
            continue
        sealed, suffice = [desk.seal(each) for each in proposals], model.suffice(proposals, by)
        found = desk.broken(sealed)
        broken = model.take(proposals, today(ledger), by)
        assert found | model.collided == broken
        changed, (outcome,) = ledger.apply(ledger.transaction(*sealed, by=by))
        seen.update(broken or {outcome.standing.value})
        if outcome.standing is Standing.REFUSED or not broken:
            agree(outcome, broken, suffice=suffice)
        else:
            assert broken.isdisjoint(everywhere | model.collided)
            seen["for the agency alone to refuse"] += 1
        if not broken:
            ledger.state.advance(changed)
        ledger.clock.now += data.draw(st.sampled_from([0, DAY]))


def test_who_sees_all_finds_what_the_model_finds_and_the_ledger_what_it_can() -> None:
    seen: Counter[str] = Counter()
    everywhere = by_every_node(hiding)
    assert {"life", "bond", "rank-once", "unburdened", "someone-controls"} <= everywhere

    @settings(max_examples=HISTORIES)
    @given(st.data())
    def histories(data: st.DataObject) -> None:
        follow_hidden(data, seen, everywhere)

    histories()
    assert set(seen) == TOLD | {"taken", "pending", "for the agency alone to refuse"}
