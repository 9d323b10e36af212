"""What the ledger sees: bodies, status words, claims and references, and no item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from counterfoil.ledger.constraints.question import UNKNOWN, Fields, Standing, Unknown
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.state import RecordState
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import WRITING, Entry, Proposal
from counterfoil.proof.index import record_key

Definitions: TypeAlias = Callable[[str], Definition | None]
"""Gives a register's definition; None where there is none."""
Earlier: TypeAlias = Callable[[bytes], RecordState | None]
"""Gives a record's state before the transaction, by its index key; None where there was none."""


class ClearSight:
    """The ledger's eyes, the same at every node."""

    def __init__(self, view: View, definitions: Definitions, earlier: Earlier):
        self._view = view
        self._definitions = definitions
        self._earlier = earlier

    @property
    def now(self) -> int:
        """The block's time."""
        return self._view.time

    def fields(self, content: Entry | Proposal | None) -> Fields:
        """The body's fields. Without a body, in a register that hides none, all that stands elsewhere is unknown."""
        if content is None:
            return Fields({})
        definition = self._definitions(content.register)
        hidden = definition.hidden if definition is not None else frozenset()
        elsewhere = (content.item, content.document, content.tree) != (None, None, None)
        body = content.body["fields"] if content.body else {}
        if hidden:
            kept = content.item is None and content.document is None and content.operation in WRITING
            return Fields(body, frozenset() if kept else hidden)
        return Fields(body, open=content.body is None and elsewhere)

    def circumstances(self, content: Entry | Proposal | None) -> Mapping[str, Json] | None:
        """What stands in the body; unknown where the register keeps circumstances in its items."""
        if content is None:
            return None
        definition = self._definitions(content.register)
        if (definition is not None and definition.hidden) or content.body is None:
            return None
        found: Mapping[str, Json] = content.body.get("circumstances", {})
        return found

    def name(self, register: str, value: Json) -> str | Unknown | None:
        """The natural name; a pseudonym is unknown here."""
        definition = self._definitions(register)
        if definition is None or not isinstance(value, str):
            return None
        return UNKNOWN if definition.pseudonymous else definition.normal_key(value)

    def follow(self, register: str, value: Json) -> Fields | Unknown | None:
        """The latest fields of a record that has a natural name."""
        name = self.name(register, value)
        if name is None or name is UNKNOWN:
            return name
        state = self._view.record(record_key(register, name))
        return self.fields(self._view.entry(state.number)) if state is not None else None

    def standing(self, register: str, value: Json) -> Standing | Unknown:
        """Whether a record that has a natural name exists, its status, and whether it has ended."""
        name = self.name(register, value)
        if name is UNKNOWN:
            return UNKNOWN
        return self._standing(self._view.record(record_key(register, name)) if name is not None else None)

    def was(self, register: str, record: str) -> Standing | Unknown:
        """The same before the transaction."""
        return self._standing(self._earlier(record_key(register, record)))

    def _standing(self, state: RecordState | None) -> Standing:
        if state is None or state.ended:
            return Standing(state is not None, None, state is not None)
        return Standing(True, self._view.entry(state.number).status)

    def holder(self, scope: str, claim: str, value: Json) -> tuple[str, str] | Unknown | None:
        """Unknown: only who has the scope's key can make the digest."""
        return UNKNOWN
