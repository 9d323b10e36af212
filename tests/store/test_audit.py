"""Every kind of fault, by name: what the audit says of one deliberate change, and that it says no more than that."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import orjson
import pytest
import zstandard

from counterfoil.proof.entry import Proposal
from counterfoil.proof.index import BITS, PAIR, record_key, subtree_root
from counterfoil.proof.note import parse_note
from counterfoil.store.audit.audit import Audited
from counterfoil.store.audit.finding import MAX_ALIKE, Finding, Findings
from counterfoil.store.audit.stored import TABLES
from counterfoil.store.checksum import bundle_checksum, checksum
from counterfoil.store.closing import SUM_BYTES
from counterfoil.store.log import FORM
from counterfoil.store.pages import META_BYTES, page_checksum
from counterfoil.store.schema import CREATE
from tests.store.changes import Change, apply, entries, entry, every, flipped, sql
from tests.store.sample import ORIGIN, START, Clock, audited, define, open_node, titles
from tests.store.tamper import opened

AREA, OTHER_AREA = b'"area":100', b'"area":101'
ONE_TITLE = "first = (SELECT first FROM taken WHERE count = 180)"
LAST_TAIL = "first = (SELECT max(first) FROM tail)"
TAIL_OF_TITLES = "first = (SELECT max(first) FROM tail WHERE first <= 440)"
WAITS = "hash = (SELECT min(hash) FROM pending)"
CLAIM = "digest = (SELECT min(digest) FROM claim)"
MORTGAGED = "role = 'on' AND target = (SELECT target FROM reference WHERE role = 'on' LIMIT 1)"
PUBLISHED = "size = 219"
TWO_CHUNKS = "number = 1"
UNSIGNED = flipped("head", "note", "id = 0", 60)
"""Nothing tells the log's root then."""


@pytest.fixture
def store(sample_home: Path, tmp_path: Path) -> Path:
    """The sample's file, to be changed."""
    return Path(shutil.copy(sample_home / "store.db", tmp_path / "store.db"))


def says(result: Audited, *patterns: str) -> None:
    """The findings are these and no others, in this order; … stands for anything."""
    sentences = [each.sentence for each in result.findings]
    assert len(sentences) == len(patterns), sentences
    for sentence, pattern in zip(sentences, patterns, strict=True):
        assert re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), sentence), (sentence, pattern)
    assert result.found >= len(sentences)


def check(store: Path, change: Change, *patterns: str) -> Audited:
    apply(store, change)
    result = audited(store)
    says(result, *patterns)
    return result


# The log


def test_an_entry_that_is_changed_is_named_by_register_record_and_version(store: Path) -> None:
    result = check(
        store,
        entry(20, AREA, OTHER_AREA),
        "entry 20: title 'T12', version 1: its bytes are not those that were sealed",
    )
    assert result.findings == (
        Finding(
            "its bytes are not those that were sealed",
            "entry 20",
            number=20,
            register="title",
            record="T12",
            version=1,
        ),
    )
    # What came after it of the same records cannot be judged, and is no fault.
    assert "transactions that build on damaged entries (2)" in result.unchecked


def test_an_entry_whose_stored_hash_is_changed_with_it(store: Path) -> None:
    check(
        store,
        entry(20, AREA, OTHER_AREA, tile=True),
        "one of the entries 8 to 187: its transaction cannot have been taken: the header does not state the number and "
        "root of the proposals that came with it",
        "entry 20: title 'T12', version 1: it is not the one that its next version, entry 192, names as the one before "
        "it",
        "checkpoint 219: the root that it states is not that of the entries; later ones that are wrong as well: 10",
    )


def test_an_entry_whose_name_is_changed_is_named_as_the_entry_before_it_says(store: Path) -> None:
    change = entry(208, b'"record":"T0"', b'"rec\xffrd":"T0"')
    check(store, change, "entry 208: title 'T0', version 3: its bytes are not those that were sealed")


def test_a_member_whose_entry_is_changed_does_not_put_all_it_signed_in_doubt(store: Path) -> None:
    check(
        store,
        entry(4, b"Land office", b"Land Office"),
        "entry 4: .agency 'EE/GOV/LAND', version 1: its bytes are not those that were sealed",
    )


def test_a_definition_that_is_changed(store: Path) -> None:
    check(
        store,
        entry(7, b'"one-title-a-plot"', b'"two-title-a-plot"'),
        "entry 7: .register 'title', version 1: its bytes are not those that were sealed",
    )


def test_an_index_entry_that_is_changed(store: Path) -> None:
    check(
        store,
        entry(218, b'"size":218', b'"size":219'),
        "entry 218: .index 'root', version 2: its bytes are not those that were sealed",
    )


def test_many_changed_entries_of_a_bundle_are_one_finding(store: Path) -> None:
    check(
        store,
        entries(20, lambda found, first: [each.replace(AREA, OTHER_AREA) for each in found]),
        "bundle 0: 180 of its entries: its bytes are not those that were sealed",
    )


def test_a_bundle_that_is_compressed_in_another_way(store: Path) -> None:
    check(
        store,
        entries(20, lambda found, first: found, level=9),
        "bundle 0: its entries can be read, but its bytes are not as they were stored",
    )


def test_a_bundle_in_a_form_of_another_version_of_zstd_is_reported_as_unchecked(store: Path) -> None:
    def change(database: apsw.Connection) -> None:
        form = "zstd 1.4.0 level 1"
        ((stored,),) = database.execute("SELECT entries FROM bundle")
        database.execute("UPDATE bundle SET form = ?, checksum = ?", (form, bundle_checksum(0, form, stored)))

    result = check(store, change)
    assert any(
        each.startswith("the compressed bytes of some bundles, which another") for each in result.unchecked
    )


