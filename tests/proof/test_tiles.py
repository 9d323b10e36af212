"""C2SP tlog-tiles: paths, bytes, tree nodes from tiles, and a log that Tessera wrote."""

from __future__ import annotations

import base64
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, NotFound
from counterfoil.proof.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hashes,
    parents,
    root,
    verify_consistency,
    verify_inclusion,
)
from counterfoil.proof.tiles import (
    Bundle,
    Tile,
    TileReader,
    bundle_path,
    bundles_of,
    decode_bundle,
    encode_bundle,
    parse_path,
    split_hashes,
    tile_path,
    tiles_of,
)
from tests.shared_data import shared

# ---- Paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 272), "tile/0/272"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 1234067, 112), "tile/0/x001/x234/067.p/112"),
        (Tile(63, 2**55), "tile/63/x036/x028/x797/x018/x963/968"),
        (Bundle(0, 1), "tile/entries/000.p/1"),
        (Bundle(273, 112), "tile/entries/273.p/112"),
        (Bundle(1234067), "tile/entries/x001/x234/067"),
    ],
)
def test_tiles_and_bundles_stand_at_their_paths(found: Tile | Bundle, path: str) -> None:
    assert found.path == path
    assert parse_path(path) == found


def test_a_tile_without_a_width_is_full() -> None:
    assert tile_path(3, 7) == tile_path(3, 7, 256) == "tile/3/007"
    assert bundle_path(7) == bundle_path(7, 256) == "tile/entries/007"


@given(st.integers(0, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_reading_a_path_is_the_inverse_of_writing_it(level: int, index: int, width: int) -> None:
    assert parse_path(tile_path(level, index, width)) == Tile(level, index, width)
    assert parse_path(bundle_path(index, width)) == Bundle(index, width)


LOOSE = r"tile/([0-9]{1,2}|entries)/(x?[0-9]{1,3}/){0,2}[0-9]{1,3}(\.p/[0-9]{1,3})?"


@given(st.from_regex(LOOSE, fullmatch=True))
def test_whatever_is_read_as_a_path_is_written_the_same(path: str) -> None:
    try:
        found = parse_path(path)
    except Malformed:
        return
    assert found.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile//000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/1234",
        "tile/0/001/000",
        "tile/0/x01/000",
        "tile/0/X001/000",
        "tile/0/x001/x000",
        "tile/0/x000/067",
        "tile/0/x000/x001/067",
        "tile/0/x036/x028/x797/x018/x963/969",
        "tile/0/x001/x000/x000/x000/x000/x000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000p/1",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries",
        "tile/entries/000.p/256",
        "tile/entries/x000/000",
        "tile/Entries/000",
        "checkpoint",
    ],
)
def test_every_other_way_to_write_a_path_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_path(path)


def test_a_refused_path_says_how_to_write_one_and_is_not_repeated_at_length() -> None:
    with pytest.raises(
        Malformed, match=r"^'tile/0/x000/067' is no path of a tile; write it as tile/0/x001/067"
    ):
        parse_path("tile/0/x000/067")
    with pytest.raises(Malformed) as refusal:
        parse_path("tile/0/" + "x000/" * 1000 + "000")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 256), (64, 0, 256), (0, -1, 256), (0, 2**55 + 1, 256), (0, 0, 0), (0, 0, -1), (0, 0, 257)],
)
def test_there_is_no_path_for_what_is_no_tile(level: int, index: int, width: int) -> None:
    with pytest.raises(Malformed):
        tile_path(level, index, width)


# ---- Which tiles a log has -------------------------------------------------------------------------


def test_a_log_of_70000_has_the_tiles_that_the_specification_says() -> None:
    tiles = [tile.path for tile in tiles_of(70_000)]
    assert tiles[:273] == [f"tile/0/{index:03}" for index in range(273)]
    assert tiles[273:] == ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    bundles = [bundle.path for bundle in bundles_of(70_000)]
    assert bundles == [*(f"tile/entries/{index:03}" for index in range(273)), "tile/entries/273.p/112"]


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_there_are_no_empty_tiles(size: int, paths: list[str]) -> None:
    assert [tile.path for tile in tiles_of(size)] == paths


@given(st.integers(0, 200_000))
def test_each_level_holds_one_hash_for_each_full_tile_below(size: int) -> None:
    held: Counter[int] = Counter()
    for tile in tiles_of(size):
        assert tile.index == held[tile.level] // 256
        held[tile.level] += tile.width
    assert held == {level: size >> 8 * level for level in range(3) if size >> 8 * level}
    assert [(bundle.index, bundle.width) for bundle in bundles_of(size)] == [
        (tile.index, tile.width) for tile in tiles_of(size) if tile.level == 0
    ]


def test_a_size_that_no_log_has_is_refused() -> None:
    for size in (-1, 2**63 + 1):
        for tiles in (tiles_of, bundles_of):
            with pytest.raises(Malformed, match="is not the size of a log"):
                list(tiles(size))
        with pytest.raises(Malformed, match="is not the size of a log"):
            TileReader(lambda level, index, width: b"", size)


