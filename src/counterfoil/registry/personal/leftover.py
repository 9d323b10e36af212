"""What the log's `erase` entries say must be gone, found from what is stored: parts of items, and keys.

A part that was erased names its key no more. Its transaction does: the keyring notes for which transaction each key was
drawn. So keys are found that a killed process, or an older backup of the keyring, has left or brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from counterfoil.errors import Damaged, Unavailable
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.view import View
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.registry.personal.opening import entries_back
from counterfoil.registry.personal.plan import SHARED, Plan
from counterfoil.store.items import ERASED, StoredPart
from counterfoil.store.store import Store

MARK: Final = b'"operation":"erase"'
"""What stands in every entry that erases something, and in few others."""

Drawn: TypeAlias = Mapping[str, Collection[int]]
"""The ids of keys by the labelled hash of the transaction that they were drawn for."""


class Overdue(NamedTuple):
    """A part that is still stored, and the number of the entry that erases it."""

    part: StoredPart
    entry: int


class Erasures:
    """The records of a log of which something was erased, read once."""

    def __init__(self, store: Store, plan: Callable[[str], Plan]):
        self._store = store
        self._plan = plan
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        for entry in _erasing(store):
            self._entries.setdefault((entry.register, entry.record), []).append(entry)

    def transactions(self) -> set[str]:
        """The transactions in which keys were drawn that must be gone now, and perhaps others."""
        versions = (each for erasing in self._entries.values() for each in self._versions(erasing))
        return {each.transaction for each in versions if each.item is not None and each.transaction}

    def overdue(self) -> Iterator[Overdue]:
        """The parts that are stored although an entry after theirs erases them."""
        for erasing in self._entries.values():
            slots = self._slots(erasing)
            for version in self._versions(erasing):
                for part in self._store.item(version.number):
                    after = [number for number, going in slots if part.slot in going and number > part.number]
                    if after and part.key != ERASED:
                        yield Overdue(part, after[0])

    def keys(self, drawn: Drawn, *, whole: bool = False) -> set[int]:
        """The ids of all keys that must be gone; `drawn` for each of `transactions`.

        Raises `Damaged` where it cannot be told, and with `whole` `Unavailable` where items are not here that must be.
        """
        found = {each.part.key for each in self.overdue()}
        for erasing in self._entries.values():
            found |= leftover(self._store, self._versions(erasing), drawn, whole=whole)
        return found

    def _versions(self, erasing: Iterable[Entry]) -> Iterator[Entry]:
        return entries_back(self._store, max(erasing, key=_number))

    def _slots(self, erasing: Iterable[Entry]) -> list[tuple[int, set[int]]]:
        """The slots that are gone after each erasing entry, by its number; the shared one goes with the last."""
        gone: set[int] = set()
        found: list[tuple[int, set[int]]] = []
        for entry in sorted(erasing, key=_number):
            numbers = {each.name: each.number for each in self._plan(entry.register).slots}
            subject = entry.circumstances.get("subject")
            gone |= {numbers[subject]} if isinstance(subject, str) and subject in numbers else set()
            there = {part.slot for part in _latest_parts(self._store, entry) if part.key != ERASED}
            if gone and not there - gone - {SHARED}:
                gone |= {SHARED}
            found.append((entry.number, set(gone)))
        return found


def leftover(store: Store, versions: Iterable[Entry], drawn: Drawn, *, whole: bool = False) -> set[int]:
    """The ids of keys drawn for the transactions of these entries whose parts were erased.

    Nothing of a transaction whose items are not all here; with `whole` that raises `Unavailable`. Raises `Damaged`
    where more keys have no part than parts were erased, so that it cannot be told which are meant.
    """
    found: set[int] = set()
    for transaction, number in {each.transaction: each.number for each in versions}.items():
        spare = set(drawn.get(transaction or "", ()))
        parts = _parts_of(store, number, transaction) if spare else None
        if parts is None:
            if whole and spare:
                raise Unavailable(
                    f"the items of entry {number}'s transaction are not in the store, so it cannot be told which of "
                    "its keys were erased; bring the items back first: counterfoil repair --from BACKUP"
                )
            continue
        spare -= {part.key for part in parts}
        if len(spare) > sum(part.key == ERASED for part in parts):
            raise Damaged(
                f"the keyring has keys of entry {number}'s transaction that no part of an item names, and no erasure "
                "explains; run counterfoil audit, and bring the items back from a backup"
            )
        found |= spare
    return found


def plans(store: Store) -> Callable[[str], Plan]:
    """How each register's records are kept, by the definitions that a store's log ends with."""
    knowledge, view = Knowledge(), View(store, store.head.time)
    return lambda register: Plan(knowledge.definition(view, register))


def _erasing(store: Store) -> Iterator[Entry]:
    for data in store.entries():
        if MARK in data:
            entry = decode_entry(data)
            if entry.operation == "erase":
                yield entry


def _latest_parts(store: Store, entry: Entry) -> tuple[StoredPart, ...]:
    """The parts of the item that an entry repeats."""
    for version in entries_back(store, entry):
        if version.item == entry.item and (parts := store.item(version.number)):
            return parts
    return ()


def _parts_of(store: Store, number: int, transaction: str | None) -> list[StoredPart] | None:
    """The parts of all items of a transaction that has an entry of this number; None where one is not here."""
    found: list[StoredPart] = []
    for entry in _together(store, number, transaction):
        parts = store.item(entry.number)
        if not parts and entry.item is not None and not _repeats(store, entry):
            return None
        found += parts
    return found


def _together(store: Store, number: int, transaction: str | None) -> Iterator[Entry]:
    """The entries of a transaction, which follow each other in the log."""
    first = number
    while first and decode_entry(store.entry(first - 1)).transaction == transaction:
        first -= 1
    for data in store.entries(first):
        entry = decode_entry(data)
        if entry.transaction != transaction:
            return
        yield entry


def _repeats(store: Store, entry: Entry) -> bool:
    prior = store.prior(entry.number)
    return prior is not None and decode_entry(store.entry(prior)).item == entry.item


def _number(entry: Entry) -> int:
    return entry.number
