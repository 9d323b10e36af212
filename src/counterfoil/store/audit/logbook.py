"""The stored log, surveyed before it is replayed: bundles, tail and tiles as they must be, and which entries are not.

Every full bundle's leaf hashes are stored a second time, in a tile. Where the two differ, the signed root tells which
of them was changed.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import zstandard

from counterfoil.errors import Malformed
from counterfoil.proof.entry import Entry
from counterfoil.proof.merkle import CompactRange, leaf_hash, leaf_hashes, root
from counterfoil.proof.tiles import decode_bundle, encode_bundle, split_hashes
from counterfoil.store.audit.finding import Findings, Progress
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.checksum import bundle_checksum
from counterfoil.store.log import FORM, LEVEL_SHIFT, MAX_BUNDLE_BYTES, WIDTH

CACHED_BUNDLES: Final = 64
MANY: Final = 8
"""How many changed entries of one bundle are named one by one."""
Bundle = Sequence[bytes | None]
"""The bytes of entries in their order; None for one that cannot be read, or is not what was sealed."""

decode = msgspec.json.Decoder(Entry).decode
"""Reads an entry's bytes without asking whether they are canonical; who uses it compares them with others later."""


class LogHead(NamedTuple):
    """What the latest checkpoint states, whoever signed it: size and root, as far as they can be relied on."""

    size: int | None = None
    root: bytes | None = None


