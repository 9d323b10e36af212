"""The log in the store: entry bundles, hash tiles, and the right edge of the tree, which is kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import reduce
from typing import Final

import zstandard

from counterfoil.errors import Damaged, Malformed, NotFound
from counterfoil.proof.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    CompactRange,
    leaf_hash,
    leaf_hashes,
    node_hash,
    root,
)
from counterfoil.proof.tiles import TileReader, decode_bundle, encode_bundle, split_hashes
from counterfoil.store.checksum import bundle_checksum
from counterfoil.store.database import Database

WIDTH: Final = 256
LEVEL_SHIFT: Final = 56
FORM: Final = f"zstd {'.'.join(map(str, zstandard.ZSTD_VERSION))} level 1"
"""How bundles are compressed here: the same version gives the same bytes, which the audit compares."""
MAX_BUNDLE_BYTES: Final = WIDTH * (2 + 65_535)
CACHED_BUNDLES: Final = 32


class Log:
    """The stored log: each level's partial tile is kept in memory, with the compact range of its hashes.

    `append` must run inside a database transaction; after a failed one the object is stale.
    """

    def __init__(self, database: Database, size: int):
        self._database = database
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompressor = zstandard.ZstdDecompressor()
        self._bundles: OrderedDict[int, tuple[list[bytes], bytes]] = OrderedDict()
        self._tiles = TileReader(self.tile, 0)
        self.size = size
        self._tail = self._read_tail()
        self._edge = self._read_edge()
        self._ranges = [_range_of(hashes) for hashes in self._edge]
        self.suspect = False
        """Whether the entries after the last full bundle may be others than those that were signed."""

    def append(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Add a block's entries and their leaf hashes."""
        hashes = self._edge[0]
        done, left = 0, len(entries)
        while left:
            step = min(left, WIDTH - len(hashes))
            self._tail.extend(entries[done : done + step])
            hashes.extend(leaves[done : done + step])
            self._ranges[0].extend(leaves[done : done + step])
            done, left = done + step, left - step
            if len(hashes) == WIDTH:
                self._write_bundle((self.size + done) // WIDTH - 1)
        self.size += done
        rest = min(len(self._tail), done)
        if rest:
            self._database.execute(
                "INSERT INTO tail (first, entries) VALUES (?, ?)",
                (self.size - rest, encode_bundle(self._tail[-rest:])),
            )

    def root(self) -> bytes:
        """The RFC 9162 root over all entries."""
        subtrees = [each for level in self._ranges for each in reversed(level.hashes)]
        return reduce(lambda right, left: node_hash(left, right), subtrees) if subtrees else EMPTY_ROOT

    def root_at(self, size: int) -> bytes:
        """The root when the log had `size` entries. Raises `NotFound` where it never had as many."""
        node = self.reader().node
        levels = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
        return CompactRange(size, [node(level, (size >> level) - 1) for level in levels]).root()

    def entry(self, number: int) -> bytes:
        """An entry's canonical bytes. Raises `NotFound` beyond the end, `Damaged` where they cannot be read."""
        if not 0 <= number < self.size:
            raise NotFound(f"there is no entry {number}; the log has {self.size}")
        first = self.size - len(self._tail)
        if number >= first:
            self._check_tail(number)
            return self._tail[number - first]
        entries, sealed = self._load(number // WIDTH)
        slot = number % WIDTH
        if leaf_hash(entries[slot]) != sealed[slot * HASH_BYTES : (slot + 1) * HASH_BYTES]:
            raise _changed(number)
        return entries[slot]

    def bundle(self, number: int) -> list[bytes]:
        """The entries of a full bundle, or of the last, partial one. Raises `Damaged` where one was changed."""
        if number == self.size // WIDTH:
            self._check_tail(number * WIDTH)
            return list(self._tail)
        entries, sealed = self._load(number)
        hashes = leaf_hashes(entries)
        if b"".join(hashes) != sealed:
            other = (slot for slot, hash_ in enumerate(split_hashes(sealed, WIDTH)) if hashes[slot] != hash_)
            raise _changed(number * WIDTH + next(other))
        return entries

    def _load(self, number: int) -> tuple[list[bytes], bytes]:
        """A full bundle's entries as they are stored, and the hashes that its tile has of them."""
        cached = self._bundles.get(number)
        if cached is not None:
            self._bundles.move_to_end(number)
            return cached
        row = self._database.row("SELECT entries FROM bundle WHERE number = ?", (number,))
        if row is None:
            first = number * WIDTH
            raise Damaged(f"the entries {first} to {first + WIDTH - 1} are missing; run counterfoil audit")
        entries = self._expand(number, row[0])
        found = self._bundles[number] = entries, self._full_tile(0, number)
        if len(self._bundles) > CACHED_BUNDLES:
            self._bundles.popitem(last=False)
        return found

    def _check_tail(self, number: int) -> None:
        if self.suspect:
            raise _changed(number)

    def tile(self, level: int, index: int, width: int = WIDTH) -> bytes:
        """The hashes of a tile, full or partial, one after another."""
        if index == len(self) // WIDTH ** (level + 1):
            return b"".join(self._edge[level][:width]) if level < len(self._edge) else b""
        return self._full_tile(level, index)[: width * HASH_BYTES]

    def reader(self, size: int | None = None) -> TileReader:
        """The tree's nodes at `size` (now, where left out), for proofs."""
        return self._tiles.at(self.size if size is None else size)

    def __len__(self) -> int:
        return self.size

    def _write_bundle(self, number: int) -> None:
        stored = self._compress(encode_bundle(self._tail))
        self._database.execute(
            "INSERT INTO bundle (number, form, entries, checksum) VALUES (?, ?, ?, ?)",
            (number, FORM, stored, bundle_checksum(number, FORM, stored)),
        )
        self._database.execute("DELETE FROM tail WHERE first < ?", ((number + 1) * WIDTH,))
        self._tail.clear()
        level, index = 0, number
        while len(self._edge[level]) == WIDTH:
            hashes = self._edge[level]
            self._database.execute(
                "INSERT INTO tile (place, hashes) VALUES (?, ?)",
                (level << LEVEL_SHIFT | index, b"".join(hashes)),
            )
            if level + 1 == len(self._edge):
                self._edge.append([])
                self._ranges.append(CompactRange())
            above = self._ranges[level].root()
            self._edge[level + 1].append(above)
            self._ranges[level + 1].append(above)
            self._ranges[level] = CompactRange()
            hashes.clear()
            level, index = level + 1, index // WIDTH

    def _expand(self, number: int, stored: bytes) -> list[bytes]:
        try:
            if zstandard.get_frame_parameters(stored).content_size > MAX_BUNDLE_BYTES:
                raise Malformed("it says that it is larger than any bundle")
            return decode_bundle(self._decompressor.decompress(stored), WIDTH)
        except (zstandard.ZstdError, Malformed) as error:
            raise Damaged(f"bundle {number} cannot be read ({error}); run counterfoil audit") from None

    def _read_tail(self) -> list[bytes]:
        tail: list[bytes] = []
        first = self.size - self.size % WIDTH
        rows = list(self._database.query("SELECT first, entries FROM tail ORDER BY first"))
        ends = [*(row[0] for row in rows[1:]), self.size][: len(rows)]
        for (start, entries), end in zip(rows, ends, strict=True):
            if start != first + len(tail) or not 0 < end - start < WIDTH:
                raise Damaged(f"the entries from {first + len(tail)} on are missing; run counterfoil audit")
            try:
                tail += decode_bundle(entries, end - start)
            except Malformed as error:
                raise Damaged(
                    f"the entries from {start} on cannot be read ({error}); run counterfoil audit"
                ) from None
        if first + len(tail) != self.size:
            raise Damaged(f"the entries from {first + len(tail)} on are missing; run counterfoil audit")
        return tail

    def _read_edge(self) -> list[list[bytes]]:
        """The hashes of each level's partial tile: those of level 0 from the tail, the others from the tiles below."""
        edge = [leaf_hashes(self._tail)]
        width = WIDTH
        while self.size >= width:
            count, level = self.size // width, len(edge) - 1
            tiles = (self._full_tile(level, index) for index in range(count - count % WIDTH, count))
            edge.append([root(split_hashes(tile, WIDTH)) for tile in tiles])
            width *= WIDTH
        return edge

    def _full_tile(self, level: int, index: int) -> bytes:
        row = self._database.row("SELECT hashes FROM tile WHERE place = ?", (level << LEVEL_SHIFT | index,))
        if row is None or len(row[0]) != WIDTH * HASH_BYTES:
            raise Damaged(f"tile {index} of level {level} is missing or cut; run counterfoil audit")
        return bytes(row[0])


def _range_of(hashes: Sequence[bytes]) -> CompactRange:
    edge = CompactRange()
    edge.extend(hashes)
    return edge


def _changed(number: int) -> Damaged:
    return Damaged(
        f"entry {number} is not what was sealed, so it is not shown; run counterfoil audit, then counterfoil repair"
    )
