"""Whether a person who is to be registered may be registered already: looked for by tokens, compared with every field.

Which registers ask this is what their definition says: those for whose items there is the purpose `duplicate-check`.
Candidates are given as records with reasons, never with what their fields hold: that is a disclosure for this purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from counterfoil.errors import Violated
from counterfoil.ledger.state import ENDED
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.registry.personal.change import Draft
from counterfoil.registry.personal.duplicates import Candidate, Found, candidates, lookups
from counterfoil.registry.personal.opening import Items
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.stated import NOT_SAME
from counterfoil.registry.personal.tokens import Tokeniser
from counterfoil.store.store import Store

DUPLICATE_CHECK: Final = "duplicate-check"
"""The purpose for which candidates are compared and shown."""
MAX_SHOWN: Final = 20
"""How many records are compared for an officer who asks: each is a disclosure, and counts in the read budget."""
MAX_COMPARED: Final = 100
"""How many records are compared with a new one; the likeliest are found first."""
MAX_SHARING: Final = 5_000
"""How many entries may share the rarest token of a lookup; one that is commoner tells nobody apart."""


class Identifier:
    """Looks for duplicates in one register, over a store that is held still meanwhile."""

    def __init__(self, store: Store, items: Items, plan: Plan, tokeniser: Tokeniser):
        self._store = store
        self._items = items
        self._plan = plan
        self._tokeniser = tokeniser

    def candidates(self, fields: dict[str, Json]) -> tuple[Candidate, ...]:
        """The live records that may be of the same person as the one with these fields, the likeliest first.

        They are opened for it, which is told to nobody: what is found must only refuse a change.
        """
        alike = self.alike(fields, MAX_COMPARED)
        return candidates(fields, (self._found(entry) for entry in alike))

    def alike(self, fields: dict[str, Json], most: int) -> Iterator[Entry]:
        """The latest entries of the live records to be compared with these fields: so many at most, none opened."""
        seen: set[str] = set()
        for tokens in lookups(self._tokeniser, dict(self._plan.searchable), fields):
            for number in self._entries(tokens):
                record = decode_entry(self._store.entry(number)).record
                if record not in seen and len(seen) < most:
                    seen.add(record)
                    yield from self._live(record)

    def _entries(self, tokens: Sequence[int]) -> list[int]:
        """The entries that have every token, the latest first; none where all of the tokens are common."""
        lists = sorted((self._store.search(token) for token in tokens), key=len)
        if not lists or len(lists[0]) > MAX_SHARING:
            return []
        return sorted(set(lists[0]).intersection(*lists[1:]), reverse=True)

    def _live(self, record: str) -> Iterator[Entry]:
        state = self._store.record(record_key(self._plan.name, record))
        if state is not None and not state.flags & ENDED:
            yield decode_entry(self._store.entry(state.number))

    def _found(self, entry: Entry) -> Found:
        return Found(entry.record, entry.version, self._items.open(entry).fields)


def is_asked(plan: Plan) -> bool:
    """Whether a register's definition asks that duplicates are looked for."""
    return DUPLICATE_CHECK in plan.definition.fields.purposes


def check_identified(draft: Draft, found: Sequence[Candidate]) -> None:
    """Raise `Violated` where a new record is likely somebody's who has one, and it is not said that it is another's."""
    stated = draft.circumstances.get(NOT_SAME, [])
    other = stated if isinstance(stated, list) else []
    likely = [each.record for each in found if each.likely and each.record not in other]
    if likely:
        raise Violated(
            f"{draft.register} likely has this person already, as {', '.join(likely)}; look at that record for the "
            f"purpose {DUPLICATE_CHECK}, then use it, or state in the circumstance {NOT_SAME} that it is not the same",
            constraint=DUPLICATE_CHECK,
            field="names",
            citation=draft.plan.definition.fields.purposes[DUPLICATE_CHECK].law,
        )
