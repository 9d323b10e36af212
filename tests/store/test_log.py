"""The stored log gives back its entries, tiles and roots, in whatever blocks they came, and after every reopening."""

from __future__ import annotations

from itertools import accumulate

import pytest
import zstandard

from counterfoil.errors import Damaged, NotFound
from counterfoil.proof.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    root,
    verify_consistency,
    verify_inclusion,
)
from counterfoil.proof.tiles import bundles_of, encode_bundle, tiles_of
from counterfoil.store.log import FORM, MAX_BUNDLE_BYTES, Log
from counterfoil.store.sqlite import Sqlite

EDGES = (1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537)
"""Around a full bundle and a full tile of level 1."""


def entries_of(size: int) -> list[bytes]:
    """Entries of different lengths, the empty one among them."""
    return [b"%d " % number * (number % 7) for number in range(size)]


def append(database: Sqlite, log: Log, entries: list[bytes], block: int) -> None:
    for at in range(0, len(entries), block):
        part = entries[at : at + block]
        with database.transaction():
            log.append(part, leaf_hashes(part))


def stored(database: Sqlite, entries: list[bytes], block: int = 1_000) -> Log:
    log = Log(database, 0)
    append(database, log, entries, block)
    return log


def rows_of(entries: list[bytes]) -> list[list[bytes]]:
    """The hashes of each tile level, recomputed plainly."""
    rows = [leaf_hashes(entries)]
    while len(rows[-1]) >= 256:
        below = rows[-1]
        rows.append([root(below[at : at + 256]) for at in range(0, len(below) - 255, 256)])
    return rows