# ---- Entry bundles and tile bytes ------------------------------------------------------------------


def test_a_bundle_is_each_entry_after_its_length() -> None:
    assert encode_bundle([]) == b""
    assert encode_bundle([b"", b"abc", b"x" * 258]) == b"\x00\x00" + b"\x00\x03abc" + b"\x01\x02" + b"x" * 258


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_reading_a_bundle_is_the_inverse_of_writing_it(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 12), st.binary(max_size=5))
def test_a_bundle_is_read_only_where_writing_gives_the_same_bytes(
    entries: list[bytes], count: int, surplus: bytes
) -> None:
    data = encode_bundle(entries) + surplus
    try:
        decoded = decode_bundle(data, count)
    except Malformed:
        assert count != len(entries) or surplus
    else:
        assert (len(decoded), encode_bundle(decoded)) == (count, data)


def test_an_entry_has_65535_bytes_at_most() -> None:
    longest = [b"", b"x" * 65_535]
    assert decode_bundle(encode_bundle(longest), 2) == longest
    with pytest.raises(Malformed, match="entry 2 of the bundle is over 65535 bytes"):
        encode_bundle([*longest, b"x" * 65_536])


@pytest.mark.parametrize(
    ("data", "count", "why"),
    [
        (b"", 1, "entry 0 of the bundle of 1 is missing"),
        (b"\x00\x01a", 2, "entry 1 of the bundle of 2 is missing"),
        (b"\x00\x01a\x00", 2, "entry 1 of the bundle of 2 is missing"),
        (b"\x00\x01a\x00\x03bc", 2, "entry 1 of the bundle of 2 is cut off after 2 bytes"),
        (b"\x00\x05a\x00\x01b", 2, "entry 0 of the bundle of 2 is cut off after 4 bytes"),
        (b"\x00\x01a\x00", 1, "the bundle of 1 entries has 1 surplus bytes at its end"),
        (b"\x00\x01a\x00\x01b", 1, "the bundle of 1 entries has 3 surplus bytes at its end"),
        (b"\x00", 0, "the bundle of 0 entries has 1 surplus bytes at its end"),
    ],
)
def test_a_bundle_with_other_entries_than_announced_names_the_entry(
    data: bytes, count: int, why: str
) -> None:
    with pytest.raises(Malformed, match=why):
        decode_bundle(data, count)


def test_a_tile_has_just_its_hashes() -> None:
    hashes = leaf_hashes([b"a", b"b", b"c"])
    data = b"".join(hashes)
    assert split_hashes(data, 3) == hashes
    for wrong, width in ((data, 2), (data, 4), (data[:-1], 3), (data + b"\0", 3), (b"", 1)):
        with pytest.raises(Malformed, match=f"a tile of width {width} has {len(wrong)} bytes; it must have"):
            split_hashes(wrong, width)


# ---- Tree nodes from tiles -------------------------------------------------------------------------


