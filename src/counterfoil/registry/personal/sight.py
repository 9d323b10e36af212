"""What the agency sees when it asks the constraints: every field, its own records' too, in the state after the change.

Nothing that is read here is shown to anybody: only the answers leave, as a refusal's sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints import Fields, Standing, Unknown, claim_key
from counterfoil.ledger.state import ENDED
from counterfoil.proof.canonical import Json, labelled
from counterfoil.proof.entry import ENDING, Claim, Entry, Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.transaction import Expectation
from counterfoil.registry.personal.change import Draft
from counterfoil.registry.personal.drafting import Drafter
from counterfoil.registry.personal.opening import Items
from counterfoil.registry.personal.plan import Plan
from counterfoil.store.store import Store

NOTHING: Final[Mapping[str, Json]] = {}

PERSON: Final = "person"
DEAD: Final = ("civil-status", "dead")
"""The scope and name of the claim that a death makes."""


class FullSight:
    """`Sight` for the drafts of one transaction. `relied` gains each record that was looked at beside them."""

    def __init__(
        self,
        store: Store,
        items: Items,
        drafter: Drafter,
        plan: Callable[[str], Plan],
        digest: Callable[[str, Json], str],
        now: int,
        drafts: Iterable[Draft],
    ):
        self._now = now
        self.relied: dict[tuple[str, str], Expectation] = {}
        self._persons: set[str] = set()
        self._store = store
        self._items = items
        self._drafter = drafter
        self._plan = plan
        self._digest = digest
        self._drafts = {(draft.register, draft.record, draft.version): draft for draft in drafts}
        self._last = {(draft.register, draft.record): draft for draft in self._drafts.values()}

    @property
    def now(self) -> int:
        """The time by which `:now` is judged, in seconds since 1970."""
        return self._now

    def fields(self, content: Entry | Proposal | None) -> Fields:
        """Every field of a version, be it drafted or stored; those whose keys are gone are hidden."""
        if content is None:
            return Fields(NOTHING, frozenset())
        draft = self._drafts.get((content.register, content.record, content.version))
        if draft is not None:
            return Fields(draft.fields, frozenset())
        return self._stored(content)

    def circumstances(self, content: Entry | Proposal | None) -> Mapping[str, Json] | None:
        """The circumstances of a version; None where they cannot be known any more."""
        if content is None:
            return NOTHING
        draft = self._drafts.get((content.register, content.record, content.version))
        if draft is not None:
            return draft.circumstances
        return self._items.open(content).circumstances if isinstance(content, Entry) else None

    def name(self, register: str, value: Json) -> str | Unknown | None:
        """The record that a natural key names; None for what can be no key."""
        if not isinstance(value, str):
            return None
        try:
            return self._drafter.record_of(self._plan(register), value)
        except Malformed:
            return None

    def follow(self, register: str, value: Json) -> Fields | Unknown | None:
        """The fields, after the transaction, of the record with a natural key; None where there is none."""
        record = self.name(register, value)
        if not isinstance(record, str):
            return None
        draft = self._last.get((register, record))
        if draft is not None:
            return Fields(draft.fields, frozenset())
        entry = self._rely(register, record, value)
        return None if entry is None else self._stored(entry)

    def standing(self, register: str, value: Json) -> Standing | Unknown:
        """Whether the record with a natural key is there after the transaction, in which status."""
        record = self.name(register, value)
        if not isinstance(record, str):
            return Standing(exists=False)
        draft = self._last.get((register, record))
        if draft is not None:
            return Standing(exists=True, status=draft.status, ended=draft.operation in ENDING)
        entry = self._rely(register, record, value)
        return Standing(exists=False) if entry is None else self._standing(entry)

    def was(self, register: str, record: str) -> Standing | Unknown:
        """Whether a record was there before the transaction, in which status."""
        entry = self._drafter.latest(register, record)
        return Standing(exists=False) if entry is None else self._standing(entry)

    def holder(self, scope: str, claim: str, value: Json) -> tuple[str, str] | Unknown | None:
        """The record that held a claim for a person, before the transaction."""
        key = self._store.claim(claim_key(Claim(scope, claim, self._digest(scope, value))))
        entry = self._drafter.entry_of(key) if key is not None else None
        return (entry.register, entry.record) if entry is not None else None

    def lasting(self) -> list[Expectation]:
        """What must still hold of the persons that were looked at, when a transaction that waits takes effect.

        A version may well pass while it waits (somebody moves house): that they live is what counts.
        """
        keys = [claim_key(Claim(*DEAD, self._digest(DEAD[0], number))) for number in sorted(self._persons)]
        return [Expectation(claim=labelled(key), held=False) for key in keys]

    def _rely(self, register: str, record: str, value: Json) -> Entry | None:
        if register == PERSON and isinstance(value, str):
            self._persons.add(value)
        entry = self._drafter.latest(register, record)
        version = entry.version if entry is not None else 0
        self.relied[register, record] = Expectation(register, record, version)
        return entry

    def _standing(self, entry: Entry) -> Standing:
        state = self._store.record(record_key(entry.register, entry.record))
        return Standing(exists=True, status=entry.status, ended=bool(state and state.flags & ENDED))

    def _stored(self, content: Entry | Proposal) -> Fields:
        if not isinstance(content, Entry):
            return Fields(content.fields, self._plan(content.register).hidden)
        opened = self._items.open(content)
        hidden = self._plan(content.register).hidden if opened.lost else frozenset()
        return Fields(opened.fields, hidden - opened.values.keys())