@pytest.mark.parametrize("reopened", [False, True], ids=["as written", "reopened"])
@pytest.mark.parametrize("size", EDGES)
def test_root_tiles_and_bundles_are_those_of_a_plain_recomputation(
    database: Sqlite, size: int, reopened: bool
) -> None:
    entries = entries_of(size)
    log = stored(database, entries)
    if reopened:
        log = Log(database, size)
    rows = rows_of(entries)
    assert len(log) == log.size == size
    assert log.root() == root(rows[0])
    for tile in tiles_of(size):
        expected = b"".join(rows[tile.level][tile.index * 256 :][: tile.width])
        assert log.tile(tile.level, tile.index, tile.width) == expected
    for bundle in bundles_of(size):
        assert log.bundle(bundle.index) == entries[bundle.index * 256 :][: bundle.width]
    for number in {0, size // 2, size - 1, (size - 1) // 256 * 256}:
        assert log.entry(number) == entries[number]


@pytest.mark.parametrize("block", [1, 7, 255, 256, 257, 700])
def test_the_size_of_the_blocks_leaves_no_trace_in_bundles_and_tiles(database: Sqlite, block: int) -> None:
    entries = entries_of(1_300)
    log = stored(database, entries, block)
    assert log.root() == root(leaf_hashes(entries))
    assert [number for (number,) in database.query("SELECT number FROM bundle ORDER BY number")] == [
        0,
        1,
        2,
        3,
        4,
    ]
    tail = [
        (first, bytes(data))
        for first, data in database.query("SELECT first, entries FROM tail ORDER BY first")
    ]
    assert tail[0][0] == 1_280
    assert b"".join(data for _, data in tail) == encode_bundle(entries[1_280:])


@pytest.mark.parametrize("size", [255, 256, 257, 600])
def test_appending_goes_on_after_reopening_as_if_nothing_had_been(database: Sqlite, size: int) -> None:
    entries = entries_of(size + 300)
    stored(database, entries[:size], 100)
    append(database, Log(database, size), entries[size:], 90)
    again = Log(database, len(entries))
    assert again.root() == root(leaf_hashes(entries))
    assert [again.entry(number) for number in range(len(entries))] == entries


def test_it_is_reopened_after_every_block_through_two_full_tiles(database: Sqlite) -> None:
    entries = entries_of(600)
    edge = CompactRange()
    done = 0
    for end in accumulate([1, 254, 1, 1, 200, 55, 88]):
        log = Log(database, done)
        append(database, log, entries[done:end], 1_000)
        edge.extend(leaf_hashes(entries[done:end]))
        assert log.root() == Log(database, end).root() == edge.root()
        done = end
    assert done == 600


def test_the_root_at_every_smaller_size_is_the_one_it_had_then(database: Sqlite) -> None:
    entries = entries_of(1_100)
    log = stored(database, entries)
    edge = CompactRange()
    assert log.root_at(0) == EMPTY_ROOT
    for size, entry in enumerate(entries, 1):
        edge.append(leaf_hash(entry))
        assert log.root_at(size) == edge.root()
    with pytest.raises(NotFound, match="no complete subtree"):
        log.root_at(1_101)


@pytest.mark.parametrize("size", [65_279, 65_280, 65_535, 65_536, 65_537])
def test_the_root_at_sizes_around_a_full_tile_of_level_one(database: Sqlite, size: int) -> None:
    entries = entries_of(65_537)
    assert stored(database, entries, 65_537).root_at(size) == root(leaf_hashes(entries[:size]))


def test_proofs_at_any_size_come_from_the_stored_tiles(database: Sqlite) -> None:
    entries = entries_of(700)
    log = stored(database, entries)
    hashes = leaf_hashes(entries)
    for size in (1, 255, 256, 300, 699, 700):
        reader = log.reader(size)
        for index in {0, size // 2, size - 1}:
            proof = inclusion_proof([index], size, reader.node)
            verify_inclusion({index: hashes[index]}, size, proof, root(hashes[:size]))
        proof = consistency_proof(size, 700, log.reader().node)
        verify_consistency(size, 700, root(hashes[:size]), log.root(), proof)


def test_a_proof_asked_for_before_the_tile_was_full_does_not_spoil_later_ones(database: Sqlite) -> None:
    entries = entries_of(600)
    log = stored(database, entries[:200])
    inclusion_proof([5], 200, log.reader().node)
    append(database, log, entries[200:], 50)
    hashes = leaf_hashes(entries)
    for size in (200, 256, 600):
        proof = inclusion_proof([5], size, log.reader(size).node)
        verify_inclusion({5: hashes[5]}, size, proof, root(hashes[:size]))


def test_an_empty_log_has_the_root_of_nothing(database: Sqlite) -> None:
    log = Log(database, 0)
    assert log.root() == EMPTY_ROOT
    assert log.bundle(0) == []
    assert log.tile(0, 0) == log.tile(1, 0) == b""


@pytest.mark.parametrize("number", [-1, 300, 301])
def test_an_entry_outside_the_log_is_not_found(database: Sqlite, number: int) -> None:
    with pytest.raises(NotFound, match=f"no entry {number}; the log has 300"):
        stored(database, entries_of(300)).entry(number)


def test_an_entry_of_the_largest_size_comes_back(database: Sqlite) -> None:
    entries = [bytes([number % 256]) * 65_535 for number in range(257)]
    stored(database, entries)
    log = Log(database, 257)
    assert log.entry(255) == entries[255]
    assert log.entry(256) == entries[256]


def test_full_bundles_are_kept_compressed_in_the_form_that_their_row_names(database: Sqlite) -> None:
    entries = entries_of(256)
    stored(database, entries)
    row = database.row("SELECT number, form, entries FROM bundle")
    assert row == (0, FORM, zstandard.ZstdCompressor(level=1).compress(encode_bundle(entries)))


def test_more_bundles_than_are_kept_in_memory_can_be_read_in_turn(database: Sqlite) -> None:
    entries = entries_of(256 * 40)
    log = stored(database, entries)
    for _ in range(2):
        assert [log.entry(number) for number in range(0, len(entries), 256)] == entries[::256]


DAMAGES = {
    "a missing bundle": ("DELETE FROM bundle WHERE number = 1", "the entries 256 to 511 are missing"),
    "a cut bundle": (
        "UPDATE bundle SET entries = substr(entries, 1, 20) WHERE number = 1",
        "bundle 1 cannot be read",
    ),
    "no bundle at all": ("UPDATE bundle SET entries = x'00' WHERE number = 1", "bundle 1 cannot be read"),
    "another bundle": (
        "UPDATE bundle SET entries = (SELECT entries FROM bundle WHERE number = 9) WHERE number = 1",
        "bundle 1 cannot be read",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_bundle_is_named(database: Sqlite, name: str) -> None:
    stored(database, entries_of(600))
    short = zstandard.ZstdCompressor(level=1).compress(encode_bundle(entries_of(255)))
    database.execute("INSERT INTO bundle SELECT 9, form, ?, checksum FROM bundle WHERE number = 0", (short,))
    statement, message = DAMAGES[name]
    database.execute(statement)
    log = Log(database, 600)
    with pytest.raises(Damaged, match=message):
        log.entry(300)
    assert log.entry(255) == entries_of(600)[255]


def test_a_bundle_that_would_fill_the_memory_is_refused_before_it_is_expanded(database: Sqlite) -> None:
    stored(database, entries_of(600))
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_BUNDLE_BYTES + 1))
    database.execute("UPDATE bundle SET entries = ? WHERE number = 0", (bomb,))
    with pytest.raises(Damaged, match="larger than any bundle"):
        Log(database, 600).bundle(0)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM tile WHERE place = 0", "UPDATE tile SET hashes = substr(hashes, 33) WHERE place = 0"],
)
def test_a_missing_or_cut_tile_is_named(database: Sqlite, statement: str) -> None:
    log = stored(database, entries_of(600))
    database.execute(statement)
    with pytest.raises(Damaged, match="tile 0 of level 0 is missing or cut"):
        log.tile(0, 0)
    with pytest.raises(Damaged, match="tile 0 of level 0 is missing or cut"):
        Log(database, 600)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM tail WHERE first = 520", "the entries from 512 on cannot be read"),
        ("DELETE FROM tail WHERE first = 590", "the entries from 580 on cannot be read"),
        ("DELETE FROM tail", "the entries from 512 on are missing"),
        ("UPDATE tail SET entries = x'0001' WHERE first = 590", "the entries from 590 on cannot be read"),
        ("INSERT INTO tail (first, entries) VALUES (600, x'')", "the entries from 600 on are missing"),
        ("UPDATE tail SET first = 513 WHERE first = 512", "the entries from 512 on are missing"),
    ],
)
def test_a_tail_that_does_not_reach_from_the_last_bundle_to_the_end_is_named(
    database: Sqlite, statement: str, message: str
) -> None:
    stored(database, entries_of(600), 10)
    database.execute(statement)
    with pytest.raises(Damaged, match=message):
        Log(database, 600)
