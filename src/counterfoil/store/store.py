"""The store: implements the ledger's `State`, and keeps a block's changes in one database transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import RLock
from typing import Final

import msgspec

from counterfoil.errors import Busy, Damaged, Unavailable
from counterfoil.ledger.state import Changes, Head, Pending, RecordState, Taken, flags_of
from counterfoil.ledger.system import INDEX
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import IndexProof, record_key
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.tiles import TileReader
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database
from counterfoil.store.documents import document_size, put_document, read_document
from counterfoil.store.head import HEAD, Sign, Signed, indexed, root_of, write_head
from counterfoil.store.item_store import ItemStore
from counterfoil.store.items import SealedItem, StoredPart
from counterfoil.store.log import WIDTH, Log
from counterfoil.store.pages import IndexPages
from counterfoil.store.schema import note_scrubbed, prepare
from counterfoil.store.tables import write_tables
from counterfoil.store.waiting import decode_pending

_decode = msgspec.json.Decoder(Entry).decode


MAX_WAITING: Final = 4_096
"""How many records may wait for the next index entry: all at once they may touch as many pages, of 6 kB each."""
LOOKED_AT: Final = 64
"""How many checkpoints are looked at for one that a witness has cosigned: it may have been away for a minute."""
SIGNATURE: Final = "\n\u2014 ".encode()
"""How a signature line of a note begins (signed-note, Format), after the line before it."""


class Store:
    """One ledger's store over a database. `commit` is the only way in for entries.

    After a commit that failed, what is in memory may be ahead of what is stored; `reload` brings it back. One thread
    at a time may use it: whoever shares it takes `turn`.
    """

    def __init__(self, database: Database, *, read_only: bool = False):
        self.database = database
        self.turn = RLock()
        self.stale = False
        self._read_only = read_only
        if not read_only:
            prepare(database)
        self.reload()

    def reload(self) -> None:
        """Read the state's edges from the database, and replay what the index's pages lack. Raises `Damaged`.

        One that is only read replays when the index is first asked for: who reads the log alone need not wait for it.
        """
        self.stale = True
        row = self.database.row(HEAD)
        self.head = Head()
        self.note = b""
        settled = 0
        if row:
            if row[7] != checksum(row[0], row[6]):
                raise Damaged("the row that says where the log ends was changed; run counterfoil audit")
            index = RecordState(row[2], row[3], row[4], 0) if row[2] is not None else None
            self.head = Head(row[0], row[1], index, row[5])
            settled, self.note = row[6], row[8]
        self.log = Log(self.database, self.head.size)
        self.log.suspect = bool(row) and root_of(self.note) not in {None, self.log.root()}
        self._pages = IndexPages(self.database)
        if (settled and not self._pages.stored) or (not row and self._has_entries()):
            raise Damaged(
                "pages of the index, or the row that says where the log ends, are missing; run counterfoil audit"
            )
        self._recent: dict[bytes, RecordState] = {}
        self._covered = 0
        self._ahead = False
        self._waiting: tuple[Pending, ...] | None = None
        self._items = ItemStore(self.database)
        self._unplayed: int | None = settled
        if not self._read_only:
            self._play()
        self.stale = False

    def _has_entries(self) -> bool:
        queries = ("SELECT 1 FROM tail LIMIT 1", "SELECT 1 FROM bundle LIMIT 1")
        return any(self.database.row(query) is not None for query in queries)

    # What the ledger reads

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of the record with this index key."""
        if self._unplayed is not None:
            self._play()
        return self._recent.get(key) or self._pages.record(key)

    def entry(self, number: int) -> bytes:
        """The canonical bytes of an entry."""
        return self.log.entry(number)

    def claim(self, key: bytes) -> bytes | None:
        """The index key of the record that holds a claim."""
        row = self.database.row("SELECT holder FROM claim WHERE digest = ?", (key,))
        return bytes(row[0]) if row else None

    def referring(self, target: bytes, role: str, limit: int) -> Sequence[bytes]:
        """The index keys of the records that refer to one (by its index key) in a role: the first `limit`, sorted."""
        rows = self.database.query(
            "SELECT source FROM reference WHERE target = ? AND role = ? ORDER BY source LIMIT ?",
            (target, role, limit),
        )
        return [bytes(row[0]) for row in rows]

    def pending(self, transaction: str) -> Pending | None:
        """A waiting transaction."""
        return next((each for each in self.waiting() if each.hash == transaction), None)

    def waiting(self) -> Sequence[Pending]:
        """Every waiting transaction, sorted by hash."""
        if self._waiting is None:
            rows = self.database.query(
                "SELECT name, complete, header, proposals, endorsements FROM pending ORDER BY hash"
            )
            self._waiting = tuple(decode_pending(row) for row in rows)
        return self._waiting

    def taken_as(self, name: bytes) -> Taken | None:
        """The latest transaction taken under an idempotency name."""
        row = self.database.row(
            "SELECT first, count, hash, name, header, endorsements FROM taken WHERE name = ?"
            " ORDER BY first DESC LIMIT 1",
            (name,),
        )
        return Taken(*row) if row else None

    def index_root(self, records: Mapping[bytes, RecordState]) -> bytes:
        """The index's root with these records in it."""
        if self._unplayed is not None:
            self._play()
        self._put(records)
        return self._pages.root()

    # What others read

    def taken_at(self, number: int) -> Taken | None:
        """The transaction that wrote an entry; None for an entry of the ledger's own."""
        row = self.database.row(
            "SELECT first, count, hash, name, header, endorsements FROM taken WHERE first <= ?"
            " ORDER BY first DESC LIMIT 1",
            (number,),
        )
        taken = Taken(*row) if row else None
        return taken if taken and number < taken.first + taken.count else None

    def prior(self, number: int) -> int | None:
        """The number of the entry before this one of the same record."""
        row = self.database.row("SELECT previous FROM prior WHERE number = ?", (number,))
        return int(row[0]) if row else None

    def item(self, number: int) -> tuple[StoredPart, ...]:
        """The sealed parts of the item that an entry brought, by slot. Raises `Damaged` where they were changed.

        Empty where it brought none (it repeats that of the version before it), and where they are kept elsewhere.
        """
        return self._items.parts(number)

    def waiting_item(self, commitment: bytes) -> tuple[StoredPart, ...]:
        """The sealed parts of an item whose transaction waits, by its commitment."""
        return self._items.waiting(commitment)

    def search(self, token: int) -> list[int]:
        """The numbers of the entries that a token of the blind index finds, ascending."""
        return self._items.search(token)

    def entries(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The canonical bytes of entries from `first` up to `end`, a bundle at a time."""
        end = self.head.size if end is None else min(end, self.head.size)
        while first < end:
            bundle = self.log.bundle(first // WIDTH)
            start = first - first % WIDTH
            yield from bundle[first - start : end - start]
            first = start + WIDTH

    def prove_index(self, key: bytes) -> IndexProof:
        """The index's proof for a key, under the root in the log's latest index entry.

        Raises `Unavailable` where so much has changed since that entry that the index could not wait for the next.
        """
        if self._unplayed is not None:
            self._play()
        if self._covered != indexed(self.head):
            raise Unavailable("the index is taking in many changes at this moment; ask again in a second")
        return self._pages.prove(key)

    @property
    def room(self) -> int:
        """How many more records may change before the next index entry, so that the index can still be proved."""
        return MAX_WAITING - len(self._recent)

    def published(self, at_least: int = 0) -> bytes | None:
        """The smallest published checkpoint that covers a log of `at_least` entries, else the latest one if it does."""
        row = self.database.row(
            "SELECT note FROM checkpoint WHERE size >= ? ORDER BY size LIMIT 1", (at_least,)
        )
        if row:
            return bytes(row[0])
        return self.note if self.note and at_least <= self.head.size else None

    def cosigned(self, at_least: int) -> Iterator[bytes]:
        """The first of the published checkpoints over `at_least` entries that has a line under another name."""
        rows = self.database.query(
            "SELECT note FROM checkpoint WHERE size >= ? ORDER BY size LIMIT ?", (at_least, LOOKED_AT)
        )
        for (note,) in rows:
            origin = note.partition(b"\n")[0]
            if note.count(SIGNATURE) > note.count(SIGNATURE + origin + b" "):
                yield bytes(note)
                return

    def published_at(self, size: int) -> bytes | None:
        """The published checkpoint of a log of exactly `size` entries; None where none is kept."""
        row = self.database.row("SELECT note FROM checkpoint WHERE size = ?", (size,))
        return bytes(row[0]) if row else None

    def latest_published(self) -> bytes | None:
        """The newest checkpoint that is kept; None where none is yet."""
        row = self.database.row("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return bytes(row[0]) if row else None

    def root_at(self, size: int) -> bytes:
        """The log's root when it had `size` entries, at most as many as now."""
        return self.log.root_at(size)

    def reader(self, size: int | None = None) -> TileReader:
        """The log's tree nodes, for proofs in a tree of `size`."""
        return self.log.reader(size)

    # What is written

    def commit(self, changes: Changes, sign: Sign, items: Mapping[bytes, SealedItem] | None = None) -> None:
        """Store a block's changes for good, with a checkpoint over the log they lead to.

        `items` are those that came with its transactions, by commitment; one that no transaction of it names, or only
        one that is refused, is not stored.
        """
        with self.database.transaction():
            self._check_alone()
            self.log.append(changes.entries, changes.leaves)
            write_tables(self.database, changes)
            self._items.take(self.log, changes, items or {}, self.waiting() if changes.pending else ())
            covered, waiting = self._cover(changes)
            settled = self._pages.flush(covered)
            signed = sign(changes.head, self.log.root())
            write_head(self.database, changes.head, settled, signed)
        self.head, self.note, self._ahead = changes.head, signed.note, False
        self._covered, self._recent = covered, waiting
        if changes.pending:
            self._waiting = None

    def erase_parts(
        self,
        rows: Sequence[tuple[int, int]],
        tokens: Sequence[tuple[int, int]] = (),
        *,
        waiting: Sequence[tuple[bytes, int]] = (),
        digests: Mapping[tuple[int, int], Sequence[bytes]] | None = None,
    ) -> None:
        """Delete parts of items, by entry number and slot, and tokens with the entries that they find.

        `waiting` are parts of items that wait, by commitment and slot. `digests` are those of the fields that go, so
        that the other fields of the item can still be checked. An `erase` entry of each record must be in the log
        already. `scrub` then sees that no byte of them is left in the file.
        """
        with self.database.transaction():
            self._check_alone()
            self._items.erase(rows, tokens, digests or {}, waiting)

    def scrub(self) -> None:
        """Rewrite the file, so that nothing of what was deleted is left in it or in its write-ahead log.

        Takes as long as copying it, and needs its size again on the disk meanwhile. Raises `Busy` while somebody reads
        an older view.
        """
        self.database.rewrite()
        note_scrubbed(self.database)
        self.database.fold()

    def keep_published(self, size: int, note: bytes) -> None:
        """Put a published checkpoint, with the signatures that it has gained, in its own place; else do nothing."""
        with self.database.transaction():
            self._check_alone()
            self.database.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (note, size))
            if size == self.head.size:
                self.database.execute("UPDATE head SET note = ?", (note,))
        if size == self.head.size:
            self.note = note

    def put_document(self, parts: Iterable[bytes]) -> str:
        """Store a document, for good before this returns; gives its labelled hash."""
        return put_document(self.database, parts)

    def document_size(self, name: str) -> int | None:
        """How many bytes a stored document has; None where it is not here."""
        return document_size(self.database, name)

    def read_document(self, name: str) -> Iterator[bytes]:
        """A document's bytes, a chunk at a time."""
        return read_document(self.database, name)

    def close(self) -> None:
        """Write what waits of both indexes, unless it is of a block never stored, and let go of the database."""
        try:
            if self.head.size and not self._read_only and not self._ahead:
                with self.database.transaction():
                    self._check_alone()
                    settled = self._pages.flush(self._covered, everything=True)
                    self._items.flush(self.head.size)
                    write_head(self.database, self.head, settled, Signed(self.note, published=False))
        finally:
            self.database.close()

    def _cover(self, changes: Changes) -> tuple[int, dict[bytes, RecordState]]:
        """How many entries the index's pages have taken in after a block, and the records that wait for the next.

        Those are the entries before the latest index entry, so that the index is what that entry says; only where more
        changes within its second than may wait, the index takes them in before the next entry.
        """
        if changes.head.index != self.head.index:
            return indexed(changes.head), {}
        if len(self._recent) + len(changes.records) > MAX_WAITING:
            self._put(changes.records)
            return changes.head.size, {}
        self._recent.update(changes.records)
        return self._covered, self._recent

    def _put(self, records: Mapping[bytes, RecordState]) -> None:
        self._pages.put_records({**self._recent, **records}, self._covered)
        self._ahead = True

    def _check_alone(self) -> None:
        """Raise `Busy` where somebody else has written meanwhile, in spite of the home's lock."""
        row = self.database.row("SELECT size FROM head")
        if (row[0] if row else 0) != self.head.size:
            raise Busy(
                "another process has written to this store; stop all of them but one, and start that anew"
            )

    def _play(self) -> None:
        """Bring the pages to the latest index entry, or to the log's end where one of them is past that entry."""
        settled, self._unplayed = self._unplayed or 0, None
        try:
            self._play_from(settled)
        except BaseException:
            # Half of it must not be taken for the whole by who asks next.
            self._unplayed, self._recent, self._pages = settled, {}, IndexPages(self.database)
            raise

    def _play_from(self, settled: int) -> None:
        last = indexed(self.head)
        end = last if self._pages.newest <= last else self.head.size
        self._covered = settled
        for number, data in enumerate(self.entries(settled), settled):
            try:
                entry = _decode(data)
            except msgspec.DecodeError as error:
                raise Damaged(f"entry {number} cannot be read ({error}); run counterfoil audit") from None
            if entry.register != INDEX:
                key = record_key(entry.register, entry.record)
                flags = flags_of(entry, self.record(key))
                self._recent[key] = RecordState(leaf_hash(data), number, entry.version, flags)
            if number == end - 1:
                self._put({})
                self._recent = {}
        self._covered, self._ahead = end, False
