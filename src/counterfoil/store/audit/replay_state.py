"""The ledger's state as a replay of the log rebuilds it, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil.errors import Malformed
from counterfoil.ledger.state import Changes, Head, Pending, RecordState, ReferenceRow, Taken, flags_of
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import IndexTree, record_key
from counterfoil.proof.merkle import CompactRange
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.log import WIDTH
from counterfoil.store.pages import META_BYTES, decode_state, encode_meta


class ReplayState:
    """The ledger's state in memory, as the replay has rebuilt it; implements `State`."""

    def __init__(self, logbook: Logbook):
        self._logbook = logbook
        self._bundle: tuple[int, Sequence[bytes | None]] = (-1, ())
        self.head = Head()
        self.range = CompactRange()
        self.tree = IndexTree(META_BYTES)
        self.claims: dict[bytes, bytes] = {}
        self.references: set[ReferenceRow] = set()
        self.taken: dict[bytes, Taken] = {}
        self.open: dict[str, Pending] = {}

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of a record."""
        found = self.tree.get(key)
        return decode_state(*found) if found else None

    def entry(self, number: int) -> bytes:
        """An entry's bytes. Raises `Malformed` where they cannot be read."""
        if self._bundle[0] != number // WIDTH:
            self._bundle = (number // WIDTH, self._logbook.bundle(number // WIDTH))
        data = self._bundle[1][number % WIDTH]
        if data is None:
            raise Malformed(f"entry {number} cannot be read")
        return data

    def claim(self, key: bytes) -> bytes | None:
        """The holder of a claim."""
        return self.claims.get(key)

    def pending(self, transaction: str) -> Pending | None:
        """A waiting transaction."""
        return self.open.get(transaction)

    def waiting(self) -> Sequence[Pending]:
        """Every waiting transaction, sorted by hash."""
        return [self.open[each] for each in sorted(self.open)]

    def taken_as(self, name: bytes) -> Taken | None:
        """The latest transaction under an idempotency name."""
        return self.taken.get(name)

    def index_root(self, records: Mapping[bytes, RecordState]) -> bytes:
        """The root of the index as it stands; the replay asks only between units."""
        return self.tree.root()

    def advance(self, changes: Changes) -> None:
        """Take what the ledger's rules gave."""
        for key, state in changes.records.items():
            self.tree.put(key, state.leaf, encode_meta(state))
        for claim, holder in changes.claims.items():
            if holder is None:
                self.claims.pop(claim, None)
            else:
                self.claims[claim] = holder
        for row, stands in changes.references.items():
            (self.references.add if stands else self.references.discard)(row)
        for taken in changes.taken:
            self.taken[taken.name] = taken
        for transaction, pending in changes.pending.items():
            if pending is None:
                self.open.pop(transaction, None)
            else:
                self.open[transaction] = pending
        self.range.extend(changes.leaves)
        self.head = changes.head

    def adopt(self, entry: Entry, leaf: bytes, time: int) -> None:
        """Take a stored entry as it is, where the rules cannot be asked again."""
        state = RecordState(leaf, entry.number, entry.version, flags_of(entry))
        self.tree.put(record_key(entry.register, entry.record), leaf, encode_meta(state))
        self.skip(leaf, time)

    def skip(self, leaf: bytes, time: int = 0) -> None:
        """Pass over an entry, of which only the leaf hash is known."""
        self.range.append(leaf)
        self.head = self.head._replace(size=self.head.size + 1, time=max(time, self.head.time))
