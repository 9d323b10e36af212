"""One thread writes what many ask for: each is answered for itself, whatever becomes of those beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Busy, Conflict, Malformed, NotFound, Unavailable
from counterfoil.ledger.command import Standing
from counterfoil.node import Node
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from counterfoil.web import writer as writing
from counterfoil.web.writer import Writer
from tests.gateway.witness_served import until

SECONDS = 20


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.open(tmp_path / "home") as opened:
        fields = {"title": "Trees", "authority": opened.agency}
        opened.submit([Proposal(".register", "tree", "create", 1, body={"fields": fields})])
        yield opened


@pytest.fixture(autouse=True)
def _unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index entry comes by itself, however slow the machine is, but where a test is about that."""
    monkeypatch.setattr(writing, "SETTLE_SECONDS", 600.0)


def tree(name: str, *others: str) -> Submission:
    return Submission(
        [Proposal("tree", each, "create", 1, body={"fields": {"kind": "oak"}}) for each in (name, *others)]
    )


class Held:
    """A writer that is busy with something until it is let go, so that what is asked meanwhile waits together."""

    def __init__(self, writer: Writer):
        self.writer = writer
        self._busy, self._go = threading.Event(), threading.Event()

    async def hold(self) -> asyncio.Task[Any]:
        task = asyncio.create_task(self.writer.run(self._wait))
        assert await asyncio.to_thread(self._busy.wait, SECONDS)
        return task

    def _wait(self) -> None:
        self._busy.set()
        assert self._go.wait(SECONDS)

    def let_go(self) -> None:
        self._go.set()


@contextmanager
def started(node: Node, stored: Callable[[], None] = lambda: None) -> Iterator[Writer]:
    writer = Writer(node, stored)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


async def together(writer: Writer, *submissions: Submission) -> list[Any]:
    """Have submissions wait together, so that they are one block; the answer to each."""
    held = Held(writer)
    holding = await held.hold()
    asked = [asyncio.create_task(writer.submit(each)) for each in submissions]
    await asyncio.sleep(0)
    assert writer.waiting == len(submissions)
    held.let_go()
    await holding
    return await asyncio.gather(*asked, return_exceptions=True)


def names(node: Node) -> set[str]:
    """The trees that are stored."""
    numbers = range(node.store.head.size)
    return {entry.record for entry in map(node.entry, numbers) if entry.register == "tree"}


def test_each_of_a_block_is_answered_for_itself(node: Node) -> None:
    refused = [
        tree("1"),
        Submission([Proposal("tree", "deed", "create", 1, document=digest(b"deed"))]),
        Submission([Proposal("tree", "2", "create", 1, body={"fields": {"kind": 0.1}})]),
        Submission([]),
        Submission([Proposal("nothing", "1", "create", 1, body={"fields": {}})]),
    ]
    blocks: list[int] = []
    with started(node, lambda: blocks.append(node.store.head.size)) as writer:
        answers = asyncio.run(together(writer, tree("1"), *refused, tree("3"), tree("4", "5")))
    assert all(isinstance(answers[place], Receipt) for place in (0, 6, 7))
    assert isinstance(answers[1], Conflict)
    assert isinstance(answers[2], NotFound)
    assert all(isinstance(each, Exception) for each in answers[1:6])
    assert [answers[place].count for place in (0, 6, 7)] == [1, 1, 2]
    assert [answers[place].first for place in (6, 7)] == [answers[0].first + 1, answers[0].first + 2]
    assert names(node) == {"1", "3", "4", "5"}
    # The one that held the writer, and all the others.
    assert blocks[:2] == [answers[0].first, answers[0].first + 4]


def test_one_that_nobody_foresaw_does_not_harm_those_beside_it(node: Node) -> None:
    broken = Submission(tree("x").proposals, expectations=[object()])  # type: ignore[list-item]  # the point of it
    with started(node) as writer:
        answers = asyncio.run(together(writer, *(tree(str(n)) for n in range(20)), broken, tree("last")))
        assert asyncio.run(writer.submit(tree("after"))).standing is Standing.TAKEN
    assert [type(each) for each in answers] == [Receipt] * 20 + [type(answers[20])] + [Receipt]
    assert isinstance(answers[20], AttributeError | TypeError)
    assert names(node) == {*map(str, range(20)), "last", "after"}


