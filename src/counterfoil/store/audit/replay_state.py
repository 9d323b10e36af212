"""The ledger's state as a replay of the log rebuilds it, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import nsmallest

from counterfoil.errors import Malformed
from counterfoil.ledger.state import Changes, Head, Pending, RecordState, ReferenceRow, Taken, flags_of
from counterfoil.ledger.system import GOVERNED
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import IndexTree, record_key
from counterfoil.proof.merkle import CompactRange, leaf_hash
from counterfoil.store.audit.logbook import NOT_AN_ENTRY, Logbook, decode
from counterfoil.store.audit.stored import Stored
from counterfoil.store.log import WIDTH
from counterfoil.store.pages import META_BYTES, decode_state, encode_meta


class Unknowable(Malformed):
    """Something is asked about an entry that is damaged, which a finding of its own names."""


class ReplayState:
    """The ledger's state in memory, as the replay has rebuilt it; implements `State`.

    What damaged entries did is not known. `lost` has their labelled leaf hashes, as far as anything tells them, and
    `unsure` the index keys of records that could not be judged, so that what follows from one fault is not named again.
    """

    def __init__(self, logbook: Logbook, stored: Stored):
        self._logbook = logbook
        self._stored = stored
        self.head = Head()
        self.range = CompactRange()
        self.tree = IndexTree(META_BYTES)
        self.claims: dict[bytes, bytes] = {}
        self.references: set[ReferenceRow] = set()
        self._referring: dict[tuple[bytes, str], set[bytes]] = {}
        self.open: dict[str, Pending] = {}
        self.lost: set[str] = set()
        self.lost_numbers: set[int] = set()
        self.unsure: set[bytes] = set()
        self.exact = True
        """Whether the leaf hash of every entry so far is known."""
        self.blind = False
        """Whether an entry that is lost may have changed a definition or a member."""

    @property
    def end(self) -> int:
        """How many entries are stored."""
        return self._logbook.size

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of a record."""
        found = self.tree.get(key)
        return decode_state(*found) if found else None

    def entry(self, number: int) -> bytes:
        """An entry's bytes. Raises `Unknowable` where they cannot be read."""
        bundle = self._logbook.bundle(number // WIDTH)
        data = bundle[number % WIDTH] if number % WIDTH < len(bundle) else None
        if data is None:
            raise Unknowable(f"entry {number} is damaged")
        return data

    def entries(self, first: int, count: int) -> list[bytes | None]:
        """The bytes of entries that follow each other, as many as there are; None for each that cannot be read."""
        end = min(first + count, self.end)
        found: list[bytes | None] = []
        while first < end:
            start = first - first % WIDTH
            found += self._logbook.bundle(first // WIDTH)[first - start : end - start]
            first = start + WIDTH
        return found

    def read(self, number: int) -> Entry:
        """An entry, without asking whether its bytes are canonical. Raises `Malformed`, for a lost one `Unknowable`."""
        return read_entry(self.entry(number))

    def read_many(self, first: int, count: int) -> list[Entry]:
        """Entries that follow each other, read like one. Raises `Unknowable` where one is lost or cannot be read."""
        found = self.entries(first, count)
        try:
            if len(found) == count and None not in found:
                return [decode(data) for data in found if data is not None]
        except NOT_AN_ENTRY:
            pass  # it is named where the replay comes to it
        raise Unknowable(f"some of the entries {first} to {first + count - 1} are damaged")

    def claim(self, key: bytes) -> bytes | None:
        """The holder of a claim."""
        return self.claims.get(key)

    def referring(self, target: bytes, role: str, limit: int) -> Sequence[bytes]:
        """The index keys of the records that refer to one in a role: the first `limit`, sorted."""
        return nsmallest(limit, self._referring.get((target, role), ()))

    def pending(self, transaction: str) -> Pending | None:
        """A waiting transaction."""
        return self.open.get(transaction)

    def waiting(self) -> Sequence[Pending]:
        """Every waiting transaction, sorted by hash."""
        return [self.open[each] for each in sorted(self.open)] if self.open else ()

    def taken_as(self, name: bytes) -> Taken | None:
        """The latest transaction so far under an idempotency name; the stored row, compared already, tells it."""
        rows = self._stored.rows("taken", "WHERE name = ? AND first < ?", (name, self.head.size))
        found = None
        for row in rows:
            found = Taken(*row[:6])
        return found

    def index_root(self, records: Mapping[bytes, RecordState]) -> bytes:
        """The root of the index as it stands; the replay asks between units, when all records are in it."""
        return self.tree.root()

    def advance(self, changes: Changes) -> None:
        """Take what the ledger's rules gave."""
        self.tree.put_all({key: (state.leaf, encode_meta(state)) for key, state in changes.records.items()})
        for claim, holder in changes.claims.items():
            if holder is None:
                self.claims.pop(claim, None)
            else:
                self.claims[claim] = holder
        for row, stands in changes.references.items():
            sources = self._referring.setdefault((row.target, row.role), set())
            (self.references.add if stands else self.references.discard)(row)
            (sources.add if stands else sources.discard)(row.source)
        for transaction, pending in changes.pending.items():
            if pending is None:
                self.open.pop(transaction, None)
            else:
                self.open[transaction] = pending
        self.range.extend(changes.leaves)
        self.head = changes.head

    def adopt(self, entry: Entry, data: bytes, time: int) -> int | None:
        """Take a stored entry as it is, where the rules cannot be asked; returns the number of the one before it."""
        key, leaf = record_key(entry.register, entry.record), leaf_hash(data)
        before = self.record(key)
        state = RecordState(leaf, self.head.size, entry.version, flags_of(entry, before))
        self.tree.put(key, leaf, encode_meta(state))
        self.unsure.add(key)
        self._pass(leaf, time)
        return before.number if before else None

    def lose(self, leaf: bytes | None, entry: Entry | None) -> None:
        """Pass over an entry that cannot be used: its leaf hash, and how it reads, are given as far as known."""
        if leaf is None:
            self.exact = False
        else:
            self.lost.add(labelled(leaf))
        self.lost_numbers.add(self.head.size)
        self.blind |= entry is None or entry.register in GOVERNED
        if entry is not None:
            self.unsure.add(record_key(entry.register, entry.record))
        self._pass(leaf or leaf_hash(b""), self.head.time)

    def _pass(self, leaf: bytes, time: int) -> None:
        self.range.append(leaf)
        self.head = self.head._replace(size=self.head.size + 1, time=max(time, self.head.time))


def read_entry(data: bytes) -> Entry:
    """Read an entry's bytes without asking whether they are canonical. Raises `Malformed`."""
    try:
        return decode(data)
    except NOT_AN_ENTRY as error:
        raise Malformed(f"its bytes are not an entry: {error}") from None
