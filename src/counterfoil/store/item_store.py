"""A store's items and its blind index, which are written together: with a block, and when something is erased."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from counterfoil.ledger.state import Changes, Pending
from counterfoil.store.blind import BlindIndex
from counterfoil.store.database import Database
from counterfoil.store.elsewhere import named_items, repeats, waiting_items
from counterfoil.store.items import ItemTable, SealedItem, StoredPart
from counterfoil.store.log import Log
from counterfoil.store.schema import WITH_ITEMS, stored_version


class ItemStore:
    """What writes must run inside a database transaction; after a failed one the object is stale.

    A store of an older program, which can only be read, has no items.
    """

    def __init__(self, database: Database):
        there = stored_version(database) >= WITH_ITEMS
        self._table = ItemTable(database) if there else None
        self._blind = BlindIndex(database)

    def parts(self, number: int) -> tuple[StoredPart, ...]:
        """The parts of the item that an entry brought."""
        return self._table.parts(number) if self._table else ()

    def waiting(self, commitment: bytes) -> tuple[StoredPart, ...]:
        """The parts of an item whose transaction waits."""
        return self._table.waiting(commitment) if self._table else ()

    def search(self, token: int) -> list[int]:
        """The numbers of the entries that have a token, ascending."""
        return self._blind.search(token) if self._table else []

    def take(
        self, log: Log, changes: Changes, items: Mapping[bytes, SealedItem], waiting: Sequence[Pending]
    ) -> None:
        """Store the items of a block that the log has taken in; `waiting` are the transactions that waited before."""
        if self._table is None:
            return
        named = named_items(changes.head.size - len(changes.entries), changes.entries)
        brought = {
            number: commitment
            for number, commitment in named.items()
            if commitment in items or not repeats(log, changes.priors.get(number), commitment)
        }
        if brought:
            tokens = self._table.place(brought, items)
            self._blind.add({number: each for number, each in tokens.items() if each}, changes.head.size)
        if changes.pending:
            self._take_waiting(self._table, changes.pending, items, waiting)

    def _take_waiting(
        self,
        table: ItemTable,
        changed: Mapping[str, Pending | None],
        items: Mapping[bytes, SealedItem],
        waiting: Sequence[Pending],
    ) -> None:
        after = {**{each.hash: each for each in waiting}, **changed}
        needed = waiting_items([each for each in after.values() if each])
        table.wait(waiting_items([each for each in changed.values() if each]), items)
        table.drop(waiting_items(waiting) - needed)

    def erase(
        self,
        rows: Sequence[tuple[int, int]],
        tokens: Sequence[tuple[int, int]],
        digests: Mapping[tuple[int, int], Sequence[bytes]],
        waiting: Sequence[tuple[bytes, int]],
    ) -> None:
        """Delete parts of items, and tokens; see `Store.erase_parts`."""
        if self._table is None:
            return
        self._blind.remove(tokens)
        slots: defaultdict[int, dict[int, bytes]] = defaultdict(dict)
        for number, slot in rows:
            slots[number][slot] = b"".join(digests.get((number, slot), ()))
        gone: defaultdict[int, list[int]] = defaultdict(list)
        for token, number in tokens:
            gone[number].append(token)
        for number in sorted(slots.keys() | gone.keys()):
            self._table.erase(number, slots.get(number, {}), gone.get(number, ()))
        for commitment, slot in waiting:
            self._table.erase_waiting(commitment, {slot: b""})

    def flush(self, end: int) -> None:
        """Write what waits of the blind index; the log has `end` entries."""
        if self._table is not None:
            self._blind.flush(end)