@pytest.mark.parametrize(
    "change",
    [
        flipped("bundle", "checksum", "number = 0"),
        sql("UPDATE bundle SET form = 'zstd 1.5.6 level 1'"),
        sql("UPDATE bundle SET form = 'none'"),
        sql("UPDATE bundle SET entries = CAST(entries || x'00' AS BLOB)"),
    ],
)
def test_a_bundles_form_bytes_and_checksum_hold_each_other(store: Path, change: Change) -> None:
    apply(store, change)
    assert [each.where for each in audited(store).findings] == ["bundle 0"]


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (b"", "could not decompress"),
        (b"\x28\xb5\x2f\xfd\x00", "not enough data for frame parameters"),
        (zstandard.compress(b"\x00\x05short"), "entry 1 of the bundle of 256 is missing"),
        (b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 7 + b"\x00", "it says that it is larger than any bundle"),
    ],
)
def test_a_bundle_that_cannot_be_read_is_one_finding(store: Path, stored: bytes, why: str) -> None:
    apply(store, sql("UPDATE bundle SET entries = ?", stored))
    result = audited(store)
    (finding,) = result.findings
    assert finding.where == "bundle 0"
    assert finding.what.startswith("its 256 entries cannot be read (")
    assert result.entries > 256


def test_a_bundle_that_is_missing(store: Path) -> None:
    result = check(store, sql("DELETE FROM bundle"), "bundle 0: its 256 entries are missing")
    assert "the checkpoints, because who signs them stands in entries that are damaged" in result.unchecked


@pytest.mark.parametrize("number", [-1, 1, 2, 999_999_999_999])
def test_a_bundle_too_many(store: Path, number: int) -> None:
    check(
        store,
        sql("INSERT INTO bundle SELECT ?, form, entries, checksum FROM bundle", number),
        f"bundle {number}: a bundle is stored that the log does not have",
    )


def test_an_entry_after_the_last_bundle_that_is_changed(store: Path) -> None:
    check(
        store,
        entry(440, AREA, OTHER_AREA),
        "entry 440: title 'T1017', version 1: its bytes are not those that were sealed",
    )


def test_one_that_has_another_version_after_it(store: Path) -> None:
    """The index tells of the later version alone, and that one tells of this."""
    with opened(store) as database:
        assert database.execute("SELECT count(*) FROM prior WHERE previous = 256").fetchall() == [(1,)]
    check(
        store,
        entry(256, b'"status":"endorsed"', b'"status":"endorseD"'),
        "entry 256: .transaction '…', version 1: its bytes are not those that were sealed",
    )


def test_an_index_entry_after_the_last_bundle_that_is_changed(store: Path) -> None:
    check(
        store,
        entry(457, b'"size":457', b'"size":458'),
        "entry 457: .index 'root', version 12: its bytes are not those that were sealed",
    )


def test_a_page_that_is_changed_does_not_make_an_entry_one(store: Path) -> None:
    change = flipped("page", "pairs", "node = (SELECT max(node) FROM page)", 40)
    apply(store, change)
    assert {each.where.partition(" ")[0] for each in audited(store).findings} == {"page"}


def test_where_no_signed_root_tells_which_entry_was_changed(store: Path) -> None:
    check(
        store,
        every(entry(440, AREA, OTHER_AREA), UNSIGNED),
        "one of the entries 423 to 452: its transaction cannot have been taken: the header does not state …",
        "page 4: title 'T1017', version 1: its record of this is not what the log leads to",
        "entry 453: .index 'root', version 11: the index root that it states is not that of the records; later ones "
        "that are wrong as well: 1",
        "head: its note is not the checkpoint published at its size",
        "checkpoint 454: the root that it states is not that of the entries; later ones that are wrong as well: 1",
    )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"area":100', b'"area":1x0', "its bytes are not an entry: JSON is malformed: …"),
        (b'"number":440', b'"number":"x"', "its bytes are not an entry: Expected `int`, got `str` …"),
        (b'"plot of T1017"', b'"plot of T\xff017"', "its bytes are not an entry: …"),
    ],
)
def test_an_entry_after_the_last_bundle_that_cannot_be_read(
    store: Path, old: bytes, new: bytes, why: str
) -> None:
    check(
        store,
        every(entry(440, old, new), UNSIGNED),
        f"entry 440: it cannot be read: {why}",
        "head: its note is not the checkpoint published at its size",
        "checkpoint 454: the root that it states is not that of the entries; later ones that are wrong as well: 1",
    )


def test_an_entry_in_another_ones_place(store: Path) -> None:
    def swap(found: list[bytes], first: int) -> Sequence[bytes]:
        return [found[1], found[0], *found[2:]]

    check(
        store,
        entries(440, swap),
        "entry 423: title 'T1001', version 1: its bytes are not those that were sealed",
        "entry 424: title 'T1000', version 1: its bytes are not those that were sealed",
    )


def test_one_in_another_ones_place_where_no_signed_root_tells(store: Path) -> None:
    def swap(found: list[bytes], first: int) -> Sequence[bytes]:
        return [found[1], found[0], *found[2:]]

    apply(store, every(entries(440, swap), UNSIGNED))
    result = audited(store)
    assert [(each.where, each.what) for each in result.findings[:2]] == [
        ("entry 423", "it says that it is another entry than its place has"),
        ("entry 424", "it says that it is another entry than its place has"),
    ]


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (sql(f"DELETE FROM tail WHERE {TAIL_OF_TITLES}"), ["tail: the entries 423 to 453 are missing"]),
        (sql(f"DELETE FROM tail WHERE {LAST_TAIL}"), ["tail: the entries 457 to 457 are missing"]),
        (sql("DELETE FROM tail"), ["tail: the entries 256 to 457 are missing"]),
        (
            sql(f"UPDATE tail SET first = first + 1 WHERE {LAST_TAIL}"),
            ["tail: the entries 457 to 457 are missing", "entry 458: it stands beyond the end of the log"],
        ),
        (
            sql(f"INSERT INTO tail SELECT 458, entries FROM tail WHERE {LAST_TAIL}"),
            ["entry 458: it stands beyond the end of the log"],
        ),
        (
            sql("INSERT INTO tail VALUES (458, x'')"),
            ["tail row 458: it holds entries that stand elsewhere, or none"],
        ),
        (
            sql("INSERT INTO tail VALUES (3, x'000161')"),
            ["tail row 3: it holds entries that stand elsewhere, or none"],
        ),
        (
            sql(f"UPDATE tail SET entries = x'ffff00' WHERE {TAIL_OF_TITLES}"),
            ["tail row 423: its entries cannot be read: entry 0 of the bundle of 1 is cut off after 1 bytes"],
        ),
    ],
)
def test_the_rows_after_the_last_bundle(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (
            flipped("tile", "hashes", "place = 0", 100),
            "tile 0 of level 0: its hashes are not those of the entries",
        ),
        (sql("UPDATE tile SET hashes = x'00'"), "tile 0 of level 0: its 256 hashes are missing or cut"),
        (sql("DELETE FROM tile"), "tile 0 of level 0: its 256 hashes are missing or cut"),
        (
            sql("INSERT INTO tile SELECT 1 << 56, hashes FROM tile"),
            "tile row 72057594037927936: a tile is stored that the log does not have",
        ),
        (
            sql("INSERT INTO tile SELECT -1, hashes FROM tile"),
            "tile row -1: a tile is stored that the log does not have",
        ),
    ],
)
def test_the_tiles(store: Path, change: Change, pattern: str) -> None:
    check(store, change, pattern)


