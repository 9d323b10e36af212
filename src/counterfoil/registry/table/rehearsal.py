"""A dry run: what an import would do, judged by the ledger's own rules and written nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from counterfoil.ledger.definition import Definition
from counterfoil.ledger.judgement import place
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.system import REGISTER
from counterfoil.ledger.view import View
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.policy import satisfied
from counterfoil.proof.transaction import Header, Idempotency, Transaction
from counterfoil.store.store import Store

MEMORY: Final = 10_000
"""How many entries are kept in mind: rows further apart in the file do not see each other."""


class Readable(Protocol):
    """What a rehearsal needs of a node."""

    def reading(self) -> AbstractContextManager[Store]:
        """The store, held still."""
        ...

    def history(self, register: str, record: str) -> Iterator[Entry]:
        """The entries of a record, the latest first."""
        ...


@dataclass(frozen=True)
class Rehearsed:
    """How many entries a transaction would become; none where it would wait for further endorsements."""

    count: int


class Rehearsal:
    """What an import needs of a node, where nothing is to be written: constraints, claims and versions are judged.

    It endorses nothing: that `agency` would, by its own key, is taken as given.
    """

    def __init__(self, node: Readable, agency: str):
        self.agency = agency
        self._node = node
        self._knowledge = Knowledge()
        self._view: View | None = None
        self._definitions: list[Proposal] = []

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record, as it would be."""
        with self._node.reading() as store:
            return self._viewed(store).latest(register, record)

    def history(self, register: str, record: str) -> Iterator[Entry]:
        """The entries of a record that are stored, the latest first."""
        return self._node.history(register, record)

    def definition(self, register: str) -> Definition:
        """A register's definition, as it would be."""
        with self._node.reading() as store:
            return self._knowledge.definition(self._viewed(store), register)

    def submit(self, proposals: Sequence[Proposal]) -> Rehearsed:
        """Judge proposals as the ledger would. Raises `Refused` or `Malformed`."""
        with self._node.reading() as store:
            complete = self._judge(self._viewed(store), proposals)
        self._definitions += [each for each in proposals if each.register == REGISTER]
        return Rehearsed(len(proposals) if complete else 0)

    def _viewed(self, store: Store) -> View:
        if self._view is None or self._view.size - self._view.base > MEMORY:
            self._view = View(store, store.head.time)
            if self._definitions:
                self._judge(self._view, self._definitions)
        return self._view

    def _judge(self, view: View, proposals: Sequence[Proposal]) -> bool:
        header = Header("", self.agency, len(proposals), "", view.time_text, Idempotency("", ""))
        with view.attempt():
            policies = place(view, self._knowledge, Transaction(header, proposals))
        return all(satisfied(policy, {f"agency:{self.agency}"}) for policy in policies)
