"""The stored log, surveyed before it is replayed: bundles, tail and tiles as they must be, and which entries are not.

Every full bundle's leaf hashes are stored a second time, in a tile. Where the two differ, the signed root tells which
of them is the changed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import zstandard

from counterfoil.errors import Malformed
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.merkle import CompactRange, leaf_hashes, root
from counterfoil.proof.tiles import decode_bundle, encode_bundle
from counterfoil.store.audit.finding import Findings, Progress
from counterfoil.store.database import Database
from counterfoil.store.log import FORM, LEVEL_SHIFT, MAX_BUNDLE_BYTES, WIDTH

HASH: Final = 32
Bundle = list[bytes | None]


class Logbook:
    """The log as it is stored. After `survey`, `damaged` has the leaf hash that each damaged entry must have."""

    def __init__(self, database: Database, findings: Findings):
        self._database = database
        self._findings = findings
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompressor = zstandard.ZstdDecompressor()
        self._doubtful: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._tail: Bundle = []
        self.bundles = 0
        self.damaged: dict[int, bytes | None] = {}

    @property
    def size(self) -> int:
        """How many entries are stored."""
        return self.bundles * WIDTH + len(self._tail)

    def survey(self, signed_root: bytes | None, progress: Progress) -> None:
        """Read everything once and compare; `signed_root` is what the latest checkpoint says of the whole log."""
        roots: list[bytes] = []
        last = self._database.row("SELECT max(number) FROM bundle")
        count = last[0] + 1 if last and isinstance(last[0], int) else 0
        for number in range(count):
            roots.append(self._survey_bundle(number))
            progress(number * WIDTH, count * WIDTH)
        self.bundles = count
        self._tail = self._read_tail()
        self._settle_doubts(roots, signed_root)
        self._compare_tiles(roots)

    def entries(self) -> Iterator[bytes | None]:
        """Every entry's bytes in order; None for one that cannot be read."""
        for number in range(self.bundles):
            yield from self._read(number)[0]
        yield from self._tail

    def bundle(self, number: int) -> Bundle:
        """The entries of one full bundle, or of the tail."""
        return self._read(number)[0] if number < self.bundles else self._tail

    def describe(self, number: int) -> Entry | None:
        """An entry as it is stored, if it can be read, to name it in a finding."""
        data = self.bundle(number // WIDTH)[number % WIDTH]
        try:
            return decode_entry(data) if data is not None else None
        except Malformed:
            return None

    def _survey_bundle(self, number: int) -> bytes:
        entries, form, stored, error = self._read(number)
        where = f"bundle {number}"
        if error:
            self._findings.add(error, where, number=number * WIDTH)
        elif form == FORM:
            if self._compress(encode_bundle([each or b"" for each in entries])) != stored:
                self._findings.add("its entries can be read, but its bytes are not as they were stored", where)
        elif isinstance(form, str) and form.startswith("zstd ") and form.endswith(" level 1"):
            note = "the stored form of some bundles, which another version of zstd compressed; their entries were checked"
            if note not in self._findings.unchecked:
                self._findings.unchecked.append(note)
        else:
            self._findings.add("its form is not one that this program writes", where)
        hashes = leaf_hashes([each or b"" for each in entries])
        tile = self._tile(0, number)
        if tile is None:
            self._findings.add("a tile of 256 hashes is missing or cut", f"tile {number} of level 0")
        elif tile != hashes:
            self._doubtful[number] = (tile, hashes)
        return root(hashes)

    def _settle_doubts(self, roots: list[bytes], signed_root: bytes | None) -> None:
        """Decide, for bundles that differ from their tiles, which of the two the signed root confirms."""
        by_tiles = list(roots)
        for number, (tile, _) in self._doubtful.items():
            by_tiles[number] = root(tile)
        entries_hold = self._root(roots) == signed_root
        for number, (tile, hashes) in self._doubtful.items():
            if entries_hold:
                self._findings.add("its hashes are not those of the entries", f"tile {number} of level 0")
                continue
            roots[number] = by_tiles[number]
            for slot, (expected, found) in enumerate(zip(tile, hashes, strict=True)):
                if expected != found:
                    self._damage(number * WIDTH + slot, expected)

    def _damage(self, number: int, leaf: bytes) -> None:
        self.damaged[number] = leaf
        entry = self.describe(number)
        what = "its bytes are not those that were sealed"
        self._findings.add(what, f"entry {number}", entry, number=number)

    def _root(self, roots: list[bytes]) -> bytes:
        above, tail = CompactRange(), CompactRange()
        above.extend(roots)
        tail.extend(leaf_hashes([each or b"" for each in self._tail]))
        return CompactRange(self.size, (*above.hashes, *tail.hashes)).root()

    def _compare_tiles(self, roots: list[bytes]) -> None:
        level, hashes, expected = 1, roots, {number for number in range(self.bundles)}
        while hashes:
            for index in range(len(hashes) // WIDTH):
                expected.add(level << LEVEL_SHIFT | index)
                if self._tile(level, index) != hashes[index * WIDTH : (index + 1) * WIDTH]:
                    self._findings.add("its hashes are not those of the tiles below it", f"tile {index} of level {level}")
            hashes = [root(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
            level += 1
        for (place,) in self._database.query("SELECT place FROM tile"):
            if place not in expected:
                self._findings.add("a tile is stored that the log does not have", f"tile row {place}")

    def _tile(self, level: int, index: int) -> list[bytes] | None:
        row = self._database.row("SELECT hashes FROM tile WHERE place = ?", (level << LEVEL_SHIFT | index,))
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != WIDTH * HASH:
            return None
        return [row[0][at : at + HASH] for at in range(0, WIDTH * HASH, HASH)]

    def _read(self, number: int) -> tuple[Bundle, Any, Any, str]:
        row = self._database.row("SELECT form, entries FROM bundle WHERE number = ?", (number,))
        if row is None:
            return [None] * WIDTH, None, None, "its 256 entries are missing"
        try:
            data = self._decompressor.decompress(row[1], max_output_size=MAX_BUNDLE_BYTES)
            return list(decode_bundle(data, WIDTH)), row[0], row[1], ""
        except (zstandard.ZstdError, Malformed, TypeError) as error:
            return [None] * WIDTH, row[0], row[1], f"its 256 entries cannot be read ({error})"

    def _read_tail(self) -> Bundle:
        tail: Bundle = []
        start = self.bundles * WIDTH
        for first, stored in self._database.query("SELECT first, entries FROM tail ORDER BY first"):
            where = f"tail {first}"
            if first != start + len(tail):
                self._findings.add(f"the entries from {start + len(tail)} on are missing or stored twice", where)
                break
            try:
                tail += decode_bundle(stored, _count(stored))
            except (Malformed, TypeError) as error:
                self._findings.add(f"its entries cannot be read ({error}); what follows was not checked", where)
                break
        if len(tail) >= WIDTH:
            self._findings.add("it holds as many entries as a full bundle, or more", "tail", number=start)
        return tail


def _count(bundle: bytes) -> int:
    """How many entries a bundle of unknown length holds."""
    count = at = 0
    while at < len(bundle):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
        count += 1
    return count