def test_where_no_signed_root_tells_entry_or_tile_was_changed(store: Path) -> None:
    check(
        store,
        every(flipped("tile", "hashes", "place = 0", 640), flipped("head", "note", "id = 0", 60)),
        "entry 20: title 'T12', version 1: its bytes and the hash stored of them differ, and no signed root tells "
        "which was changed",
        "head: its note is not the checkpoint published at its size",
    )


# What stands beside the entries


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (
            sql("UPDATE prior SET previous = 9 WHERE number = 208"),
            "prior row 208: title 'T0', version 3: the stored entry before it is another one",
        ),
        (
            sql("DELETE FROM prior WHERE number = 208"),
            "prior row 208: title 'T0', version 3: the entry before it is not stored",
        ),
        (
            sql("INSERT INTO prior VALUES (20, 19)"),
            "prior row 20: title 'T12', version 1: an entry before it is stored, and it has none",
        ),
        (
            sql("INSERT INTO prior VALUES (-3, 1)"),
            "prior row -3: an entry before it is stored, and it has none",
        ),
        (sql("INSERT INTO prior VALUES (9999, 1)"), "prior row 9999: it stands beyond the end of the log"),
    ],
)
def test_the_entry_before_each(store: Path, change: Change, pattern: str) -> None:
    check(store, change, pattern)


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (
            sql(f"UPDATE taken SET count = 2 WHERE {ONE_TITLE}"),
            ["… its count is not what its entries and its header say"],
        ),
        (flipped("taken", "hash", ONE_TITLE, 3), ["… its hash is not what its entries and its header say"]),
        (flipped("taken", "name", ONE_TITLE, 3), ["… its name is not what its entries and its header say"]),
        (
            flipped("taken", "checksum", ONE_TITLE),
            ["… its endorsements, or the checksum over them, are not those that were stored"],
        ),
        (
            flipped("taken", "header", ONE_TITLE, 30),
            ["entry 8: … the header that is stored for it is not the one that it names"],
        ),
        (
            sql(f"DELETE FROM taken WHERE {ONE_TITLE}"),
            ["entry 8: … the header of its transaction is not stored"],
        ),
        (
            sql(
                "INSERT INTO taken SELECT 300, count, hash, name, header, endorsements, checksum FROM taken LIMIT 1"
            ),
            [
                "taken row 300: … a header is stored that no entry belongs to",
                "taken row 300: … or the checksum …",
            ][:1],
        ),
        (
            sql("INSERT INTO taken VALUES (0, 6, x'00', x'01', x'02', x'03', x'04')"),
            ["taken row 0: .parameter 'ledger', version 1: a header is stored that no entry belongs to"],
        ),
        (
            sql("INSERT INTO taken VALUES (9999, 6, x'00', x'01', x'02', x'03', x'04')"),
            ["taken row 9999: it stands beyond the end of the log"],
        ),
    ],
)
def test_the_headers_of_transactions(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


def test_a_header_that_is_missing_does_not_make_the_claims_that_its_entries_released_a_fault(
    store: Path,
) -> None:
    check(
        store,
        sql("DELETE FROM taken WHERE first = 219"),
        "entry 219: title 'T5', version 2: its transaction cannot have been taken: the header of its transaction "
        "is not stored",
    )


def endorsements(edit: Callable[[list[object]], list[object]], key: str, *, fitting: bool = True) -> Change:
    """Rewrite a transaction's endorsements, and (`fitting`) the checksum over them."""

    def change(database: apsw.Connection) -> None:
        query = f"SELECT first, endorsements, checksum FROM taken WHERE {key}"
        ((first, stored, sum_),) = database.execute(query)
        changed = orjson.dumps(edit(orjson.loads(stored)), option=orjson.OPT_SORT_KEYS)
        values = (changed, checksum(first, changed) if fitting else sum_, first)
        database.execute("UPDATE taken SET endorsements = ?, checksum = ? WHERE first = ?", values)

    return change


def test_an_endorsement_that_is_taken_away(store: Path) -> None:
    check(
        store,
        endorsements(lambda found: [], ONE_TITLE),
        "entry 8: title 'T0', version 1: its transaction cannot have been taken: 'EE/GOV/LAND' submits this "
        "transaction, but no member of that name endorsed it …",
    )


def test_an_endorsement_of_another_transaction(store: Path) -> None:
    def change(database: apsw.Connection) -> None:
        ((other,),) = database.execute("SELECT endorsements FROM taken ORDER BY first LIMIT 1")
        database.execute(
            f"UPDATE taken SET endorsements = ?, checksum = ? WHERE {ONE_TITLE}", (other, checksum(8, other))
        )

    check(store, change, "entry 8: title 'T0', version 1: … an endorsement by … does not hold: …")


def test_one_endorsement_too_few_for_the_policy(store: Path) -> None:
    check(
        store,
        endorsements(lambda found: found[:1], "first = 225"),
        "entry 225: title 'T9', version 5: its transaction cannot have been taken: its endorsements do not satisfy the "
        "policies that govern it",
    )


@pytest.mark.parametrize("edit", [lambda found: found[:1], lambda found: found[::-1], lambda found: []])
def test_endorsements_beyond_the_policy_are_held_by_a_checksum(
    store: Path, edit: Callable[[list[object]], list[object]]
) -> None:
    apply(store, endorsements(edit, "first = 226", fitting=False))
    found = [each.sentence for each in audited(store).findings]
    what = "its endorsements, or the checksum over them, are not those that were stored"
    assert f"taken row 226: title 'T10', version 2: {what}" in found


def test_the_endorsement_that_completed_a_waiting_transaction(store: Path) -> None:
    key = "first = (SELECT first FROM taken WHERE count = 2 AND first > 260 ORDER BY first LIMIT 1)"
    check(
        store,
        endorsements(lambda found: found[:1], key),
        "entry …: .transaction 'sha256:…', version 2: its transaction cannot have been taken: an endorsement that it "
        "tells of is not stored",
    )


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (
            flipped("claim", "holder", CLAIM),
            ["claim row …: title 'T76', version 1: its column holder is not what …"],
        ),
        (
            sql(f"DELETE FROM claim WHERE {CLAIM}"),
            ["claim row …: title 'T76', version 1: it is missing, and …"],
        ),
        (
            flipped("claim", "digest", CLAIM),
            [
                "claim row …: title 'T76', version 1: it is missing, and the log leads to it",
                "claim row …: title 'T76', version 1: it is stored, and the log does not lead to it",
            ],
        ),
        (
            sql("INSERT INTO claim VALUES (x'00', x'01')"),
            ["claim row 00: it is stored, and the log does not lead to it"],
        ),
        (
            sql(f"DELETE FROM reference WHERE {MORTGAGED}"),
            ["reference row …: mortgage 'M…', version 1: it is missing, and the log leads to it"],
        ),
        (
            sql("INSERT INTO reference VALUES (x'00', 'on', x'01')"),
            ["reference row 00: it is stored, and the log does not lead to it"],
        ),
    ],
)
def test_claims_and_references(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (flipped("pending", "name", WAITS), ["pending row …: its column name is not what the log leads to"]),
        (
            sql(f"UPDATE pending SET complete = 1 - complete WHERE {WAITS}"),
            ["pending row …: its column complete is not what the log leads to"],
        ),
        (
            sql(f"UPDATE pending SET complete = 7 WHERE {WAITS}"),
            ["pending row …: its column complete is not what the log leads to"],
        ),
        (
            flipped("pending", "header", WAITS, 20),
            ["pending row …: its header is not the one that its hash names"],
        ),
        (
            flipped("pending", "proposals", WAITS, 5),
            ["pending row …: a waiting transaction cannot be read: …"],
        ),
        (
            flipped("pending", "hash", WAITS),
            [
                "pending row …: its header is not the one that its hash names",
                "pending row …: it waits, and is not stored",
            ],
        ),
        (sql(f"DELETE FROM pending WHERE {WAITS}"), ["pending row …: it waits, and is not stored"]),
        (sql("DELETE FROM pending"), ["pending row …: it waits, and is not stored"] * 3),
        (
            sql(f"UPDATE pending SET endorsements = x'5b5d' WHERE {WAITS}"),
            ["entry …: .transaction 'sha256:…', version 1: its transaction cannot have been taken: …"],
        ),
        (flipped("pending", "endorsements", WAITS, 100), ["entry …: … an endorsement by … does not hold: …"]),
    ],
)
def test_waiting_transactions(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


def test_a_transaction_that_is_kept_as_waiting_after_it_was_taken(store: Path) -> None:
    def change(database: apsw.Connection) -> None:
        query = "SELECT hash, name, 0, header, x'', endorsements FROM taken WHERE first = 8"
        database.execute(f"INSERT INTO pending {query}")

    check(store, change, "pending row …: it is stored, and the log does not lead to it")


# The index's pages


def of_page(record: str, column: str) -> Change:
    """A bit of what the index's pages say of a title: of its leaf hash (pairs), or beside it (meta)."""
    key = record_key("title", record)

    def change(database: apsw.Connection) -> None:
        for node, pairs, meta in list(database.execute("SELECT node, pairs, meta FROM page")):
            if key in pairs:
                slot = pairs.index(key) // PAIR
                at = slot * PAIR + 40 if column == "pairs" else slot * META_BYTES + 4
                data = bytearray(pairs if column == "pairs" else meta)
                data[at] ^= 1
                database.execute(f"UPDATE page SET {column} = ? WHERE node = ?", (bytes(data), node))

    return change


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (
            sql("UPDATE page SET mark = 9999 WHERE node = 14"),
            ["page 14: its mark lies beyond the end of the log"],
        ),
        (
            sql("UPDATE page SET mark = mark + 1 WHERE node = 14"),
            ["page 14: its mark, its hash or the checksum over it are not those that were stored"],
        ),
        (
            sql("UPDATE page SET mark = 3 WHERE node = 14"),
            ["page 14: its mark, its hash or the checksum over it are not those that were stored"],
        ),
        (
            flipped("page", "checksum", "node = 14"),
            ["page 14: its mark, its hash or the checksum …"],
        ),
        (
            flipped("page", "hash", "node = 14"),
            ["page 14: its mark, its hash or the checksum …"],
        ),
        (
            of_page("T175", "meta"),
            ["page 14: title 'T175', version 1: its record of this is not what the log leads to"],
        ),
        (
            of_page("T175", "pairs"),
            ["page 14: title 'T175', version 1: its record of this is not what the log leads to"],
        ),
        (
            sql(
                "UPDATE page SET pairs = substr(pairs, 1, length(pairs) - 64),"
                " meta = substr(meta, 1, length(meta) - 10) WHERE node = 14"
            ),
            ["page 14: …: its record of this is not what the log leads to"],
        ),
        (sql("UPDATE page SET pairs = substr(pairs, 2) WHERE node = 14"), ["page 14: its records are cut"]),
        (sql("UPDATE page SET meta = x'' WHERE node = 14"), ["page 14: its records are cut"]),
        (
            sql("DELETE FROM page WHERE node = 14"),
            ["pages: they do not cover every record once: the index's pages overlap or leave a gap; …"],
        ),
        (sql("DELETE FROM page"), ["pages: they are missing"]),
        (
            sql("UPDATE page SET node = -1 WHERE node = 14"),
            [
                "pages: they do not cover every record once: …",
                "page -1: its mark, its hash or the checksum …",
            ],
        ),
        (
            sql(
                "UPDATE page SET (pairs, meta) = (SELECT pairs, meta FROM page WHERE node = 15) WHERE node = 14"
            ),
            ["page 14: … of its records are not what the log leads to"],
        ),
    ],
)
def test_the_pages_of_the_index(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


def test_a_page_that_is_split_too_early(store: Path) -> None:
    """Every record stands in one page still, and every checksum fits; but the index has no such pages."""

    def change(database: apsw.Connection) -> None:
        ((mark, meta, pairs),) = database.execute("SELECT mark, meta, pairs FROM page WHERE node = 14")
        bit = 1 << BITS - 4
        keys = [int.from_bytes(pairs[at : at + 32], "big") for at in range(0, len(pairs), PAIR)]
        middle = sum(not key & bit for key in keys)
        database.execute("DELETE FROM page WHERE node = 14")
        for node, part, side in (
            (28, pairs[: middle * PAIR], meta[: middle * 10]),
            (29, pairs[middle * PAIR :], meta[middle * 10 :]),
        ):
            hash_ = subtree_root(part, 4)
            row = (node, mark, hash_, page_checksum(node, mark, hash_, side, part), side, part)
            database.execute(
                "INSERT INTO page (node, mark, hash, checksum, meta, pairs) VALUES (?,?,?,?,?,?)", row
            )

    check(store, change, "page 28: the index has no such page", "page 29: the index has no such page")


def test_a_mark_within_a_block(store: Path) -> None:
    def change(database: apsw.Connection) -> None:
        ((hash_, meta, pairs),) = database.execute("SELECT hash, meta, pairs FROM page WHERE node = 14")
        sum_ = page_checksum(14, 300, hash_, meta, pairs)
        database.execute("UPDATE page SET mark = 300, checksum = ? WHERE node = 14", (sum_,))

    check(store, change, "page 14: its mark is not the end of a block")


def test_a_page_whose_hash_is_not_that_of_its_records(store: Path) -> None:
    """The checksum is made to fit."""

    def change(database: apsw.Connection) -> None:
        ((mark, meta, pairs),) = database.execute("SELECT mark, meta, pairs FROM page WHERE node = 14")
        values = (bytes(32), page_checksum(14, mark, bytes(32), meta, pairs))
        database.execute("UPDATE page SET hash = ?, checksum = ? WHERE node = 14", values)

    check(store, change, "page 14: its hash is not that of its records")


# Checkpoints and the head


def note(edit: Callable[[bytes], bytes], table: str = "checkpoint", key: str = PUBLISHED) -> Change:
    """Rewrite a checkpoint's note."""

    def change(database: apsw.Connection) -> None:
        ((stored,),) = database.execute(f"SELECT note FROM {table} WHERE {key}")
        changed = edit(stored)
        assert changed != stored
        database.execute(f"UPDATE {table} SET note = ? WHERE {key}", (changed,))

    return change


def lines(stored: bytes) -> tuple[bytes, list[bytes]]:
    text, _, signatures = stored.partition(b"\n\n")
    return text + b"\n\n", signatures.splitlines(keepends=True)


def appended(stored: bytes) -> bytes:
    return stored + f"— {ORIGIN} AAAAAABBBBBB\n".encode()


def without_post_quantum(stored: bytes) -> bytes:
    text, (first, _) = lines(stored)
    return text + first


def only_post_quantum(stored: bytes) -> bytes:
    text, (_, second) = lines(stored)
    return text + second


def in_another_order(stored: bytes) -> bytes:
    text, signatures = lines(stored)
    return text + b"".join(reversed(signatures))


def twice(stored: bytes) -> bytes:
    text, (first, second) = lines(stored)
    return text + first + first + second


LINES = "checkpoint 219: its signature lines are not those that this ledger's members give it"


@pytest.mark.parametrize(
    ("edit", "pattern"),
    [
        (appended, LINES),
        (without_post_quantum, LINES),
        (only_post_quantum, LINES),
        (in_another_order, LINES),
        (twice, LINES),
        (lambda stored: stored[:-1], "checkpoint 219: it does not hold: …"),
        (lambda stored: b"", "checkpoint 219: it does not hold: …"),
        (lambda stored: b"\xff\xfe", "checkpoint 219: it does not hold: …"),
        (lambda stored: stored.replace(b"219", b"218"), "checkpoint 219: it does not hold: …"),
        (
            lambda stored: stored.replace(b"/sample\n219", b"/simple\n219"),
            "checkpoint 219: it does not hold: …",
        ),
    ],
)
def test_the_note_of_a_checkpoint(store: Path, edit: Callable[[bytes], bytes], pattern: str) -> None:
    check(store, note(edit), pattern)


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (
            sql("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 6) WHERE size = 219"),
            ["checkpoint 219: it speaks of 'ledger.example/sample' with 6 entries"],
        ),
        (
            sql("DELETE FROM checkpoint WHERE size = 219"),
            ["checkpoint 219: the checkpoint published there is missing"],
        ),
        (
            sql("INSERT INTO checkpoint SELECT 100, note FROM checkpoint LIMIT 1"),
            ["checkpoint 100: no index entry ends there, so none was published"],
        ),
        (
            sql("DELETE FROM checkpoint WHERE size = 458"),
            ["checkpoint 458: the checkpoint published there is missing"],
        ),
        (
            sql("UPDATE head SET note = (SELECT note FROM checkpoint WHERE size = 6)"),
            ["head: its note is not the checkpoint published at its size"],
        ),
        (sql("UPDATE head SET note = x''"), ["head: its note is not the checkpoint published at its size"]),
    ],
)
def test_the_checkpoints(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


@pytest.fixture
def unpublished(tmp_path: Path) -> Path:
    """A store whose latest checkpoint is not published: it was killed within a second."""
    with open_node(tmp_path / "home", Clock()) as node:
        define(node, "title")
        node.submit(titles([1]))
        shutil.copytree(tmp_path / "home", tmp_path / "killed")
    # Folds the write-ahead log that the kill left into the file.
    apply(tmp_path / "killed" / "store.db", sql("SELECT 1"))
    return tmp_path / "killed" / "store.db"


def test_a_latest_checkpoint_that_is_not_published_has_one_line(unpublished: Path) -> None:
    assert audited(unpublished).findings == ()
    database = apsw.Connection(str(unpublished))
    ((stored,),) = database.execute("SELECT note FROM head")
    database.close()
    assert len(parse_note(stored).signatures) == 1


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (note(appended, "head", "id = 0"), "head: its signature lines are not those …"),
        (note(lambda stored: stored[:-5] + b"AAA=\n", "head", "id = 0"), "head: it does not hold: …"),
        (
            sql("UPDATE head SET note = (SELECT note FROM checkpoint)"),
            "head: it speaks of 'ledger.example/sample' with 6 entries",
        ),
    ],
)
def test_the_latest_checkpoint_where_it_is_not_published(
    unpublished: Path, change: Change, pattern: str
) -> None:
    apply(unpublished, change)
    assert re.search(".*".join(map(re.escape, pattern.split("…"))), audited(unpublished).findings[0].sentence)