class Logbook:
    """The log as it is stored. After `survey`, `damaged` has the leaf hash that each unusable entry must have had."""

    def __init__(self, stored: Stored, findings: Findings):
        self._stored = stored
        self._findings = findings
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompressor = zstandard.ZstdDecompressor()
        self._cache: OrderedDict[int, Bundle] = OrderedDict()
        self._doubtful: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._tail: list[bytes | None] = []
        self.bundles = 0
        self.damaged: dict[int, bytes | None] = {}

    @property
    def size(self) -> int:
        """How many entries are stored."""
        return self.bundles * WIDTH + len(self._tail)

    def survey(self, head: LogHead, progress: Progress) -> None:
        """Read everything once and compare it, and with the log that the latest checkpoint speaks of."""
        places = self._stored.keys("tile")
        self.bundles = self._count_bundles(sum(place < 1 << LEVEL_SHIFT for place in places), head.size)
        roots: list[bytes] = []
        for number in range(self.bundles):
            progress(number * WIDTH, self.bundles * WIDTH)
            roots.append(self._survey_bundle(number))
        self._tail = self._read_tail(head.size)
        self._settle_doubts(roots, head.root)
        expected = self._compare_tiles(roots)
        for place in places:
            if place not in expected:
                self._findings.add("a tile is stored that the log does not have", f"tile row {place}")

    def bundle(self, number: int) -> Bundle:
        """The entries of one full bundle, or of the tail, that are what was sealed."""
        cached = self._cache.get(number)
        if cached is not None:
            self._cache.move_to_end(number)
            return cached
        entries = self._usable(number)
        self._cache[number] = entries
        if len(self._cache) > CACHED_BUNDLES:
            self._cache.popitem(last=False)
        return entries

    def discard(self, number: int) -> None:
        """Use an entry no more that turned out not to be one; its leaf hash stands in the log all the same."""
        data = self.bundle(number // WIDTH)[number % WIDTH]
        self.damaged[number] = None if data is None else leaf_hash(data)
        self._cache.pop(number // WIDTH, None)

    def describe(self, number: int) -> Entry | None:
        """An entry as it is stored, so that a finding can name it, be it damaged or not.

        Where it cannot be read, the entry before it of the same record tells the name.
        """
        for at, later in ((number, 0), (self._prior(number), 1)):
            entry = None if at is None else self._as_stored(at)
            if entry is not None:
                return msgspec.structs.replace(entry, number=number, version=entry.version + later)
        return None

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
        entries, error = self._expand(row)
        if error:
            if number not in self._stored.ill["bundle"]:
                self._findings.add(error, where, number=first)
        elif row is not None:
            self._check_form(where, row, entries)
        tile = self._tile(0, number)
        if not entries:
            leaves: Sequence[bytes | None] = tile or [None] * WIDTH
            self.damaged.update(zip(range(first, first + WIDTH), leaves, strict=True))
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
        """Decide, for bundles that differ from their tiles, which of the two the signed root confirms."""
        by_tiles = list(roots)
        for number, (tile, _) in self._doubtful.items():
            by_tiles[number] = root(tile)
        if self._root(roots) == signed_root:
            for number in self._doubtful:
                self._findings.add("its hashes are not those of the entries", f"tile {number} of level 0")
            return
        sealed = self._root(by_tiles) == signed_root
        for number, (tile, hashes) in self._doubtful.items():
            changed = [slot for slot in range(WIDTH) if tile[slot] != hashes[slot]]
            self._name_changed(number, changed, sealed=sealed)
            if sealed:
                roots[number] = by_tiles[number]
                self.damaged.update((number * WIDTH + slot, tile[slot]) for slot in changed)

    def _name_changed(self, bundle: int, slots: Sequence[int], *, sealed: bool) -> None:
        what = "its bytes are not those that were sealed"
        if not sealed:
            what = "its bytes and the hash stored of them differ, and no signed root tells which was changed"
        if len(slots) > MANY:
            self._findings.add(
                f"{len(slots)} of its entries: {what}", f"bundle {bundle}", number=bundle * WIDTH
            )
            return
        for number in (bundle * WIDTH + slot for slot in slots):
            self._findings.add(what, f"entry {number}", self.describe(number), number=number)

    def _root(self, roots: list[bytes]) -> bytes:
        above, tail = CompactRange(), CompactRange()
        above.extend(roots)
        tail.extend(leaf_hashes(each or b"" for each in self._tail))
        return CompactRange(self.size, (*above.hashes, *tail.hashes)).root()

    def _compare_tiles(self, roots: list[bytes]) -> set[int]:
        """Compare the tiles above level 0; returns the places of all that there must be."""
        level, hashes, expected = 1, roots, set(range(self.bundles))
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
            if row is None and place not in self._stored.ill["tile"]:
                where = f"tile {index} of level {level}"
                self._findings.add("its 256 hashes are missing or cut", where)
        return None

    def _expand(self, row: Row | None) -> tuple[list[bytes], str]:
        """The entries of a bundle's row; none, and why not, where they cannot be read."""
        if row is None:
            return [], "its 256 entries are missing"
        try:
            if zstandard.get_frame_parameters(row[2]).content_size > MAX_BUNDLE_BYTES:
                raise Malformed("it says that it is larger than any bundle")
            data = self._decompressor.decompress(row[2], allow_extra_data=False)
            return decode_bundle(data, WIDTH), ""
        except (zstandard.ZstdError, Malformed) as error:
            return [], f"its 256 entries cannot be read ({error})"

    def _usable(self, number: int) -> Bundle:
        entries, first = self._stored_bundle(number), number * WIDTH
        if not entries and number < self.bundles:
            return [None] * WIDTH
        if self.damaged.keys().isdisjoint(range(first, first + WIDTH)):
            return entries
        return [None if first + slot in self.damaged else entry for slot, entry in enumerate(entries)]

    def _stored_bundle(self, number: int) -> Bundle:
        """A bundle's entries as they are stored; none where they cannot be read."""
        return self._tail if number == self.bundles else self._expand(self._stored.row("bundle", number))[0]

    def _as_stored(self, number: int) -> Entry | None:
        entries, slot = self._stored_bundle(number // WIDTH), number % WIDTH
        data = entries[slot] if slot < len(entries) else None
        try:
            return None if data is None else decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _prior(self, number: int) -> int | None:
        row = self._stored.row("prior", number)
        return row[1] if row is not None and 0 <= row[1] < number else None

    def _read_tail(self, size: int | None) -> list[bytes | None]:
        """The entries after the last full bundle, up to `size` where it is known."""
        start = self.bundles * WIDTH
        tail: list[bytes | None] = []
        for first, stored in self._stored.rows("tail"):
            where = f"tail row {first}"
            if not stored or not start + len(tail) <= first < start + WIDTH:
                self._findings.add("it holds entries that stand elsewhere, or none", where, number=first)
                continue
            self._miss(tail, first - start)
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
        self.damaged.update((start + slot, None) for slot, entry in enumerate(tail) if entry is None)
        return tail[: WIDTH - 1]

    def _miss(self, tail: list[bytes | None], count: int) -> None:
        """Make up for entries that must be there before the next ones, and are not."""
        missing = count - len(tail)
        if missing <= 0:
            return
        if not tail or tail[-1] is not None:  # else a row that cannot be read, which is named, held them
            first = self.bundles * WIDTH + len(tail)
            what = f"{missing} entries are missing, from {first} on"
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
