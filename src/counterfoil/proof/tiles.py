"""C2SP tlog-tiles: the paths and bytes of a log's tiles and entry bundles, and tree nodes from tiles.

A tile holds up to 256 hashes of 32 bytes. Level 0 holds leaf hashes; each hash at level l + 1 is the root of
one full tile at level l. An entry bundle holds the entries under one level 0 tile. The last tile of a level
may be partial, with a width of 1 to 255; there are no empty ones.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import lru_cache
from typing import Final

from msgspec import Struct

from counterfoil.errors import Malformed, NotFound
from counterfoil.proof.merkle import HASH_BYTES, MAX_SIZE, parents

TILE_HEIGHT: Final = 8
"""A full tile is a complete subtree of this many levels."""
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_LEVEL: Final = 63
MAX_INDEX: Final = MAX_SIZE >> TILE_HEIGHT
MAX_ENTRY_BYTES: Final = 65_535

_PATH: Final = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?")
_LENGTH: Final = struct.Struct(">H").pack


class Tile(Struct, frozen=True):
    """One tile: its level, its index in the level, and how many hashes it holds."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it stands; see `tile_path`."""
        return tile_path(self.level, self.index, self.width)


class Bundle(Struct, frozen=True):
    """One entry bundle: its index, and how many entries it holds."""

    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it stands; see `bundle_path`."""
        return bundle_path(self.index, self.width)


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile, as `tile/0/x001/x234/067.p/112`. Raises `Malformed` where there is no such tile."""
    if not 0 <= level <= MAX_LEVEL:
        raise Malformed(f"{level} is not the level of a tile; levels go from 0 to {MAX_LEVEL}")
    return f"tile/{level}/{_place(index, width)}"


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle, as `tile/entries/273.p/112`. Raises `Malformed` like `tile_path`."""
    return f"tile/entries/{_place(index, width)}"


def parse_path(path: str) -> Tile | Bundle:
    """The tile or entry bundle that stands at `path`: the inverse of `tile_path` and `bundle_path`.

    Raises `Malformed` for every other way to write it: leading zeros, a surplus group, a width of 0 or 256.
    """
    match = _PATH.fullmatch(path)
    if match:
        level, digits, width = match.groups()
        place = int(digits.replace("x", "").replace("/", "")), int(width or TILE_WIDTH)
        found = Bundle(*place) if level == "entries" else Tile(int(level), *place)
        if found.path == path:
            return found
    raise Malformed(
        f"{path[:80]!r} is no path of a tile; write it as tile/0/x001/067 or tile/entries/000.p/17"
    )


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a log of `size` entries, with the partial ones: level by level, from left to right."""
    _check_size(size)
    level = 0
    while size:
        yield from (Tile(level, *place) for place in _places(size))
        size >>= TILE_HEIGHT
        level += 1


def bundles_of(size: int) -> Iterator[Bundle]:
    """Every entry bundle of a log of `size` entries, with a partial one at the end, from left to right."""
    _check_size(size)
    return (Bundle(*place) for place in _places(size))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle: for each entry its length as 16 bits, big-endian, and the entry.

    Raises `Malformed` for an entry over 65,535 bytes.
    """
    parts = [b""] * (2 * len(entries))
    try:
        # Hot: slice assignment interleaves lengths and entries without a step of Python for each.
        parts[::2] = map(_LENGTH, map(len, entries))
    except struct.error:
        number = next(number for number, entry in enumerate(entries) if len(entry) > MAX_ENTRY_BYTES)
        raise Malformed(
            f"entry {number} of the bundle is over {MAX_ENTRY_BYTES} bytes; keep it apart, by its hash"
        ) from None
    parts[1::2] = entries
    return b"".join(parts)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """The `count` entries of an entry bundle, which must hold just these.

    Raises `Malformed`, naming the entry (from 0), where one is missing or cut off or bytes follow the last.
    """
    entries: list[bytes] = []
    end = 0
    try:
        # Hot: nothing is checked in here. A slice past the end comes out short, and the last `end` tells.
        for _ in range(count):
            start = end + 2
            end = start + (data[end] << 8 | data[end + 1])
            entries.append(data[start:end])
    except IndexError:
        end = -1
    if end != len(data):
        raise Malformed(_fault(data, count))
    return entries


def split_hashes(data: bytes, width: int) -> list[bytes]:
    """The `width` hashes of a tile. Raises `Malformed` where the tile's bytes are not just these."""
    if len(data) != width * HASH_BYTES:
        raise Malformed(f"a tile of width {width} has {len(data)} bytes; it must have {width * HASH_BYTES}")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


class TileReader:
    """The tree nodes of a log of `size` entries, from its tiles.

    `read(level, index, width)` gives a tile's bytes. The last `capacity` tiles read are kept with their inner
    hashes, each 40 kB at most: the first node in a tile costs all of its hashes, the others next to nothing.
    """

    def __init__(self, read: Callable[[int, int, int], bytes], size: int, *, capacity: int = 128) -> None:
        _check_size(size)
        self.size = size

        def rows(level: int, index: int, width: int) -> list[list[bytes]]:
            found = [split_hashes(read(level, index, width), width)]
            while len(found[-1]) > 1:
                found.append(parents(found[-1]))
            return found

        self._rows = lru_cache(capacity)(rows)

    def at(self, size: int) -> TileReader:
        """A reader of the same log at another size. The two share the tiles they keep, which never change."""
        _check_size(size)
        other = copy(self)
        other.size = size
        return other

    def node(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree over the 2**level leaves from index * 2**level.

        Raises `NotFound` where the log has no such subtree, `Malformed` where a tile has the wrong length.
        """
        if not 0 <= level <= MAX_LEVEL or index < 0 or (index + 1) << level > self.size:
            raise NotFound(f"a log of {self.size} has no complete subtree {index} at level {level}")
        tile_level, row = divmod(level, TILE_HEIGHT)
        first = index << row
        tile = first >> TILE_HEIGHT
        width = min(TILE_WIDTH, (self.size >> TILE_HEIGHT * tile_level) - (tile << TILE_HEIGHT))
        return self._rows(tile_level, tile, width)[row][(first & TILE_WIDTH - 1) >> row]


def _place(index: int, width: int) -> str:
    """`<N>[.p/<W>]`: the index in groups of 3 digits, all but the last with an `x`, and a partial width."""
    if not 0 <= index <= MAX_INDEX or not 1 <= width <= TILE_WIDTH:
        raise Malformed(
            f"there is no tile {index} of width {width}; indices end at 2^55, widths are 1 to 256"
        )
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    place = "/".join(reversed(groups))
    return place if width == TILE_WIDTH else f"{place}.p/{width}"


def _places(count: int) -> Iterator[tuple[int, int]]:
    """Index and width of each tile over `count` hashes or entries."""
    full, rest = divmod(count, TILE_WIDTH)
    yield from ((index, TILE_WIDTH) for index in range(full))
    if rest:
        yield full, rest


def _fault(data: bytes, count: int) -> str:
    """Why the bytes of an entry bundle are not `count` entries."""
    end = 0
    for number in range(count):
        if end + 2 > len(data):
            return f"entry {number} of the bundle of {count} is missing; the bytes end before it"
        start = end + 2
        end = start + int.from_bytes(data[end:start], "big")
        if end > len(data):
            return f"entry {number} of the bundle of {count} is cut off after {len(data) - start} bytes"
    return f"the bundle of {count} entries has {len(data) - end} surplus bytes at its end"


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise Malformed(f"{size} is not the size of a log; it must be from 0 to 2^63")