SETTLED = "head: its settled, or the checksum over it, is not what was stored"


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (sql("UPDATE head SET size = 457"), ["head: its size is 457, and must be 458"]),
        (sql("UPDATE head SET size = size << 40"), ["head: its size is …, and must be 458"]),
        (sql("UPDATE head SET size = -1"), ["head: its size is -1, and must be 458"]),
        (sql("UPDATE head SET time = 1"), [f"head: its time is 1, and must be {START + 42}"]),
        (sql("UPDATE head SET index_leaf = NULL"), ["head: its index_leaf is None, and must be …"]),
        (flipped("head", "index_leaf", "id = 0"), ["head: its index_leaf is …, and must be …"]),
        (sql("UPDATE head SET index_number = 0"), ["head: its index_number is 0, and must be 457"]),
        (sql("UPDATE head SET index_version = 0"), ["head: its index_version is 0, and must be 12"]),
        (sql("UPDATE head SET index_time = 0"), [f"head: its index_time is 0, and must be {START + 42}"]),
        (sql("UPDATE head SET settled = settled - 1"), [SETTLED]),
        (flipped("head", "checksum", "id = 0"), [SETTLED]),
        (sql("UPDATE head SET id = 1"), ["head: it has the rows [1], and must have row 0"]),
        (sql("DELETE FROM head"), ["head: it has the rows [], and must have row 0"]),
        (
            sql("INSERT INTO head SELECT 5, size, time, NULL, 1, 1, 1, 1, x'', x'' FROM head"),
            ["head: it has the rows [0, 5], and must have row 0"],
        ),
    ],
)
def test_every_column_of_the_head(store: Path, change: Change, patterns: list[str]) -> None:
    result = check(store, change, *patterns)
    assert result.entries == 458


