"""Every change to what is stored of items is named, with the entry concerned; with their keys, what they hold too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.store.audit.audit import Audited, audit_store
from counterfoil.store.audit.items import OpenPart
from counterfoil.store.items import ERASED, SealedPart, contents, read_contents
from counterfoil.store.schema import statements
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.changes import Change, apply, every, flipped, sql
from tests.store.item_sample import SEALER
from tests.store.sample import Clock, open_node
from tests.store.test_erasure import FIRST

ELSEWHERE = "items that are kept elsewhere (1)"
UNOPENED = "what items hold whose keys are not here"


@pytest.fixture
def store(items_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(items_home, tmp_path / "home")) / "store.db"


def audited(store: Path, open_part: OpenPart | None = None) -> Audited:
    with closing(Sqlite(store, read_only=True, untouched=True)) as database:
        return audit_store(database, store, open_part=open_part)


def sentences(store: Path, open_part: OpenPart | None = None) -> list[str]:
    return [each.sentence for each in audited(store, open_part).findings]


def rewritten(number: int, edit: Callable[[list[SealedPart]], list[SealedPart]]) -> Change:
    """Change an item's parts as somebody would who makes the checksum fit: `edit` is given the list of them."""

    def change(database: apsw.Connection) -> None:
        query = "SELECT parts, tokens, checksum FROM item WHERE number = ?"
        ((parts, tokens, sum_),) = database.execute(query, (number,))
        before, found = read_contents(number, (parts, tokens, sum_))
        after = contents(number, edit(list(before)), found)
        database.execute(
            "UPDATE item SET parts = ?, tokens = ?, checksum = ? WHERE number = ?", (*after, number)
        )

    return change


def test_a_sound_store_says_what_it_could_not_check(store: Path) -> None:
    result = audited(store)
    assert (result.findings, result.unchecked[0]) == ((), ELSEWHERE)
    result = audited(store, SEALER.open)
    assert (result.findings, result.unchecked[:2]) == ((), (ELSEWHERE, f"{UNOPENED} (1)"))


NAME = f"item row {FIRST + 2}: person 'P2', version 1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (flipped("item", "parts", f"number = {FIRST + 2}", 40), [f"{NAME}: its item is not what was stored"]),
        (flipped("item", "tokens", f"number = {FIRST + 2}"), [f"{NAME}: its item is not what was stored"]),
        (flipped("item", "checksum", f"number = {FIRST + 2}"), [f"{NAME}: its item is not what was stored"]),
        (
            sql(f"INSERT INTO item SELECT 3, parts, tokens, checksum FROM item WHERE number = {FIRST + 13}"),
            ["item row 3: an item is stored that no entry brought"],
        ),
        (
            sql("UPDATE item_waiting SET checksum = x'0000000000000000'"),
            ["item_waiting row …: the item is not what was stored"],
        ),
        (
            sql("DELETE FROM item_waiting"),
            ["item_waiting row …: a waiting transaction names the item, and it is not stored"],
        ),
        (
            sql("INSERT INTO item_waiting SELECT zeroblob(32), parts, tokens, checksum FROM item_waiting"),
            [
                "item_waiting row 0000…: the item is not what was stored",
                "item_waiting row 0000…: an item waits that no waiting transaction names",
            ],
        ),
        (
            sql("INSERT INTO blind VALUES (99, 3)"),
            ["blind row 99: it is stored, and no item's row leads to it"],
        ),
        (
            sql(f"DELETE FROM blind WHERE number = {FIRST + 2} AND token = 7"),
            ["blind row 7: it is missing, and its item's row leads to it"],
        ),
        (sql("UPDATE blind_end SET number = 3"), ["blind_end row 0: it is not what was stored", "…", "…"]),
        (
            sql("INSERT INTO scrubbed VALUES (0, 1, x'0000000000000000')"),
            [
                "store.db: the header's schema cookie is 19, and must be 20",
                "scrubbed row 0: it is not what was stored",
            ],
        ),
    ],
)
def test_each_change_is_named(store: Path, change: Change, expected: list[str]) -> None:
    apply(store, change)
    found = sentences(store)
    assert len(found) >= len(expected)
    for one, pattern in zip(found, expected, strict=False):
        start, _, end = pattern.partition("…")
        assert one.startswith(start), (one, pattern)
        assert one.endswith(end), (one, pattern)


