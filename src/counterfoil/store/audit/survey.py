"""The survey of the stored log, before it is replayed: bundles, tail and tiles as they must be.

Every full bundle's leaf hashes are stored a second time, in a tile. Where the two differ, the signed root tells which
of them was changed. The tail has no tile yet; what else is told of its entries' hashes is used in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import zstandard

from counterfoil.errors import Malformed
from counterfoil.proof.merkle import CompactRange, leaf_hashes, root
from counterfoil.proof.tiles import decode_bundle, encode_bundle, split_hashes
from counterfoil.store.audit.finding import Findings, Progress
from counterfoil.store.audit.leaves import told_otherwise
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.checksum import bundle_checksum
from counterfoil.store.log import FORM, LEVEL_SHIFT, WIDTH

CHANGED: Final = "its bytes are not those that were sealed"
MANY: Final = 8
"""How many changed entries of one bundle are named one by one."""


class LogHead(NamedTuple):
    """What the latest checkpoint states, whoever signed it: size and root, as far as they can be relied on."""

    size: int | None = None
    root: bytes | None = None


class Survey:
    """Reads the whole log once, and puts together the logbook that the replay goes by."""

    def __init__(self, stored: Stored, findings: Findings):
        self._stored = stored
        self._findings = findings
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._doubtful: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._book = Logbook(stored)

    def run(self, head: LogHead, progress: Progress) -> Logbook:
        """Compare everything with everything, and with the log that the latest checkpoint speaks of."""
        book, places = self._book, self._stored.keys("tile")
        book.bundles = self._count_bundles(sum(place < 1 << LEVEL_SHIFT for place in places), head.size)
        roots: list[bytes] = []
        for number in range(book.bundles):
            progress(number * WIDTH, book.bundles * WIDTH)
            roots.append(self._survey_bundle(number))
        book.tail = self._read_tail(head.size)
        self._settle_doubts(roots, head.root)
        expected = self._compare_tiles(roots)
        for place in places:
            if place not in expected:
                self._findings.add("a tile is stored that the log does not have", f"tile row {place}")
        return book

    def _count_bundles(self, tiles: int, size: int | None) -> int:
        """How many full bundles the log has: some may be missing, some too many. What most say is taken."""
        numbers = self._stored.keys("bundle")
        most = max(len(numbers), tiles)
        votes = [max((number + 1 for number in numbers if number < most), default=0), tiles]
        votes += [first // WIDTH for first in self._stored.keys("tail")[:1]]
        votes += [] if size is None else [size // WIDTH]
        count = Counter(vote for vote in votes if 0 <= vote <= most).most_common(1)[0][0]
        for number in numbers:
            if not 0 <= number < count:
                self._findings.add("a bundle is stored that the log does not have", f"bundle {number}")
        return count

    def _survey_bundle(self, number: int) -> bytes:
        where, first = f"bundle {number}", number * WIDTH
        row = self._stored.row("bundle", number)
        entries, error = self._book.expand(row)
        if error:
            if not self._stored.is_named("bundle", number):
                self._findings.add(error, where, number=first)
        elif row is not None:
            self._check_form(where, row, entries)
        tile = self._tile(0, number)
        if not entries:
            leaves: Sequence[bytes | None] = tile or [None] * WIDTH
            self._book.damaged.update(zip(range(first, first + WIDTH), leaves, strict=True))
            return root(tile or leaf_hashes([b""] * WIDTH))
        hashes = leaf_hashes(entries)
        if tile is not None and tile != hashes:
            self._doubtful[number] = (tile, hashes)
        return root(hashes)

    def _check_form(self, where: str, row: Row, entries: list[bytes]) -> None:
        number, form, stored, sum_ = row
        if sum_ != bundle_checksum(number, form, stored):
            what = "its form, its bytes or the checksum over them are not those that were stored"
            self._findings.add(what, where, number=number * WIDTH)
        elif form == FORM:
            if self._compress(encode_bundle(entries)) != stored:
                what = "its entries can be read, but its bytes are not as they were stored"
                self._findings.add(what, where, number=number * WIDTH)
        else:
            self._findings.leave(
                "the compressed bytes of some bundles, which another version of zstd made: "
                "their checksums and their entries were checked"
            )

    def _settle_doubts(self, roots: list[bytes], signed_root: bytes | None) -> None:
        """Decide, for entries that differ from what is told of them elsewhere, which the signed root confirms."""
        by_tiles = list(roots)
        for number, (tile, _) in self._doubtful.items():
            by_tiles[number] = root(tile)
        self._book.sealed, tiles_right, told = self._find_sealed(roots, by_tiles, signed_root)
        if self._book.sealed and not tiles_right:
            for number in self._doubtful:
                self._findings.add("its hashes are not those of the entries", f"tile {number} of level 0")
        else:
            self._name_doubtful(roots, by_tiles, sealed=tiles_right)
        for number, leaf in sorted(told.items()):
            self._findings.add(CHANGED, f"entry {number}", self._book.describe(number), number=number)
            self._book.damaged[number] = leaf

    def _find_sealed(
        self, roots: list[bytes], by_tiles: list[bytes], signed_root: bytes | None
    ) -> tuple[bool, bool, dict[int, bytes]]:
        """Whether what is stored gives the signed root, whether with the tiles, and with which hashes for the tail."""
        if self._root(roots, {}) == signed_root:
            return True, False, {}
        if signed_root is not None:
            told = told_otherwise(self._stored, self._book)
            for bundles, tail in ((by_tiles, {}), (roots, told), (by_tiles, told)):
                if self._root(bundles, tail) == signed_root:
                    return True, bundles is by_tiles, tail
        return False, False, {}

    def _name_doubtful(self, roots: list[bytes], by_tiles: list[bytes], *, sealed: bool) -> None:
        for number, (tile, hashes) in self._doubtful.items():
            changed = [slot for slot in range(WIDTH) if tile[slot] != hashes[slot]]
            self._name_changed(number, changed, sealed=sealed)
            if sealed:
                roots[number] = by_tiles[number]
                self._book.damaged.update((number * WIDTH + slot, tile[slot]) for slot in changed)

    def _name_changed(self, bundle: int, slots: Sequence[int], *, sealed: bool) -> None:
        what = CHANGED
        if not sealed:
            what = "its bytes and the hash stored of them differ, and no signed root tells which was changed"
        if len(slots) > MANY:
            self._findings.add(
                f"{len(slots)} of its entries: {what}", f"bundle {bundle}", number=bundle * WIDTH
            )
            return
        for number in (bundle * WIDTH + slot for slot in slots):
            self._findings.add(what, f"entry {number}", self._book.describe(number), number=number)

    def _root(self, roots: list[bytes], told: Mapping[int, bytes]) -> bytes:
        """The log's root, with other hashes than their own for the entries of the tail in `told`."""
        above, tail, start = CompactRange(), CompactRange(), self._book.bundles * WIDTH
        above.extend(roots)
        hashes = leaf_hashes(each or b"" for each in self._book.tail)
        tail.extend(told.get(number, leaf) for number, leaf in enumerate(hashes, start))
        return CompactRange(self._book.size, (*above.hashes, *tail.hashes)).root()

    def _compare_tiles(self, roots: list[bytes]) -> set[int]:
        """Compare the tiles above level 0; returns the places of all that there must be."""
        level, hashes, expected = 1, roots, set(range(self._book.bundles))
        while hashes:
            for index in range(len(hashes) // WIDTH):
                expected.add(level << LEVEL_SHIFT | index)
                tile = self._tile(level, index)
                if tile is not None and tile != hashes[index * WIDTH : (index + 1) * WIDTH]:
                    where = f"tile {index} of level {level}"
                    self._findings.add("its hashes are not those of the tiles below it", where)
            hashes = [root(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
            level += 1
        return expected

    def _tile(self, level: int, index: int) -> list[bytes] | None:
        place = level << LEVEL_SHIFT | index
        row = self._stored.row("tile", place)
        try:
            return None if row is None else split_hashes(row[1], WIDTH)
        except Malformed:
            row = None
        finally:
            if row is None and not self._stored.is_named("tile", place):
                where = f"tile {index} of level {level}"
                self._findings.add("its 256 hashes are missing or cut", where)
        return None

    def _read_tail(self, size: int | None) -> list[bytes | None]:
        """The entries after the last full bundle, up to `size` where it is known."""
        start = self._book.bundles * WIDTH
        tail: list[bytes | None] = []
        for first, stored in self._stored.rows("tail"):
            where = f"tail row {first}"
            if not stored or not start + len(tail) <= first < start + WIDTH:
                self._findings.add("it holds entries that stand elsewhere, or none", where, number=first)
                continue
            self._miss(tail, first - start)
            self._book.tail_rows.append(first)
            try:
                tail += decode_bundle(stored, _count(stored))
            except Malformed as error:
                self._findings.add(f"its entries cannot be read: {error}", where, number=first)
                tail.append(None)
        if size is not None and start <= size < start + WIDTH:
            self._miss(tail, size - start)
            for number in range(size, start + len(tail)):
                self._findings.add("it stands beyond the end of the log", f"entry {number}", number=number)
            del tail[size - start :]
        elif len(tail) >= WIDTH:
            self._findings.add("it holds as many entries as a full bundle, or more", "tail", number=start)
            del tail[WIDTH - 1 :]
        self._book.damaged.update((start + slot, None) for slot, entry in enumerate(tail) if entry is None)
        return tail

    def _miss(self, tail: list[bytes | None], count: int) -> None:
        """Make up for entries that must be there before the next ones, and are not."""
        missing = count - len(tail)
        if missing <= 0:
            return
        if not tail or tail[-1] is not None:  # else a row that cannot be read, which is named, held them
            first = self._book.bundles * WIDTH + len(tail)
            what = f"the entries {first} to {first + missing - 1} are missing"
            if not (self._stored.ill["tail"] or "tail" in self._stored.broken):
                self._findings.add(what, "tail", number=first)
        tail += [None] * missing


def _count(bundle: bytes) -> int:
    """How many entries a bundle of unknown length holds."""
    count = at = 0
    while at < len(bundle):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
        count += 1
    return count