class Tiles:
    """The tiles of a log in memory, counting what is read; a tile is cut from what the log holds by then."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = [leaves]
        while len(self.levels[-1]) >= 256:
            below = self.levels[-1]
            self.levels.append([root(below[at : at + 256]) for at in range(0, len(below) // 256 * 256, 256)])
        self.reads: Counter[tuple[int, int, int]] = Counter()

    def read(self, level: int, index: int, width: int) -> bytes:
        self.reads[level, index, width] += 1
        return b"".join(self.levels[level][index * 256 : index * 256 + width])


SIZE = 70_000
LEAVES = leaf_hashes(number.to_bytes(4, "big") for number in range(SIZE))


@pytest.fixture
def tiles() -> Tiles:
    return Tiles(LEAVES)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 4_000, 65_536, SIZE])
def test_every_complete_subtree_of_a_log_comes_from_its_tiles(tiles: Tiles, size: int) -> None:
    reader = TileReader(tiles.read, size, capacity=300)
    row, level = LEAVES[:size], 0
    while row:
        assert [reader.node(level, index) for index in range(len(row))] == row
        with pytest.raises(
            NotFound, match=f"a log of {size} has no complete subtree {len(row)} at level {level}"
        ):
            reader.node(level, len(row))
        row, level = parents(row) if len(row) > 1 else [], level + 1
    published = {(tile.level, tile.index, tile.width) for tile in tiles_of(size)}
    assert set(tiles.reads) == published
    assert set(tiles.reads.values()) == {1}


@pytest.mark.parametrize(("level", "index"), [(-1, 0), (0, -1), (0, SIZE), (17, 0), (64, 0), (10**9, 0)])
def test_a_node_that_the_log_does_not_have_is_not_found(tiles: Tiles, level: int, index: int) -> None:
    with pytest.raises(NotFound):
        TileReader(tiles.read, SIZE).node(level, index)
    assert not tiles.reads


def test_proofs_from_tiles_verify(tiles: Tiles) -> None:
    reader = TileReader(tiles.read, SIZE)
    top = root(LEAVES)
    for wanted in ([0], [SIZE - 1], [65_535, 65_536], list(range(0, SIZE, 777))):
        proof = inclusion_proof(wanted, SIZE, reader.node)
        verify_inclusion({index: LEAVES[index] for index in wanted}, SIZE, proof, top)
    for first in (1, 256, 65_536, 69_999, SIZE):
        proof = consistency_proof(first, SIZE, reader.node)
        verify_consistency(first, SIZE, root(LEAVES[:first]), top, proof)


def test_a_tile_is_read_once_while_it_is_among_the_last_used(tiles: Tiles) -> None:
    reader = TileReader(tiles.read, SIZE, capacity=2)
    for tile in (0, 1, 0, 1):
        reader.node(0, tile * 256)
        reader.node(7, tile * 2)
    assert tiles.reads == {(0, 0, 256): 1, (0, 1, 256): 1}
    for tile in (0, 2, 0, 1):
        reader.node(3, tile * 32)
    assert tiles.reads == {(0, 0, 256): 1, (0, 1, 256): 2, (0, 2, 256): 1}


def test_a_reader_at_another_size_shares_the_tiles_and_asks_for_its_own_widths(tiles: Tiles) -> None:
    reader = TileReader(tiles.read, SIZE)
    earlier = reader.at(300)
    assert earlier.node(0, 299) == reader.node(0, 299) == LEAVES[299]
    assert earlier.node(0, 5) == reader.node(0, 5) == LEAVES[5]
    assert tiles.reads == {(0, 1, 44): 1, (0, 1, 256): 1, (0, 0, 256): 1}
    assert (reader.size, earlier.size) == (SIZE, 300)
    with pytest.raises(NotFound):
        earlier.node(0, 300)


def test_a_tile_of_another_length_is_refused_and_read_again_next_time(tiles: Tiles) -> None:
    short = Tiles(LEAVES[:10])
    reader = TileReader(short.read, 11)
    for _ in range(2):
        with pytest.raises(Malformed, match="a tile of width 11 has 320 bytes; it must have 352"):
            reader.node(0, 0)
    assert short.reads == {(0, 0, 11): 2}


# ---- A log that Tessera wrote ----------------------------------------------------------------------


@pytest.fixture
def log() -> Path:
    return shared("tlog-data/tessera-log")


def published_root(log: Path, size: int) -> bytes:
    origin, written_size, written_root = (log / f"checkpoint.{size}").read_text().split("\n")[:3]
    assert (origin, written_size) == ("example.com/log/testdata", str(size))
    return base64.b64decode(written_root)


def tessera_reader(log: Path, size: int) -> TileReader:
    return TileReader(lambda level, index, width: (log / tile_path(level, index, width)).read_bytes(), size)


def test_the_log_has_just_the_files_that_its_sizes_say(log: Path) -> None:
    files = {file.relative_to(log).as_posix() for file in (log / "tile").rglob("*") if file.is_file()}
    expected = {tile.path for size in range(16) for tile in tiles_of(size)}
    assert files == expected | {bundle.path for size in range(16) for bundle in bundles_of(size)}
    for file in files:
        assert parse_path(file).path == file


@pytest.mark.parametrize("size", range(1, 16))
def test_its_entries_give_its_tiles_and_its_roots(log: Path, size: int) -> None:
    data = (log / bundle_path(0, size)).read_bytes()
    entries = decode_bundle(data, size)
    assert encode_bundle(entries) == data
    hashes = leaf_hashes(entries)
    assert hashes == split_hashes((log / tile_path(0, 0, size)).read_bytes(), size)
    edge = CompactRange()
    edge.extend(hashes)
    assert root(hashes) == edge.root() == published_root(log, size)


def test_its_empty_root_is_the_hash_of_nothing(log: Path) -> None:
    assert published_root(log, 0) == EMPTY_ROOT == sha256(b"").digest()


def test_every_entry_is_included_at_every_size(log: Path) -> None:
    leaves = leaf_hashes(decode_bundle((log / bundle_path(0, 15)).read_bytes(), 15))
    for size in range(1, 16):
        reader = tessera_reader(log, size)
        for index in range(size):
            proof = inclusion_proof([index], size, reader.node)
            verify_inclusion({index: leaves[index]}, size, proof, published_root(log, size))


def test_every_checkpoint_is_consistent_with_every_later_one(log: Path) -> None:
    for second in range(1, 16):
        reader = tessera_reader(log, second)
        for first in range(1, second + 1):
            proof = consistency_proof(first, second, reader.node)
            verify_consistency(first, second, published_root(log, first), published_root(log, second), proof)


def test_later_bundles_begin_with_the_earlier_ones(log: Path) -> None:
    bundles = [(log / bundle_path(0, size)).read_bytes() for size in range(1, 16)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(bundles))
