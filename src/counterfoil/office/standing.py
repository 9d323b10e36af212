"""What a record's versions say already, of what an import asks for. Only yes or no leaves here, nothing of any item."""

from __future__ import annotations

from typing import Literal, TypeAlias

from counterfoil.office.wanted import Wanted
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import Entry
from counterfoil.registry.personal.change import STATED, Change
from counterfoil.registry.personal.opening import Opened, entries_back
from counterfoil.registry.personal.registrar import Registrar
from counterfoil.store.store import Store

Standing: TypeAlias = Literal["absent", "said", "other"]
"""There is no such record; a version of it says what is asked for; it says something else."""


class Versions:
    """Compares with what is stored, over a store that is held still meanwhile."""

    def __init__(self, registrar: Registrar, store: Store):
        self._registrar = registrar
        self._store = store
        self._items = registrar.items(store)
        self._drafter = registrar.drafter(store)

    def standing(self, wanted: Wanted) -> Standing:
        """How the record that a row names stands. Raises `Malformed` for what can be no key, as `Drafter.name`."""
        change = wanted.change
        plan = self._registrar.plan(change.register)
        _, record = self._drafter.name(plan, change)
        latest = self._drafter.latest(plan.name, record)
        if latest is None:
            return "absent"
        said = any(self._says(entry, wanted) for entry in entries_back(self._store, latest))
        return "said" if said else "other"

    def _says(self, entry: Entry, wanted: Wanted) -> bool:
        change = wanted.change
        operations = ("create", "amend", "correct") if wanted.columns else (change.operation,)
        if entry.operation not in operations or change.status not in (None, entry.status):
            return False
        opened = self._items.open(entry)
        return not opened.lost and _same_fields(opened, wanted) and _same_circumstances(opened, change)


def _same_fields(opened: Opened, wanted: Wanted) -> bool:
    """Whether a version has what the row says, in all that the row speaks of; a line that creates speaks of all."""
    fields, asked = opened.fields, wanted.change.fields
    if wanted.change.operation != "create":
        fields = {name: value for name, value in fields.items() if name in asked}
    elif wanted.columns:
        fields = {name: value for name, value in fields.items() if name in wanted.columns}
    # As bytes: to Python, 1 and true are equal.
    return canonical(fields) == canonical({name: value for name, value in asked.items() if value is not None})


def _same_circumstances(opened: Opened, change: Change) -> bool:
    said = {name: value for name, value in opened.circumstances.items() if name in STATED}
    return canonical(said) == canonical(dict(change.circumstances))
