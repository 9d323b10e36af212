"""Preparing a disclosure: what is to be shown, whom it is about, and the entries that must be stored first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from counterfoil.errors import Damaged, Malformed, NotFound
from counterfoil.keyring.keyring import Keyring
from counterfoil.ledger.definition import parse_definition
from counterfoil.ledger.fields import CIRCUMSTANCES
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.registry.personal.change import Acting, Draft
from counterfoil.registry.personal.disclosing import MAX_BULK, Ask, Look, Wanted, allowed_fields
from counterfoil.registry.personal.drafting import Drafter
from counterfoil.registry.personal.opening import Items, entries_back
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.proposing import Proposer
from counterfoil.registry.personal.secrets import DISCLOSURE, raw_text
from counterfoil.registry.personal.telling import Telling, disclosures, submissions
from counterfoil.store.items import ERASED, StoredPart
from counterfoil.store.store import Store

FIELDS: Final = ("officer", "purpose", "legal-basis", "register", "record", "version", "fields", "case")
"""The fields of a disclosure."""


class Looker:
    """Prepares looks over a store that is held still meanwhile."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        plan: Callable[[str], Plan],
        drafter: Drafter,
        proposer: Proposer,
    ):
        self._store = store
        self._items = Items(store, keyring)
        self._plan = plan
        self._drafter = drafter
        self._proposer = proposer

    def look(self, asks: Sequence[Ask], acting: Acting) -> Look:
        """What is asked for, with a disclosure for each person concerned.

        Raises `Refused` for a purpose or field that a register does not allow, or where there is no register of
        disclosures; `NotFound` for a record or version that there is not; `Malformed` for too many at once.
        """
        if not 0 < len(asks) <= MAX_BULK:
            raise Malformed(f"ask for 1 to {MAX_BULK} records at a time")
        drafts: list[Draft] = []
        wanted = []
        told: Counter[tuple[str, str]] = Counter()
        for ask in asks:
            plan = self._plan(ask.register)
            latest = self._latest(plan, ask)
            allowed = allowed_fields(plan, ask, latest)
            each, made = self._told(ask, self._version(latest, ask), allowed, acting)
            wanted.append(each)
            drafts += made
            if made:
                told[ask.purpose, ask.register] += len(made)
        return Look(wanted, tuple(submissions(self._proposer, drafts)), told, self._items)

    def _latest(self, plan: Plan, ask: Ask) -> Entry:
        record = ask.record if ask.key is None else self._drafter.record_of(plan, ask.key)
        if record is None:
            raise Malformed(f"say which record of {plan.name} is asked for, by its key or by record")
        latest = self._drafter.latest(plan.name, record)
        if latest is None:
            raise NotFound(f"there is no such record in {plan.name}")
        return latest

    def _version(self, latest: Entry, ask: Ask) -> Entry:
        if ask.version is None:
            return latest
        for entry in entries_back(self._store, latest):
            if entry.version == ask.version:
                return entry
        raise NotFound(f"the record has the versions 1 to {latest.version}, and no version {ask.version}")

    def _told(
        self, ask: Ask, entry: Entry, allowed: tuple[tuple[str, ...], str, bool], acting: Acting
    ) -> tuple[Wanted, list[Draft]]:
        """What is to be shown of an entry, and a disclosure for each person whom what is opened for it is about."""
        names, law, circumstances = allowed
        number, parts = self._items.parts(entry)
        plan = self._then(self._plan(ask.register), number)
        hidden = [name for name in names if name in plan.hidden]
        if circumstances:
            hidden.append(CIRCUMSTANCES)
        slots = frozenset(map(plan.slot_of, hidden))
        wanted = Wanted(entry, names, circumstances, slots)
        subjects = self._subjects(entry, [part for part in parts if part.slot in slots])
        if not subjects:
            return wanted, []
        telling = Telling(ask.purpose, law, plan.name, entry.record, hidden, entry.version, ask.case)
        return wanted, disclosures(self._plan(DISCLOSURE), telling, map(raw_text, subjects), acting)

    def _subjects(self, entry: Entry, parts: Sequence[StoredPart]) -> tuple[bytes, ...]:
        """Whom parts are about. Raises `Damaged` where one could be opened, and nobody is named whom to tell of it."""
        for part in parts:
            if part.key != ERASED and not self._items.subjects(entry, [part]):
                raise Damaged(
                    f"nobody is named whom the item of entry {part.number} is about, so it cannot be shown: nobody "
                    "could be told; run counterfoil audit"
                )
        return self._items.subjects(entry, parts)

    def _then(self, plan: Plan, number: int) -> Plan:
        """The plan by which an entry with this number was sealed: which of its fields are hidden, and in which slot.

        Raises `Damaged` where no definition is older than the entry.
        """
        state = self._store.record(record_key(REGISTER, plan.name))
        if state is None or state.number < number:
            return plan
        for version in entries_back(self._store, decode_entry(self._store.entry(state.number))):
            if version.number < number:
                return Plan(parse_definition(plan.name, version.fields))
        raise Damaged(f"entry {number} is older than its register {plan.name}; run counterfoil audit")