def test_an_item_that_is_gone_is_named_once_and_so_are_its_tokens(store: Path) -> None:
    apply(store, sql(f"DELETE FROM item WHERE number = {FIRST + 2}"))
    found = sentences(store)
    assert found[0] == f"{NAME}: the item that it names is not stored"
    assert {each.partition(": ")[2] for each in found[1:]} == {"it is stored, and no item's row leads to it"}
    assert len(found) == 4


def test_a_part_that_was_removed_needs_an_erase_entry(store: Path) -> None:
    def empty(parts: list[SealedPart]) -> list[SealedPart]:
        return [SealedPart(parts[0].slot, ERASED, b"", b""), *parts[1:]]

    apply(store, every(rewritten(FIRST + 2, empty), rewritten(FIRST + 4, empty)))
    assert sentences(store) == [
        f"{NAME}: a part of its item was removed, and no later entry of its record erases it"
    ]


def test_an_erased_part_keeps_nothing_but_digests(store: Path) -> None:
    apply(store, rewritten(FIRST + 6, lambda parts: [SealedPart(0, ERASED, b"who", b""), *parts[1:]]))
    assert sentences(store) == [
        f"item row {FIRST + 6}: person 'P6', version 1: more is left of an erased part of its item than the digests "
        "of its fields"
    ]


def test_an_item_with_two_parts_of_one_slot(store: Path) -> None:
    apply(store, rewritten(FIRST + 2, lambda parts: [*parts, parts[0]]))
    assert sentences(store) == [f"{NAME}: its item has two parts of one slot"]


def test_with_the_keys_a_part_that_somebody_replaced_is_named(store: Path) -> None:
    other = SEALER.seal("P2", {1: {"name": "Somebody else"}})
    apply(store, rewritten(FIRST + 2, lambda parts: [parts[0], other.parts[0]]))
    assert sentences(store) == []
    assert sentences(store, SEALER.open) == [
        f"{NAME}: the fields of its item are not those that it commits to"
    ]


def test_with_the_keys_ciphertext_that_does_not_open_is_named_by_its_part(store: Path) -> None:
    def spoil(parts: list[SealedPart]) -> list[SealedPart]:
        one = parts[1]
        return [parts[0], SealedPart(one.slot, one.key, one.subject, one.sealed[:-1] + b"?")]

    apply(store, rewritten(FIRST + 2, spoil))
    assert sentences(store, SEALER.open) == [
        f"{NAME}: part 1 of its item is not what was sealed: it does not open under its key"
    ]


def test_with_the_keys_the_rest_of_an_item_is_still_checked_after_an_erasure(store: Path) -> None:
    def swap(parts: list[SealedPart]) -> list[SealedPart]:
        return [SealedPart(0, ERASED, b"", bytes(32)), *parts[1:]]

    apply(store, rewritten(FIRST + 4, swap))
    assert sentences(store, SEALER.open) == [
        f"item row {FIRST + 4}: person 'P4', version 1: the fields of its item are not those that it commits to"
    ]


def test_keys_that_are_elsewhere_are_counted(store: Path) -> None:
    result = audited(store, lambda part, entry: None)
    assert result.findings == ()
    # All of P0 to P11 but P6, whose fields are gone; P5's second version; and one guardian that was taken.
    assert f"{UNOPENED} (14)" in result.unchecked


# A store of before there were items


def made_old(store: Path) -> None:
    """Make it one of the first version, whose entries name items that it never had."""
    tables = ("item", "item_waiting", "blind", "blind_end", "scrubbed")
    apply(
        store,
        every(
            *[sql(f"DROP TABLE {name}") for name in tables],
            sql("PRAGMA user_version=1"),
            sql(f"PRAGMA schema_version={len(statements(1))}"),
        ),
    )


def test_an_old_store_is_audited_and_read_as_it_is(store: Path) -> None:
    made_old(store)
    assert audit_home(Home(store.parent)).findings == ()
    with closing(Sqlite(store, read_only=True)) as database:
        opened = Store(database, read_only=True)
        assert (opened.item(FIRST), opened.search(7), opened.waiting_item(bytes(32))) == ((), [], ())


def test_an_old_store_says_once_it_is_opened_that_its_items_are_elsewhere(store: Path) -> None:
    made_old(store)
    open_node(store.parent, Clock()).close()
    result = audit_home(Home(store.parent))
    assert result.findings == ()
    # P0 to P12 with P5's second version, and the guardian that was taken.
    assert "items that are kept elsewhere (15)" in result.unchecked
