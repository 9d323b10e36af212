"""An installation as it is read: its entries and records, from a store that blocks are written to meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from counterfoil.errors import Damaged
from counterfoil.home import Home
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.store.log import WIDTH
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store


class Reading:
    """What can be asked of an open installation, by any thread. `home` and `store` are what it is made of."""

    home: Home
    store: Store

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store, held still: no block is stored meanwhile, so this is for what takes milliseconds."""
        with self.store.turn:
            if self.store.stale:
                self.store.reload()
            yield self.store

    @contextmanager
    def snapshot(self) -> Iterator[Store]:
        """A view of the store of its own, as it is now, for what takes longer; blocks are stored meanwhile."""
        store = Store(Sqlite(self.home.store, read_only=True), read_only=True)
        try:
            yield store
        finally:
            store.close()

    def entry(self, number: int) -> Entry:
        """An entry of the log. Raises `NotFound`."""
        with self.reading() as store:
            return decode_entry(store.entry(number))

    def entries(self, first: int = 0) -> Iterator[bytes]:
        """The canonical bytes of the entries from `first` on, in the order of the log, as many as there are by then."""
        while True:
            with self.reading() as store:
                part = list(store.entries(first, first - first % WIDTH + WIDTH))
            if not part:
                return
            yield from part
            first += len(part)

    def readable_entries(self, first: int = 0) -> Iterator[bytes]:
        """As `entries`, with empty bytes in place of an entry that is damaged."""
        while True:
            with self.reading() as store:
                end = min(first - first % WIDTH + WIDTH, store.head.size)
                try:
                    part = list(store.entries(first, end))
                except Damaged:
                    part = [_readable(store, number) for number in range(first, end)]
            if not part:
                return
            yield from part
            first += len(part)

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record; None where there is none."""
        with self.reading() as store:
            state = store.record(record_key(register, record))
            return decode_entry(store.entry(state.number)) if state else None

    def history(self, register: str, record: str) -> Iterator[Entry]:
        """The entries of a record, the latest first. Each names the hash of the one that follows here."""
        with self.reading() as store:
            state = store.record(record_key(register, record))
        number = state.number if state else None
        while number is not None:
            with self.reading() as store:
                entry = decode_entry(store.entry(number))
                number = store.prior(number)
            yield entry


def _readable(store: Store, number: int) -> bytes:
    try:
        return store.entry(number)
    except Damaged:
        return b""
