"""The state as a block sees it while it is applied: what is stored, under what the block has changed so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.ledger.state import (
    Changes,
    Head,
    Pending,
    RecordState,
    ReferenceRow,
    State,
    Taken,
    flags_of,
)
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import (
    MAX_ENTRY_BYTES,
    Encoded,
    Entry,
    Place,
    Proposal,
    decode_entry,
    encode_proposal,
)
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant_text
from counterfoil.proof.merkle import leaf_hash


class View:
    """A block's changes over the state before it, with an undo log so that a refused transaction leaves nothing."""

    def __init__(self, state: State, time: int):
        self.state = state
        self.time = max(time, state.head.time)
        self.time_text = instant_text(self.time)
        self.time_bytes = self.time_text.encode()
        self.base = state.head.size
        self.index = state.head.index
        self.index_time = state.head.index_time
        self.changes = Changes(state.head)
        self._before: dict[bytes, RecordState | None] = {}
        self._referring: dict[tuple[bytes, str], set[bytes]] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

    @property
    def size(self) -> int:
        """How many entries the log has, with this block's."""
        return self.base + len(self.changes.entries)

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of a record."""
        found = self.changes.records.get(key)
        if found is None:
            # Who endorses, and by which rules, is asked again for each transaction of a block.
            if key not in self._before:
                self._before[key] = self.state.record(key)
            found = self._before[key]
        return found

    def entry_bytes(self, number: int) -> bytes:
        """An entry's canonical bytes, be it stored or of this block."""
        return self.changes.entries[number - self.base] if number >= self.base else self.state.entry(number)

    def entry(self, number: int) -> Entry:
        """An entry, be it stored or of this block."""
        return decode_entry(self.entry_bytes(number))

    def latest(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record, read; None where there is none."""
        state = self.record(record_key(register, record))
        return self.entry(state.number) if state else None

    def claim(self, key: bytes) -> bytes | None:
        """The index key of the record that holds a claim."""
        claims = self.changes.claims
        return claims[key] if key in claims else self.state.claim(key)

    def referring(self, target: bytes, role: str, limit: int) -> Sequence[bytes]:
        """The index keys of the records that refer to one (by its index key) in a role: the first `limit`, sorted."""
        touched = self._referring.get((target, role))
        if not touched:
            return self.state.referring(target, role, limit)
        # What was undone is still among those touched: only the rows say what stands.
        stands = {each: self.changes.references.get(ReferenceRow(target, role, each)) for each in touched}
        gone = {each for each, stood in stands.items() if stood is False}
        kept = set(self.state.referring(target, role, limit + len(gone))) - gone
        return sorted(kept | {each for each in touched if stands[each]})[:limit]

    def pending(self, transaction: str) -> Pending | None:
        """A waiting transaction."""
        waiting = self.changes.pending
        return waiting[transaction] if transaction in waiting else self.state.pending(transaction)

    def append(
        self,
        key: bytes,
        proposal: Proposal,
        encoded: Encoded,
        transaction: str | None,
        before: RecordState | None,
    ) -> RecordState:
        """Write a proposal as the log's next entry, after `before`; where it states no version the next is given."""
        number = self.base + len(self.changes.entries)
        version = proposal.version or (before.version + 1 if before else 1)
        place = Place(number, self.time_bytes, transaction, labelled(before.leaf) if before else None)
        entry = encoded.entry(place, version)
        if len(entry) > MAX_ENTRY_BYTES:
            raise Malformed(
                f"the entry for {proposal.register} {proposal.record!r} would have {len(entry)} bytes; one has at most "
                f"{MAX_ENTRY_BYTES}: put the content into a document and name it by its hash"
            )
        if before:
            self.changes.priors[number] = before.number
        state = RecordState(leaf_hash(entry), number, version, flags_of(proposal, before))
        self.put(self.changes.records, key, state)
        self._log(entry, state.leaf)
        return state

    def write(self, proposal: Proposal, transaction: str | None = None) -> None:
        """Write an entry of the ledger's own: it has no proposal that anyone endorsed."""
        key = record_key(proposal.register, proposal.record)
        self.append(key, proposal, encode_proposal(proposal), transaction, self.record(key))

    def write_index(self, proposal: Proposal) -> None:
        """Write an `.index` entry: its record is not in the index, so the head keeps it."""
        before, number = self.index, self.size
        version = before.version + 1 if before else 1
        place = Place(number, self.time_bytes, None, labelled(before.leaf) if before else None)
        entry = encode_proposal(proposal).entry(place, version)
        if before:
            self.changes.priors[number] = before.number
        self.index, self.index_time = RecordState(leaf_hash(entry), number, version, 0), self.time
        self._log(entry, self.index.leaf)

    def _log(self, entry: bytes, leaf: bytes) -> None:
        self.changes.entries.append(entry)
        self.changes.leaves.append(leaf)

    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        """Change one of the tables in `changes` so that a refusal can undo it."""
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def hold(self, key: bytes, holder: bytes | None) -> None:
        """Give a claim to a record, or release it."""
        self.put(self.changes.claims, key, holder)

    def refer(self, row: ReferenceRow, stands: bool) -> None:
        """Note that one record points to another, or no longer does.

        The second change of a row in one block undoes the first: then nothing is left for the store to do.
        """
        references = self.changes.references
        self._referring.setdefault((row.target, row.role), set()).add(row.source)
        if row in references:
            self._undo.append((references, row, references.pop(row)))
        else:
            self.put(references, row, stands)

    def wait(self, transaction: str, pending: Pending | None) -> None:
        """Keep a transaction as pending, or let it go."""
        self.put(self.changes.pending, transaction, pending)

    def take(self, taken: Taken) -> None:
        """Note the header and endorsements of a transaction that was taken."""
        self.changes.taken.append(taken)

    @contextmanager
    def attempt(self) -> Iterator[Callable[[], None]]:
        """What is done inside is undone where it ends in a refusal, or where the given function is called.

        Attempts do not nest.
        """
        changes = self.changes
        mark, entries, taken = len(self._undo), len(changes.entries), len(changes.taken)

        def undo() -> None:
            while len(self._undo) > mark:
                table, key, value = self._undo.pop()
                if value is _ABSENT:
                    del table[key]
                else:
                    table[key] = value
            for number in range(self.base + entries, self.size):
                changes.priors.pop(number, None)
            del changes.entries[entries:], changes.leaves[entries:], changes.taken[taken:]

        try:
            yield undo
        except CounterfoilError:
            undo()
            raise
        self._undo.clear()

    def finish(self) -> Changes:
        """The block's changes, with the head that the log has after it."""
        self.changes.head = Head(self.size, self.time, self.index, self.index_time)
        return self.changes


_ABSENT = object()
