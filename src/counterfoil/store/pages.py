"""The index in the store: its pages are written late, a few in each block, because the log is their journal.

A page is current up to its `mark`, a number of log entries; `settled` is the number below which every page is current.
What comes after it is replayed from the log at start.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Final

from counterfoil.errors import Damaged, Malformed
from counterfoil.ledger.state import RecordState
from counterfoil.proof.index import IndexTree, Page, subtree_root
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database

META_BYTES: Final = 10
"""Beside each pair: entry number (5 bytes), version (4), flags (1), big-endian."""
MAX_LAG: Final = 131_072
"""How many entries a page may lag behind the log, and so the most that a start replays."""
MAX_DIRTY: Final = 52 << 20
"""How many bytes of pairs may wait in changed pages: nearly all of a million records. With half of it that many cost
half as much again; with more of it the second million would take more memory than the first."""
MAX_CLEAN: Final = 2_048
"""How many unchanged pages are kept, of 5 kB each: more than a block reads before it writes."""


def encode_meta(state: RecordState) -> bytes:
    """What stands beside a record's pair."""
    return (state.number << 40 | state.version << 8 | state.flags).to_bytes(META_BYTES, "big")


def decode_state(leaf: bytes, meta: bytes) -> RecordState:
    """A record's state from its pair and what stands beside it."""
    return RecordState(leaf, int.from_bytes(meta[:5], "big"), int.from_bytes(meta[5:9], "big"), meta[9])


def page_checksum(node: int, mark: int, hash_: bytes, meta: bytes, pairs: bytes) -> bytes:
    """The checksum of a page's row, by which a changed one is refused before anything is judged by it."""
    return checksum(node, mark, hash_, sha256(meta + pairs).digest())


class IndexPages(IndexTree):
    """The index's pages, in memory as far as they are in use. `flush` must run inside a database transaction."""

    def __init__(self, database: Database):
        super().__init__(META_BYTES)
        self._database = database
        self._clean: OrderedDict[int, Page] = OrderedDict()
        self._dirty: dict[int, Page] = self._pages
        self._since: dict[int, int] = {1: 0}
        self._weight = 0
        self._hashed: set[int] = set()
        self._replaced: list[int] = []
        self._position = 0
        self.newest = 0
        """The largest mark of a page that was stored when this was opened."""
        roots = {}
        for node, mark, hash_ in database.query("SELECT node, mark, hash FROM page"):
            roots[node] = bytes(hash_)
            self.newest = max(self.newest, mark)
        self.stored = bool(roots)
        """Whether there were any pages when this was opened."""
        if roots:
            self._since = {}
            try:
                self._resume(roots)
            except Malformed as error:
                raise Damaged(f"{error}; run counterfoil audit") from None
            self._dirty = self._pages

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of the record with this key."""
        found = self.get(key)
        if found is None:
            return None
        return decode_state(*found)

    def put_records(self, records: Mapping[bytes, RecordState], position: int) -> None:
        """Set the latest entries of many records, which the log's entries from `position` on have changed."""
        self._position = position
        self.put_all({key: (state.leaf, encode_meta(state)) for key, state in records.items()})

    def root(self) -> bytes:
        """The root over all records."""
        # Pages that were hashed as they were written are not read again for it; the hashes above them are still due.
        self._rehash_above(self._hashed)
        self._hashed.clear()
        return super().root()

    def flush(self, size: int, *, everything: bool = False) -> int:
        """Write the pages that have waited longest; returns what is then `settled`.

        `size` is how many entries of the log the pages in memory have taken in.
        """
        # A page that was split goes together with what takes its place: stored pages never overlap or leave a gap.
        nodes = {
            child for node in self._replaced for child in (2 * node, 2 * node + 1) if child in self._dirty
        }
        surplus = self._weight - MAX_DIRTY
        for node, since in self._since.items():
            if not (everything or since < size - MAX_LAG or surplus > 0):
                break
            nodes.add(node)
            surplus -= len(self._dirty[node][0])
        if nodes:
            self._write(nodes, size)
        return next(iter(self._since.values()), size)

    def _write(self, nodes: Collection[int], size: int) -> None:
        self._database.execute_many("DELETE FROM page WHERE node = ?", [(node,) for node in self._replaced])
        self._database.execute_many(
            "INSERT INTO page (node, mark, hash, checksum, meta, pairs) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (node) DO UPDATE SET mark = excluded.mark, hash = excluded.hash,"
            " checksum = excluded.checksum, meta = excluded.meta, pairs = excluded.pairs",
            [self._row(node, size) for node in nodes],
        )
        for node in nodes:
            self._clean[node] = page = self._dirty.pop(node)
            self._weight -= len(page[0])
            del self._since[node]
        self._replaced.clear()
        while len(self._clean) > MAX_CLEAN:
            self._clean.popitem(last=False)

    def _row(self, node: int, mark: int) -> tuple[int, int, bytes, bytes, bytes, bytes]:
        pairs, meta = self._dirty[node]
        hash_ = self._hash(node)
        return node, mark, hash_, page_checksum(node, mark, hash_, meta, pairs), meta, pairs

    def _hash(self, node: int) -> bytes:
        if node in self._stale:
            self._hashes[node] = subtree_root(self._dirty[node][0], node.bit_length() - 1)
            self._stale.discard(node)
            self._hashed.add(node)
        return self._hashes[node]

    def _load(self, node: int) -> Page:
        page = self._dirty.get(node)
        if page is None:
            page = self._clean.get(node)
            if page is None:
                return self._read(node)
            self._clean.move_to_end(node)
        return page

    def _read(self, node: int) -> Page:
        row = self._database.row("SELECT mark, hash, meta, pairs, checksum FROM page WHERE node = ?", (node,))
        if row is None or page_checksum(node, *row[:4]) != row[4]:
            raise Damaged(f"page {node} of the index is missing or changed; run counterfoil audit")
        page = self._clean[node] = (row[3], row[2])
        if len(self._clean) > MAX_CLEAN:
            self._clean.popitem(last=False)
        return page

    def _keep(self, node: int, page: Page) -> None:
        before = self._dirty.get(node)
        if before is None:
            self._clean.pop(node, None)
            self._since[node] = self._position
        self._weight += len(page[0]) - (len(before[0]) if before else 0)
        self._dirty[node] = page

    def _drop(self, node: int) -> None:
        self._clean.pop(node, None)
        page = self._dirty.pop(node, None)
        self._weight -= len(page[0]) if page else 0
        self._since.pop(node, None)
        self._replaced.append(node)