# Documents


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (
            sql("UPDATE document SET size = 7 WHERE size = 6"),
            ["document …: deed 'D1', version 1: its size is 6 bytes, and not the 7 stored"],
        ),
        (
            sql("DELETE FROM document WHERE size = 6"),
            ["document …: deed 'D1', version 1: an entry names it, and it is not stored"],
        ),
        (sql("INSERT INTO document VALUES (x'00', 5)"), ["document 00: its bytes are missing"]),
        (
            flipped("chunk", "bytes", TWO_CHUNKS),
            ["document …: deed 'D2', version 1: its bytes are not those that …"],
        ),
        (
            sql("DELETE FROM chunk WHERE number = 1"),
            ["document …: deed 'D2', version 1: its bytes are not those …"],
        ),
        (
            sql("UPDATE chunk SET number = 7 WHERE number = 1"),
            ["document …: deed 'D2', version 1: its chunks are not as they were written"],
        ),
        (
            sql("INSERT INTO chunk SELECT hash, 2, x'' FROM chunk WHERE number = 1"),
            ["document …: deed 'D2', version 1: its chunks are not as they were written"],
        ),
        (sql("INSERT INTO chunk VALUES (x'00', 0, x'01')"), ["document 00: a chunk belongs to no document"]),
    ],
)
def test_documents(store: Path, change: Change, patterns: list[str]) -> None:
    check(store, change, *patterns)