def test_a_machine_that_refuses_refuses_each(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def full(submissions: list[Submission]) -> list[Any]:
        tried.append(len(submissions))
        raise Unavailable("the disk is full")

    with started(node) as writer, monkeypatch.context() as patched:
        patched.setattr(node, "submit_all", full)
        answers = asyncio.run(together(writer, *(tree(str(n)) for n in range(5))))
    assert [str(each) for each in answers] == ["the disk is full"] * 5
    assert tried == [5]


def test_what_was_submitted_is_stored_also_when_its_client_has_gone(node: Node) -> None:
    complaints: list[dict[str, Any]] = []

    async def leave(writer: Writer) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        held = Held(writer)
        holding = await held.hold()
        gone = [asyncio.create_task(writer.submit(tree(name))) for name in ("1", "1", "2")]
        await asyncio.sleep(0)
        for each in gone:
            each.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        stays = asyncio.create_task(writer.submit(tree("3")))
        await asyncio.sleep(0)
        held.let_go()
        await holding
        await stays

    with started(node) as writer:
        asyncio.run(leave(writer))
    assert names(node) == {"1", "2", "3"}
    assert complaints == []


def test_where_too_many_wait_one_more_is_told_to_come_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_WAITING", 3)

    async def ask(writer: Writer) -> None:
        held = Held(writer)
        holding = await held.hold()
        waiting = [asyncio.create_task(writer.submit(tree(str(n)))) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match=r"^3 requests wait to be stored; try again in a second$"):
            await writer.submit(tree("one more"))
        held.let_go()
        await asyncio.gather(holding, *waiting)
        await writer.submit(tree("later"))

    with started(node) as writer:
        asyncio.run(ask(writer))
    assert names(node) == {"0", "1", "2", "later"}


def test_what_waits_when_it_is_stopped_is_written_and_answered(node: Node) -> None:
    async def stop(writer: Writer) -> list[Receipt]:
        held = Held(writer)
        holding = await held.hold()
        waiting = [asyncio.create_task(writer.submit(tree(str(n)))) for n in range(50)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(asyncio.to_thread(writer.stop))
        while not writer._closed:
            await asyncio.sleep(0.001)
        with pytest.raises(Unavailable, match="closing"):
            await writer.submit(tree("too late"))
        held.let_go()
        await asyncio.gather(stopping, holding)
        return await asyncio.gather(*waiting)

    with started(node) as writer:
        answers = asyncio.run(stop(writer))
    assert [each.standing for each in answers] == [Standing.TAKEN] * 50
    assert names(node) == {*map(str, range(50))}


def test_what_waits_is_written_also_when_nobody_can_be_told(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_BLOCK", 2)
    with started(node) as writer:
        held = Held(writer)

        async def leave() -> None:
            await held.hold()
            for number in range(6):
                asyncio.create_task(writer.submit(tree(str(number))))  # noqa: RUF006  # the loop ends before it does
            await asyncio.sleep(0)

        asyncio.run(leave())
        held.let_go()
        writer.stop()
    assert names(node) == {*map(str, range(6))}


def test_each_is_answered_in_the_event_loop_that_asked(node: Node) -> None:
    answers: list[Receipt] = []

    async def ask(writer: Writer, who: int) -> None:
        answers.extend([await writer.submit(tree(f"{who}.{number}")) for number in range(20)])

    with started(node) as writer:
        threads = [threading.Thread(target=lambda w=who: asyncio.run(ask(writer, w))) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    assert len({each.first for each in answers}) == len(answers) == 80
    assert len(names(node)) == 80


def test_a_block_holds_no_more_entries_than_readers_can_wait_for(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_ENTRIES", 5)
    blocks: list[int] = []
    submissions = [tree(*(f"{one}.{two}" for two in range(3))) for one in range(4)]
    with started(node, lambda: blocks.append(len(names(node)))) as writer:
        asyncio.run(together(writer, *submissions))
    assert blocks[:3] == [0, 6, 12]


def test_an_idle_log_gains_an_index_entry_and_then_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SETTLE_SECONDS", 0.02)
    stored: list[int] = []
    with started(node, lambda: stored.append(node.store.head.size)) as writer:
        receipt: Receipt = asyncio.run(writer.submit(tree("1")))
        until(lambda: len(stored) > 1, "the log is settled")
        size = node.store.head.size
        assert node.entry(size - 1).register == ".index"
        assert size == receipt.first + 2
        # It waits without a time limit now, and only for the next request.
        assert asyncio.run(writer.run(lambda: node.store.head.size)) == size


def test_nothing_that_goes_wrong_beside_a_block_ends_the_writer(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SETTLE_SECONDS", 0.02)
    settle, failures = node.settle, [RuntimeError("settling"), Unavailable("full")]

    def settled() -> None:
        if failures:
            raise failures.pop(0)
        settle()

    def stored() -> None:
        raise RuntimeError("told")

    monkeypatch.setattr(node, "settle", settled)
    with capture_logs() as logs, started(node, stored) as writer:
        until(lambda: not failures, "both failures have happened")
        assert asyncio.run(writer.submit(tree("1"))).standing is Standing.TAKEN
        until(lambda: node.entry(node.store.head.size - 1).register == ".index", "it is settled after all")
    # What the machine refuses is for who writes; what nobody foresaw is for the log.
    assert {str(each["exc_info"]) for each in logs} == {"settling", "told"}


def test_other_work_has_its_turn_and_its_error(node: Node) -> None:
    def fail() -> None:
        raise Malformed("no")

    with started(node) as writer:
        assert asyncio.run(writer.run(lambda: threading.current_thread().name)) == "writer"
        with pytest.raises(Malformed, match=r"^no$"):
            asyncio.run(writer.run(fail))


def test_stopping_twice_is_stopping(node: Node) -> None:
    with started(node) as writer:
        writer.stop()
        writer.stop()
    with pytest.raises(Unavailable, match="this node is closing; ask again when it runs"):
        asyncio.run(writer.submit(tree("1")))


def test_a_thread_that_may_wait_submits_and_shares_the_block(node: Node) -> None:
    async def three(writer: Writer) -> list[Any]:
        held = Held(writer)
        holding = await held.hold()
        threads = [
            asyncio.create_task(asyncio.to_thread(writer.submit_from_thread, tree(name)))
            for name in ("a", "b", "a")
        ]
        await asyncio.to_thread(until, lambda: writer.waiting == 3, "three wait")
        held.let_go()
        await holding
        return await asyncio.gather(*threads, return_exceptions=True)

    with started(node) as writer:
        answers = asyncio.run(three(writer))
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Receipt", "Receipt"]
    with pytest.raises(Unavailable, match="is closing"):
        writer.submit_from_thread(tree("c"))
