"""The state as a block sees it: its own changes over what is stored, and an undo that forgets nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Refused
from counterfoil.ledger.state import Changes, Head, Pending, ReferenceRow, Taken
from counterfoil.ledger.view import View
from counterfoil.proof.entry import encode_proposal
from counterfoil.proof.index import record_key
from tests.ledger_fixture import START, MemoryLedger, MemoryState, change, create

CLAIM, OTHER = b"c" * 32, b"o" * 32
ROW = ReferenceRow(b"t" * 32, "role", b"s" * 32)
KEY = record_key("title", "1")


@pytest.fixture
def view() -> View:
    """A view over a ledger that has begun, in the middle of a block."""
    ledger = MemoryLedger()
    ledger.define("title")
    opened = View(ledger.state, START + 5)
    opened.write(create("title", "1"))
    opened.hold(CLAIM, KEY)
    opened.refer(ROW, True)
    return opened


def stands(view: View) -> dict[str, Any]:
    """What the block has changed so far, copied."""
    return {
        name: value.copy() if isinstance(value := getattr(view.changes, name), dict | list) else value
        for name in Changes.__slots__
    }


def do_everything(view: View) -> None:
    """Change every table: what is new, and what the block changed before."""
    proposal = change("title", "1", 2)
    view.append(KEY, proposal, encode_proposal(proposal), None, view.record(KEY))
    view.write(create("title", "2"))
    view.hold(CLAIM, None)
    view.hold(OTHER, KEY)
    view.refer(ROW, False)
    view.refer(ReferenceRow(b"x" * 32, "role", b"s" * 32), True)
    transaction = MemoryLedger().transaction(create("title", "3"))
    view.wait(transaction.hash, Pending(b"n" * 32, transaction, complete=False))
    view.take(Taken(view.size, 1, b"h" * 32, b"n" * 32, b"{}", b"[]"))


def refuse(view: View, *deeds: Callable[[View], object]) -> None:
    """Do what is asked, and end in a refusal."""
    with view.attempt():
        for deed in deeds:
            deed(view)
        raise Refused("no")


def test_a_refusal_undoes_everything(view: View) -> None:
    before = stands(view)
    during: list[dict[str, Any]] = []
    with pytest.raises(Refused):
        refuse(view, do_everything, lambda view: during.append(stands(view)))
    assert all(during[0][name] != before[name] for name in Changes.__slots__ if name != "head")
    assert stands(view) == before


def test_what_is_called_off_is_undone_and_what_follows_stands(view: View) -> None:
    before = stands(view)
    with view.attempt() as undo:
        do_everything(view)
        undo()
        assert stands(view) == before
        view.write(create("title", "4"))
    assert view.size == view.base + 2
    with pytest.raises(Refused):
        refuse(view, lambda view: view.write(create("title", "5")))
    assert [view.entry(number).record for number in (view.size - 2, view.size - 1)] == ["1", "4"]


def test_what_succeeded_is_not_undone_by_a_later_refusal(view: View) -> None:
    with view.attempt():
        do_everything(view)
    after = stands(view)
    with pytest.raises(Refused):
        refuse(view, lambda view: view.hold(CLAIM, KEY), lambda view: view.refer(ROW, True))
    assert stands(view) == after


def test_an_entry_that_is_too_long_leaves_nothing(view: View) -> None:
    before = stands(view)
    proposal = create("title", "2", text="x" * 70_000)
    with pytest.raises(Malformed, match=r"would have 70\d+ bytes"), view.attempt():
        view.append(record_key("title", "2"), proposal, encode_proposal(proposal), None, None)
    assert stands(view) == before


def test_the_block_reads_its_own_changes(view: View) -> None:
    do_everything(view)
    latest = view.latest("title", "1")
    assert latest is not None
    assert (latest.version, latest.number) == (2, view.base + 1)
    assert view.latest("title", "nothing") is None
    assert view.entry(0).register == ".parameter"
    assert (view.claim(CLAIM), view.claim(OTHER)) == (None, KEY)
    (transaction,) = view.changes.pending
    assert view.pending(transaction) is view.changes.pending[transaction]
    view.wait(transaction, None)
    assert view.pending(transaction) is None


SOURCES = st.sets(st.binary(min_size=1, max_size=1), max_size=6)


@given(stored=SOURCES, added=SOURCES, removed=SOURCES, limit=st.integers(1, 8))
def test_who_refers_to_a_record_is_told_in_order_up_to_a_limit(
    stored: set[bytes], added: set[bytes], removed: set[bytes], limit: int
) -> None:
    state = MemoryState()
    state.references = {ReferenceRow(b"t", "role", each) for each in stored}
    view = View(state, START)
    with view.attempt():
        for each in stored & removed:
            view.refer(ReferenceRow(b"t", "role", each), False)
        for each in added - stored:
            view.refer(ReferenceRow(b"t", "role", each), True)
    assert view.referring(b"t", "role", limit) == sorted((stored - removed) | (added - stored))[:limit]
    assert view.referring(b"t", "another", limit) == []


def test_time_is_the_blocks_unless_that_would_step_back(view: View) -> None:
    assert (view.time, view.time_text) == (START + 5, "2026-11-23T10:00:05Z")
    assert View(view.state, 0).time == START
    assert view.finish().head == Head(view.base + 1, START + 5, view.index, START)
