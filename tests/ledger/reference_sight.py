"""An agency that sees all of the small world: its items, and who holds which claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec.structs import replace

from counterfoil.ledger.constraints import (
    ClearSight,
    Fields,
    Question,
    Unknown,
    Verdict,
    claim_key,
    claims_of,
    judge,
)
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.state import ReferenceRow
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, canonical, digest
from counterfoil.proof.entry import Entry, Proposal, encode_proposal
from counterfoil.proof.index import record_key
from tests.ledger_fixture import MemoryLedger, claim


class Desk:
    """Seals items for a ledger and judges what is to become of it, with every field."""

    def __init__(self, ledger: MemoryLedger, hidden: Mapping[str, AbstractSet[str]]):
        self.ledger = ledger
        self.items: dict[str, dict[str, Json]] = {}
        """The fields of each item, by its commitment."""
        self._hidden = hidden

    def seal(self, proposal: Proposal) -> Proposal:
        """The proposal with its hidden fields in an item; without one where it has none of them."""
        names = self._hidden.get(proposal.register, frozenset())
        item = {name: each for name, each in proposal.fields.items() if name in names}
        if not item:
            return proposal
        commitment = digest(canonical([proposal.register, proposal.record, proposal.version or 0, item]))
        self.items[commitment] = item
        shown = {name: each for name, each in proposal.fields.items() if name not in names}
        return replace(proposal, body={"fields": shown} if shown else None, item=commitment)

    def definition(self, view: View, register: str) -> Definition:
        """The register's definition in force."""
        return self.ledger.rules.knowledge.definition(view, register)

    def broken(self, proposals: Sequence[Proposal]) -> set[str]:
        """The names of the rules that a transaction breaks. Whether another holds what it claims is not asked."""
        view = View(self.ledger.state, self.ledger.clock.now)
        before = [view.latest(each.register, each.record) for each in proposals]
        _place(self, view, proposals)
        sight = OpenSight(self, view)
        return {
            constraint.name
            for earlier, proposal in zip(before, proposals, strict=True)
            for definition in [self.definition(view, proposal.register)]
            for constraint in definition.constraints
            if judge(constraint, Question(definition, earlier, proposal, view, proposals, sight)).verdict
            is Verdict.FALSE
        }


class OpenSight(ClearSight):
    """The ledger's eyes with the items open, and the makers of claims at hand."""

    def __init__(self, desk: Desk, view: View):
        state = desk.ledger.state
        super().__init__(view, lambda register: desk.definition(view, register), state.record)
        self._desk = desk

    def fields(self, content: Entry | Proposal | None) -> Fields:
        if content is None:
            return Fields({})
        return Fields(content.fields | self._desk.items.get(content.item or "", {}))

    def holder(self, scope: str, claim_name: str, value: Any) -> tuple[str, str] | Unknown | None:
        state = self._desk.ledger.state
        held_by = state.claim(claim_key(claim(claim_name, value, scope)))
        if held_by is None:
            return None
        latest = View(state, 0).entry(state.records[held_by].number)
        return (latest.register, latest.record)


def _place(desk: Desk, view: View, proposals: Sequence[Proposal]) -> None:
    """Write the proposals, release what is given up, and give out what is claimed, whoever holds it."""
    held: list[tuple[bytes, set[bytes], set[bytes]]] = []
    for each in proposals:
        key = record_key(each.register, each.record)
        before, definition = view.record(key), desk.definition(view, each.register)
        earlier = view.entry(before.number) if before is not None and not before.ended else None
        after = view.append(key, each, encode_proposal(each), None, before)
        later = None if after.ended else each
        held.append(
            (
                key,
                claims_of(definition, earlier) if earlier else set(),
                claims_of(definition, later) if later else set(),
            )
        )
        old, new = (_references(key, content) for content in (earlier, later))
        for row in old - new:
            view.refer(row, False)
        for row in new - old:
            view.refer(row, True)
    for _, old_claims, new_claims in held:
        for name in old_claims - new_claims:
            view.hold(name, None)
    for key, _, new_claims in held:
        for name in new_claims:
            view.hold(name, key)


def _references(key: bytes, content: Entry | Proposal | None) -> set[ReferenceRow]:
    references = content.references if content is not None else ()
    return {ReferenceRow(record_key(to.register, to.record), to.role, key) for to in references}