def test_a_document_that_is_split_elsewhere(store: Path) -> None:
    def change(database: apsw.Connection) -> None:
        ((name, first),) = database.execute(
            "SELECT hash, bytes FROM chunk WHERE number = 0 AND length(bytes) > 100"
        )
        ((last,),) = database.execute("SELECT bytes FROM chunk WHERE number = 1")
        database.execute("UPDATE chunk SET bytes = ? WHERE hash = ? AND number = 0", (first[:100], name))
        database.execute(
            "UPDATE chunk SET bytes = ? WHERE hash = ? AND number = 1", (first[100:] + last, name)
        )

    check(store, change, "document …: deed 'D2', version 1: its chunks are not as they were written")


# The file


COOKIE = f"store.db: the header's schema cookie is {len(CREATE) + 1}, and must be {len(CREATE)}"


@pytest.mark.parametrize(
    ("statement", "patterns"),
    [
        ("DROP TABLE reference", [COOKIE, "store.db: the table reference is missing, or has another form"]),
        ("DROP INDEX taken_name", [COOKIE, "store.db: the index taken_name is missing, or has another form"]),
        ("CREATE TABLE extra (a)", [COOKIE, "store.db: the table 'extra' is not one of a store"]),
        ("CREATE INDEX more ON taken (hash)", [COOKIE, "store.db: the index 'more' is not one of a store"]),
        ("CREATE VIEW extra AS SELECT 1", [COOKIE, "store.db: the view 'extra' is not one of a store"]),
        (
            "CREATE TRIGGER extra AFTER INSERT ON taken BEGIN DELETE FROM taken; END",
            [COOKIE, "store.db: the trigger 'extra' is not one of a store"],
        ),
        (
            "ALTER TABLE document ADD COLUMN more INTEGER",
            [COOKIE, "store.db: the table document is missing, or has another form"],
        ),
        (
            "ALTER TABLE document RENAME COLUMN size TO length",
            [
                COOKIE,
                "store.db: the table document is missing, or has another form",
                "table document: the table cannot be read to its end: … no such column: size",
            ],
        ),
        ("PRAGMA user_version = 3", ["store.db: the header's user version is 3, and must be 2 or less"]),
        ("PRAGMA application_id = 7", ["store.db: the header's application id is 7, and must be 517399040"]),
        ("VACUUM", [COOKIE]),
    ],
)
def test_the_schema(store: Path, statement: str, patterns: list[str]) -> None:
    check(store, sql(statement), *patterns)


