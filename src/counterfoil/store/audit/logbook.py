"""The log as it is stored: its entries by number, and which of them are not what was sealed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec
import zstandard

from counterfoil.errors import Malformed
from counterfoil.proof.entry import Entry
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.tiles import decode_bundle
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.log import MAX_BUNDLE_BYTES, WIDTH

CACHED_BUNDLES: Final = 64
Bundle = Sequence[bytes | None]
"""The bytes of entries in their order; None for one that cannot be read, or is not what was sealed."""

decode = msgspec.json.Decoder(Entry).decode
"""Reads an entry's bytes without asking whether they are canonical; who uses it compares them with others later."""
NOT_AN_ENTRY: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `decode` raises."""


class Logbook:
    """The log as it is stored: so many full bundles, and the tail after them.

    `damaged` has the numbers of the entries that are not to be used, each with the leaf hash that it must have had, as
    far as anything tells it.
    """

    def __init__(self, stored: Stored):
        self._stored = stored
        self._decompressor = zstandard.ZstdDecompressor()
        self._cache: OrderedDict[int, Bundle] = OrderedDict()
        self.bundles = 0
        self.tail: Bundle = ()
        self.tail_rows: list[int] = []
        """The first entry of each row that the tail is stored in."""
        self.damaged: dict[int, bytes | None] = {}
        self.sealed = False
        """Whether the latest checkpoint's root confirms every entry that is not in `damaged`."""

    @property
    def size(self) -> int:
        """How many entries are stored."""
        return self.bundles * WIDTH + len(self.tail)

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
        if not 0 <= number < self.size:
            return None
        for at, later in ((number, 0), (self._prior(number), 1)):
            entry = None if at is None else self._as_stored(at)
            if entry is not None:
                return msgspec.structs.replace(entry, number=number, version=entry.version + later)
        return None

    def expand(self, row: Row | None) -> tuple[list[bytes], str]:
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
        return self.tail if number == self.bundles else self.expand(self._stored.row("bundle", number))[0]

    def _as_stored(self, number: int) -> Entry | None:
        entries, slot = self._stored_bundle(number // WIDTH), number % WIDTH
        data = entries[slot] if slot < len(entries) else None
        try:
            return None if data is None else decode(data)
        except NOT_AN_ENTRY:
            return None

    def _prior(self, number: int) -> int | None:
        row = self._stored.row("prior", number)
        return row[1] if row is not None and 0 <= row[1] < number else None
