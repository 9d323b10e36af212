"""What was erased is gone from the store's files, byte for byte; the log and the audit go on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from counterfoil.engine.submission import Submission
from counterfoil.errors import Busy
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.store.schema import CREATE
from counterfoil.store.sqlite import Sqlite
from tests.store.item_sample import SEALER
from tests.store.sample import Clock, audited, open_node
from tests.store.sealed import person, tokens_of
from tests.store.test_items import submit


@pytest.fixture
def folder(items_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(items_home, tmp_path / "home"))


@pytest.fixture
def node(folder: Path) -> Iterator[Node]:
    with open_node(folder, Clock()) as opened:
        yield opened


FIRST = 8
"""The number of the sample's first person's entry."""


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("store.db*")))


def erase_person(node: Node, number: int) -> list[bytes]:
    """Erase one of the sample's persons as a registrar does; gives the bytes that must be gone."""
    entry = node.entry(FIRST + number)
    gone = node.store.item(entry.number)
    node.submit([Proposal("person", entry.record, "erase", 2, status="alive", item=entry.item)])
    tokens = [(token, entry.number) for token in tokens_of(number)]
    node.store.erase_parts([(entry.number, part.slot) for part in gone], tokens)
    return [each for part in gone for each in (part.sealed, part.subject)]


def test_no_byte_of_it_stays_in_the_files(node: Node) -> None:
    gone = erase_person(node, 7)
    node.store.scrub()
    stored = bytes_of(node.home.folder)
    assert len(gone) == 4
    assert [each for each in gone if each in stored] == []
    assert (7 << 20).to_bytes(8, "big") not in stored
    assert audit_home(node.home).findings == ()


def test_a_store_that_was_scrubbed_is_as_it_must_be_however_often(folder: Path) -> None:
    for number in (7, 8):
        with open_node(folder, Clock()) as node:
            erase_person(node, number)
            node.store.scrub()
    result = audit_home(Home(folder))
    assert result.findings == ()
    with closing(Sqlite(folder / "store.db", read_only=True)) as database:
        assert database.row("PRAGMA schema_version") == (len(CREATE) + 2,)
        assert database.row("SELECT times FROM scrubbed") == (2,)


def test_what_waits_of_the_index_is_erased_too(node: Node) -> None:
    item = SEALER.seal("P20", {0: {"a": 1}}, [1234567])
    (receipt,) = submit(node, Submission([person("P20", item)], items=[item]))
    node.submit([person("P20", item, 2, "erase")])
    node.store.erase_parts([(receipt.first, 0)], [(1234567, receipt.first)])
    node.store.reload()
    assert node.store.search(1234567) == []
    assert audit_home(node.home).findings == ()


def test_somebody_who_reads_an_older_view_is_waited_for(node: Node) -> None:
    node.store.database._connection.set_busy_timeout(1)  # type: ignore[attr-defined]  # so that nobody waits here
    with node.snapshot() as snapshot:
        assert len(snapshot.item(FIRST + 7)) == 2
        gone = erase_person(node, 7)
        with pytest.raises(Busy, match=r"somebody reads an older view of .*; wait until that has ended"):
            node.store.scrub()
    node.store.scrub()
    stored = bytes_of(node.home.folder)
    assert [each for each in gone if each in stored] == []


def test_a_crash_between_rewriting_and_counting_is_made_up_for_at_the_next_start(folder: Path) -> None:
    with open_node(folder, Clock()) as node:
        node.store.database.rewrite()
    assert [each.what for each in audited(folder).findings] == [
        f"the header's schema cookie is {len(CREATE) + 1}, and must be {len(CREATE)}"
    ]
    open_node(folder, Clock()).close()
    assert audited(folder).findings == ()


def test_scrubbing_leaves_every_other_row_as_it_was(node: Node) -> None:
    before = list(node.store.database.query("SELECT * FROM item ORDER BY number"))
    found = node.store.search(7)
    node.store.scrub()
    assert list(node.store.database.query("SELECT * FROM item ORDER BY number")) == before
    assert node.store.search(7) == found