def test_a_search_index_that_says_something_else_than_its_table(store: Path) -> None:
    """The index's own b-tree is given the rows of another table's index, behind SQLite's back."""

    def change(database: apsw.Connection) -> None:
        database.execute("CREATE INDEX other ON taken (hash)")
        roots = "SELECT rootpage FROM sqlite_master WHERE name = 'other'"
        database.execute("PRAGMA writable_schema = ON")
        database.execute(f"UPDATE sqlite_master SET rootpage = ({roots}) WHERE name = 'taken_name'")
        database.execute("DELETE FROM sqlite_master WHERE name = 'other'")

    apply(store, change)
    found = [each.sentence for each in audited(store).findings]
    assert any("missing from index taken_name" in each for each in found)


def written(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def byte(offset: int, value: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        assert data[offset] != value
        data[offset] = value
        path.write_bytes(data)

    return change


NO_BEGIN = "store.db: the file does not begin as a SQLite database does"


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (lambda path: written(path, b""), [NO_BEGIN, "store.db: it has none of the tables of a store"]),
        (
            lambda path: written(path, b"anything" * 1000),
            [NO_BEGIN, "store.db: the tables cannot be read: … file is not a database"],
        ),
        (
            lambda path: written(path, path.read_bytes()[:50]),
            [NO_BEGIN, "store.db: the tables cannot be read: …"],
        ),
        (byte(0, 0), [NO_BEGIN, "store.db: the tables cannot be read: … file is not a database"]),
        (
            lambda path: written(path, path.read_bytes()[:4096]),
            [
                "store.db: the file has 4096 bytes, and its header says …",
                "store.db: the tables cannot be read: …",
            ],
        ),
        (
            lambda path: written(path, path.read_bytes()[:-4096]),
            [
                "store.db: the file has … bytes, and its header says …",
                "…cannot be read…",
            ],
        ),
        (
            lambda path: written(path, path.read_bytes() + b"more"),
            ["store.db: its bytes are not those with which it was closed"],
        ),
        (
            lambda path: written(path, path.read_bytes()[:-1]),
            ["store.db: its bytes are not those with which it was closed"],
        ),
    ],
)
def test_files_that_are_cut_lengthened_or_something_else(
    store: Path, change: Callable[[Path], None], patterns: list[str]
) -> None:
    change(store)
    says(audited(store), *patterns)


def test_a_database_of_something_else(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.executescript("CREATE TABLE x (a); INSERT INTO x VALUES (1)")
    connection.close()
    found = [each.sentence for each in audited(tmp_path).findings]
    assert found[-1] == "store.db: it has none of the tables of a store"


@pytest.mark.parametrize(
    ("offset", "value", "name"),
    [
        (18, 1, "write version"),
        (19, 1, "read version"),
        (43, 99, "schema cookie"),
        (47, 1, "schema format"),
        (51, 3, "default cache size"),
        (63, 9, "user version"),
        (68, 9, "application id"),
    ],
)
def test_the_fields_of_the_header(store: Path, offset: int, value: int, name: str) -> None:
    byte(offset, value)(store)
    found = [each.sentence for each in audited(store).findings]
    assert any(each.startswith(f"store.db: the header's {name} is ") for each in found)
    assert "store.db: its bytes are not those with which it was closed" in found


def test_a_change_in_bytes_that_sqlite_does_not_use(store: Path) -> None:
    """The space between the cell pointers and the cells of a page is nothing to SQLite, and is summed all the same."""
    data = store.read_bytes()
    page = next(
        at for at in range(4096, len(data), 4096) if data[at] == 13 and data[at + 3 : at + 5] == b"\0\1"
    )
    assert not any(data[page + 100 : page + 300])
    byte(page + 200, 1)(store)
    says(audited(store), "store.db: its bytes are not those with which it was closed")


def test_a_store_that_was_not_closed_says_that_some_bytes_were_not_checked(store: Path) -> None:
    data = store.read_bytes()
    store.write_bytes(data[:-SUM_BYTES])
    result = audited(store)
    assert result.findings == ()
    assert (
        "bytes of the file that SQLite does not use, because it does not end with its sum" in result.unchecked
    )


# Values of another type: SQLite itself forbids them, so it is held off while they are written


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("bundle", "form", b"blob"),
        ("bundle", "entries", "text"),
        ("tail", "entries", None),
        ("tile", "hashes", 5),
        ("prior", "previous", "text"),
        ("taken", "header", None),
        ("claim", "holder", "text"),
        ("pending", "complete", "text"),
        ("page", "mark", "text"),
        ("page", "hash", 10**15),
        ("checkpoint", "note", "text"),
        ("head", "size", "text"),
        ("head", "note", None),
        ("document", "size", 2.5),
        ("chunk", "bytes", 7),
    ],
)
def test_a_value_of_another_type_is_named_and_is_no_exception(
    store: Path, table: str, column: str, value: int | float | str | bytes | None
) -> None:
    with opened(store, table) as database:
        key = next(iter(TABLES[table].columns))
        database.execute(
            f"UPDATE {table} SET {column} = ? WHERE {key} = (SELECT min({key}) FROM {table})", (value,)
        )
    found = [each.what for each in audited(store).findings]
    kind = type(value).__name__
    assert any(each.startswith(f"its {column} is a {kind}, and must be ") for each in found)
    assert any(each.startswith("SQLite finds it damaged: ") for each in found)


