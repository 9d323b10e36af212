"""Items are stored with the block that names them, wait with its transaction, and leave with it if it is not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Conflict, Damaged, Malformed
from counterfoil.node import Node
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.instant import instant_text
from counterfoil.store.items import ERASED, SealedItem, StoredPart
from tests.store.sample import COURT, COURT_KEY, DAY, LAND, Clock, define, open_node
from tests.store.sealed import Sealer, person, tokens_of

BOTH = {"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(tmp_path: Path, clock: Clock) -> Iterator[Node]:
    with open_node(tmp_path, clock) as opened:
        define(opened, "person")
        yield opened


@pytest.fixture
def jointly(node: Node) -> Node:
    """An installation in which the register of persons needs the court too."""
    body = {"fields": {"name": "Court", "endorse": [COURT_KEY.public.text]}}
    node.submit([Proposal(".agency", COURT, "create", 1, body=body)])
    amended = {"fields": {"title": "person", "authority": LAND, "policy": BOTH}}
    node.submit([Proposal(".register", "person", "amend", 2, body=amended)])
    return node


@pytest.fixture
def sealer() -> Sealer:
    return Sealer()


def submit(node: Node, *submissions: Submission) -> list[Receipt]:
    answers = node.submit_all(submissions)
    for each in answers:
        if not isinstance(each, Receipt):
            raise each
    return [each for each in answers if isinstance(each, Receipt)]


def parts_of(item: SealedItem, number: int) -> tuple[StoredPart, ...]:
    return tuple(StoredPart(number, each.slot, each.key, each.subject, each.sealed) for each in item.parts)


def waiting_rows(node: Node) -> list[bytes]:
    return [row[0] for row in node.store.database.query("SELECT commitment FROM item_waiting")]


def test_an_entry_brings_its_item_and_its_tokens_find_it(node: Node, sealer: Sealer) -> None:
    items = [sealer.seal(f"P{each}", {0: {"a": 1}, 2: {"b": 2}}, tokens_of(each)) for each in range(3)]
    receipts = submit(
        node, *[Submission([person(f"P{each}", items[each])], items=[items[each]]) for each in range(3)]
    )
    for each, receipt in enumerate(receipts):
        assert node.store.item(receipt.first) == parts_of(items[each], receipt.first)
        assert node.store.search(tokens_of(each)[0]) == [receipt.first]
    assert node.store.search(7) == [receipt.first for receipt in receipts]
    assert node.store.search(8) == []


def test_an_item_that_did_not_come_is_kept_elsewhere(node: Node, sealer: Sealer) -> None:
    receipt = node.submit([person("P1", sealer.seal("P1", {0: {"a": 1}}))])
    assert node.store.item(receipt.first) == ()
    assert node.store.database.row("SELECT number FROM item") == (receipt.first,)


def test_a_version_that_repeats_the_item_brings_none(node: Node, sealer: Sealer) -> None:
    item = sealer.seal("P1", {0: {"a": 1}}, [9])
    first = submit(node, Submission([person("P1", item)], items=[item]))[0].first
    closed = node.submit([person("P1", item, 2, "close")]).first
    assert node.store.item(closed) == ()
    assert [row[0] for row in node.store.database.query("SELECT number FROM item")] == [first]
    assert node.store.search(9) == [first]


def test_an_item_that_no_proposal_names_is_refused_before_anything_is_stored(
    node: Node, sealer: Sealer
) -> None:
    named, other = sealer.seal("P1", {0: {"a": 1}}), sealer.seal("P1", {0: {"a": 2}})
    size = node.store.head.size
    (answer,) = node.submit_all([Submission([person("P1", named)], items=[other])])
    assert isinstance(answer, Malformed)
    assert str(answer).startswith("no proposal names the item sha256:")
    assert node.store.head.size == size


def test_a_transaction_that_is_refused_leaves_no_item(node: Node, sealer: Sealer) -> None:
    one, other = sealer.seal("P1", {0: {"a": 1}}, [1]), sealer.seal("P1", {0: {"a": 2}}, [2])
    taken, refused = node.submit_all(
        [Submission([person("P1", one)], items=[one]), Submission([person("P1", other)], items=[other])]
    )
    assert isinstance(taken, Receipt)
    assert isinstance(refused, Conflict)
    assert node.store.item(taken.first) == parts_of(one, taken.first)
    assert (node.store.search(1), node.store.search(2)) == ([taken.first], [])
    assert node.store.database.row("SELECT COUNT(*) FROM item") == (1,)


def test_a_request_that_is_repeated_stores_nothing(node: Node, sealer: Sealer) -> None:
    one, again = (sealer.seal("P1", {0: {"a": 1}}, [token]) for token in (1, 2))
    asked = [
        Submission([person("P1", item)], idempotency_key="once", request=b"the same", items=[item])
        for item in (one, again)
    ]
    (first,), (repeated,) = submit(node, asked[0]), submit(node, asked[1])
    assert repeated.transaction == first.transaction
    assert node.store.search(2) == []
    assert node.store.database.row("SELECT COUNT(*) FROM item") == (1,)


def test_an_item_waits_with_its_transaction_and_is_moved_when_it_is_taken(
    jointly: Node, sealer: Sealer
) -> None:
    item = sealer.seal("P1", {0: {"a": 1}}, [5])
    (waits,) = submit(jointly, Submission([person("P1", item)], items=[item]))
    assert jointly.store.waiting_item(item.commitment) == parts_of(item, -1)
    assert jointly.store.search(5) == []
    jointly.endorse(waits.transaction, COURT_KEY)
    number = jointly.store.search(5)[0]
    assert jointly.store.item(number) == parts_of(item, number)
    assert unlabelled(jointly.entry(number).item or "") == item.commitment
    assert waiting_rows(jointly) == []


def test_an_item_that_did_not_come_with_what_waits_is_kept_elsewhere_then(
    jointly: Node, sealer: Sealer
) -> None:
    item = sealer.seal("P1", {0: {"a": 1}})
    waits = jointly.submit([person("P1", item)])
    assert jointly.store.waiting_item(item.commitment) == ()
    assert waiting_rows(jointly) == [item.commitment]
    jointly.endorse(waits.transaction, COURT_KEY)
    assert waiting_rows(jointly) == []


@pytest.mark.parametrize("ending", ["withdrawn", "lapsed", "refused"])
def test_an_item_is_gone_when_what_it_waited_with_is(
    jointly: Node, sealer: Sealer, clock: Clock, ending: str
) -> None:
    item, other = (sealer.seal("P1", {0: {"a": each}}, [each]) for each in (1, 2))
    asked = Submission([person("P1", item)], items=[item], deadline=instant_text(clock.now + 10))
    (waits,) = submit(jointly, asked)
    assert waiting_rows(jointly) == [item.commitment]
    if ending == "withdrawn":
        jointly.withdraw(waits.transaction)
    elif ending == "lapsed":
        clock.now += DAY
        define(jointly, "later")
    else:
        submit(jointly, Submission([person("P1", other)], keys=[COURT_KEY], items=[other]))
        with pytest.raises(Conflict):
            jointly.endorse(waits.transaction, COURT_KEY)
    assert waiting_rows(jointly) == []
    assert jointly.store.search(1) == []


def test_an_item_that_two_waiting_transactions_name_stays_for_the_other(
    jointly: Node, sealer: Sealer
) -> None:
    item = sealer.seal("P1", {0: {"a": 1}}, [5])
    one, other = submit(jointly, *[Submission([person("P1", item)], items=[item]) for _ in range(2)])
    jointly.withdraw(one.transaction)
    assert waiting_rows(jointly) == [item.commitment]
    jointly.endorse(other.transaction, COURT_KEY)
    assert [part.key for part in jointly.store.item(jointly.store.search(5)[0])] == [1]


def test_what_failed_while_it_was_stored_left_nothing_and_goes_in_the_second_time(
    node: Node, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = sealer.seal("P1", {0: {"a": 1}}, [5])

    def refuse(*_: object) -> None:
        raise Damaged("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr("counterfoil.store.store.write_head", refuse)
        with pytest.raises(Damaged, match="the disk is gone"):
            node.submit_all([Submission([person("P1", item)], items=[item])])
    assert node.store.search(5) == []
    assert node.store.database.row("SELECT COUNT(*) FROM item") == (0,)
    (receipt,) = submit(node, Submission([person("P1", item)], items=[item]))
    assert node.store.search(5) == [receipt.first]


def test_a_row_that_was_changed_is_not_served(node: Node, sealer: Sealer) -> None:
    item = sealer.seal("P1", {0: {"a": 1}})
    (receipt,) = submit(node, Submission([person("P1", item)], items=[item]))
    node.store.database.execute("UPDATE item SET tokens = x'0000000000000001'")
    with pytest.raises(Damaged, match=f"the item of entry {receipt.first} is not what was stored; run"):
        node.store.item(receipt.first)


def test_what_is_erased_leaves_digests_and_is_found_no_more(node: Node, sealer: Sealer) -> None:
    item = sealer.seal("P1", {0: {"a": 1}, 1: {"b": 2}}, [5, 6])
    number = submit(node, Submission([person("P1", item)], items=[item]))[0].first
    gone = sealer.digests(node.store.item(number)[1], "P1")
    node.store.erase_parts([(number, 1)], [(5, number)], digests={(number, 1): gone})
    kept, erased = node.store.item(number)
    assert kept == parts_of(item, number)[0]
    assert erased == StoredPart(number, 1, ERASED, b"", gone[0])
    assert (node.store.search(5), node.store.search(6)) == ([], [number])
    node.store.erase_parts([(number, 1)], [(5, number)])
    assert node.store.item(number) == (kept, erased)


def test_what_is_erased_while_it_waits_is_taken_without_it(jointly: Node, sealer: Sealer) -> None:
    item = sealer.seal("P1", {0: {"a": 1}, 1: {"b": 2}}, [5])
    (waits,) = submit(jointly, Submission([person("P1", item)], items=[item]))
    jointly.store.erase_parts([], waiting=[(item.commitment, 1)])
    assert [each.key for each in jointly.store.waiting_item(item.commitment)] == [1, ERASED]
    jointly.endorse(waits.transaction, COURT_KEY)
    assert jointly.store.search(5) == []
    (number,) = (row[0] for row in jointly.store.database.query("SELECT number FROM item"))
    assert [each.key for each in jointly.store.item(number)] == [1, ERASED]


def without_parts(item: SealedItem) -> SealedItem:
    return msgspec.structs.replace(item, parts=())


def one_slot_twice(item: SealedItem) -> SealedItem:
    return msgspec.structs.replace(item, parts=item.parts * 2)


def under_the_mark_of_an_erased_part(item: SealedItem) -> SealedItem:
    return msgspec.structs.replace(item, parts=(msgspec.structs.replace(item.parts[0], key=ERASED),))


def with_a_token_beyond_64_bits(item: SealedItem) -> SealedItem:
    return msgspec.structs.replace(item, tokens=(1 << 63,))


@pytest.mark.parametrize(
    "spoil",
    [without_parts, one_slot_twice, under_the_mark_of_an_erased_part, with_a_token_beyond_64_bits],
)
def test_an_item_that_cannot_be_stored_is_refused_and_disturbs_no_other(
    node: Node, sealer: Sealer, spoil: Callable[[SealedItem], SealedItem]
) -> None:
    bad, good = (
        sealer.seal("P1", {0: {"a": 1}}),
        sealer.seal("P2", {0: {"a": 1}}, [-(1 << 63), (1 << 63) - 1]),
    )
    refused, taken = node.submit_all(
        [Submission([person("P1", bad)], items=[spoil(bad)]), Submission([person("P2", good)], items=[good])]
    )
    assert isinstance(refused, Malformed)
    assert "seal it anew" in str(refused)
    assert isinstance(taken, Receipt)
    assert node.store.search(-(1 << 63)) == [taken.first]
