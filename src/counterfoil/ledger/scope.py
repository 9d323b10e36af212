"""What a transaction touches: the definitions, records and policies in force before it."""

from __future__ import annotations

from counterfoil.ledger.definition import Definition
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.state import CONTROL
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import record_key
from counterfoil.proof.transaction import Transaction


class Scope:
    """A transaction's definitions, index keys (one a proposal) and each record's state before it.

    Raises `Refused` where a register does not exist or takes no proposals.
    """

    def __init__(self, view: View, knowledge: Knowledge, transaction: Transaction):
        self.view = view
        self.knowledge = knowledge
        self.transaction = transaction
        registers = {proposal.register for proposal in transaction.proposals}
        self.definitions: dict[str, Definition] = {
            register: knowledge.definition(view, register) for register in sorted(registers)
        }
        self.keys = [record_key(proposal.register, proposal.record) for proposal in transaction.proposals]
        self.before = {key: view.record(key) for key in self.keys}
        self._earlier: dict[bytes, Entry | None] = {}

    def earlier(self, key: bytes) -> Entry | None:
        """The record's latest entry before the transaction; None where there is none."""
        if key not in self._earlier:
            before = self.before[key]
            self._earlier[key] = self.view.entry(before.number) if before else None
        return self._earlier[key]

    def policies(self) -> list[Json]:
        """The distinct policies that the endorsements must satisfy, by the rules in force before the transaction.

        They are each register's, those of its constraints, and each record's `control` or, in its place, the
        register's `recovery`.
        """
        needed: dict[bytes, Json] = {}
        control: dict[bytes, Json] = {
            key: entry.control
            for key, state in self.before.items()
            if state is not None and state.flags & CONTROL and (entry := self.earlier(key)) is not None
        }
        for definition in self.definitions.values():
            needed[canonical(definition.policy)] = definition.policy
        restricted = {name for name, definition in self.definitions.items() if definition.authorisations}
        for proposal, key in zip(self.transaction.proposals, self.keys, strict=True):
            if key in control:
                policy = _or(control.pop(key), self.definitions[proposal.register].recovery)
                needed[canonical(policy)] = policy
            if proposal.control is not None:
                control[key] = proposal.control
            if proposal.register in restricted:
                for constraint in self.definitions[proposal.register].authorisations:
                    if constraint.applies(proposal.operation, proposal.status):
                        needed[canonical(constraint.policy)] = constraint.policy
        return list(needed.values())


def _or(policy: Json, other: Json | None) -> Json:
    return policy if other is None else {"require": 1, "of": [policy, other]}