def test_text_that_is_no_text(store: Path) -> None:
    check(
        store,
        sql("UPDATE bundle SET form = CAST(x'ff' AS TEXT)"),
        "table bundle: the table cannot be read to its end: … 'utf-8' codec can't decode byte 0xff …",
    )


# How findings are collected


def test_of_many_findings_of_a_kind_the_first_are_listed_and_all_counted(store: Path) -> None:
    apply(store, sql("DELETE FROM claim"))
    result = audited(store)
    assert len(result.findings) == MAX_ALIKE + 1
    assert result.found > 200
    assert result.findings[-1] == Finding(
        f"{result.found - MAX_ALIKE} more of the kind: it is missing, and the log leads to it", "claim"
    )


def test_findings_of_different_kinds_do_not_hide_each_other() -> None:
    findings = Findings()
    for number in range(100):
        findings.add("the same: but not quite", f"row {number}")
    findings.add("another", "row 7")
    assert findings.count == 101
    assert [each.what for each in findings.listed()][-2:] == ["another", "80 more of the kind: the same"]


def test_what_was_not_checked_is_said_once() -> None:
    findings = Findings()
    findings.leave("this")
    findings.leave("this")
    findings.leave("that")
    assert findings.unchecked == ["this", "that"]


def test_the_tables_that_the_audit_reads_are_those_of_the_schema(store: Path) -> None:
    database = apsw.Connection(str(store))
    kinds = {"INTEGER": int, "TEXT": str, "BLOB": bytes}
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == set(TABLES)
    for name, table in TABLES.items():
        info = list(database.execute(f"PRAGMA table_info({name})"))
        assert {row[1]: kinds[row[2]] for row in info} == table.columns
        assert [row[1] for row in info if not (row[3] or row[5])] == (
            [table.nullable] if table.nullable else []
        )
        assert sum(row[5] > 0 for row in info) == table.key
    database.close()


def test_two_bundles_in_each_others_place(tmp_path: Path) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        define(node, "title")
        clock.now += 1
        node.submit(titles(range(700)))

    def change(database: apsw.Connection) -> None:
        for old, new in ((0, 9), (1, 0), (9, 1)):
            database.execute("UPDATE bundle SET number = ? WHERE number = ?", (new, old))

    result = check(
        tmp_path / "store.db",
        change,
        "bundle 0: its form, its bytes or the checksum over them are not those that were stored",
        "bundle 1: its form, its bytes or the checksum over them are not those that were stored",
        "bundle 0: 256 of its entries: its bytes are not those that were sealed",
        "bundle 1: 256 of its entries: its bytes are not those that were sealed",
    )
    assert result.entries == node.store.head.size


def test_a_tile_above_the_first_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with open_node(tmp_path, clock) as node:
        define(node, "log", append=True)
        clock.now += 1
        for _ in range(66):
            node.submit([Proposal("log", "subject", "amend", body={"fields": {}})] * 1000)
    store = tmp_path / "store.db"
    level_1 = 1 << 56
    check(
        store,
        flipped("tile", "hashes", f"place = {level_1}", 40),
        "tile 0 of level 1: its hashes are not those of the tiles below it",
    )
    apply(store, flipped("tile", "hashes", f"place = {level_1}", 40))
    assert audited(store).findings == ()
    # Bundle and tile changed alike: only the tile above still says what they were.
    apply(store, entry(3000, b'"record":"subject"', b'"record":"Subject"', tile=True))
    assert "tile 0 of level 1: its hashes are not those of the tiles below it" in [
        each.sentence for each in audited(store).findings
    ]


def test_checksums_are_over_what_they_say() -> None:
    assert checksum(1, b"a") != checksum(1, "a")
    assert checksum(1, 2) != checksum(12)
    assert bundle_checksum(0, FORM, b"x") != bundle_checksum(1, FORM, b"x")
    assert len(bundle_checksum(0, FORM, b"x")) == 8


def resplit(first: int, at: int) -> Change:
    """Split a row of the tail in two: the second begins with entry `at`."""

    def change(database: apsw.Connection) -> None:
        ((stored,),) = database.execute("SELECT entries FROM tail WHERE first = ?", (first,))
        end = 0
        for _ in range(at - first):
            end += 2 + int.from_bytes(stored[end : end + 2], "big")
        database.execute("UPDATE tail SET entries = ? WHERE first = ?", (stored[:end], first))
        database.execute("INSERT INTO tail VALUES (?, ?)", (at, stored[end:]))

    return change


def test_a_row_of_the_tail_that_begins_within_a_transaction(store: Path) -> None:
    check(store, resplit(423, 440), "tail row 440: no block begins where it does")


def test_rows_of_the_tail_that_were_joined(store: Path) -> None:
    def change(database: apsw.Connection) -> None:
        ((one,),) = database.execute("SELECT entries FROM tail WHERE first = 423")
        ((first, other),) = database.execute("SELECT first, entries FROM tail WHERE first > 423 LIMIT 1")
        database.execute("DELETE FROM tail WHERE first = ?", (first,))
        database.execute("UPDATE tail SET entries = ? WHERE first = 423", (one + other,))

    check(store, change, "tail row 423: a block ends within it")
