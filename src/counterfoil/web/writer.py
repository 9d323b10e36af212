"""How requests write: one thread submits what waits as one block, so that many clients share a flush to the disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

import structlog

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Busy, CounterfoilError, Unavailable
from counterfoil.node import Node

MAX_WAITING: Final = 1_024
"""How many requests may wait to be stored; one more is told to come again."""
MAX_BLOCK = 256
"""The most requests in one block."""
MAX_ENTRIES: Final = 4_096
"""How many entries a block has at most before its last request: who reads the store waits while it is stored."""
SETTLE_SECONDS: Final = 1.0
"""How long after the last block the log is given an index entry, so that what it holds can be proved current."""


class Waiting(NamedTuple):
    """What waits; `loop` is the event loop of who waits for it, None where that is a thread."""

    work: Submission | Callable[[], Any]
    loop: asyncio.AbstractEventLoop | None
    answer: asyncio.Future[Any] | Future[Any]


class Writer:
    """The one thread that writes. `stored` is called in it after each block.

    Where the node was opened for reading, there is none, and every request is refused.
    """

    def __init__(self, node: Node, stored: Callable[[], None] = lambda: None):
        self._node = node
        self._stored = stored
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._door = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Begin to write."""
        if not self._node.read_only:
            self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if not self._node.read_only:
            self._thread.join()

    async def submit(self, submission: Submission) -> Receipt:
        """As `Node.submit`: returns once it is stored for good. Raises `Busy` where too many wait."""
        receipt: Receipt = await self._wait_for(submission)
        return receipt

    def submit_from_thread(self, submission: Submission) -> Receipt:
        """The same for a thread that may wait, which is none that runs an event loop."""
        answer: Future[Receipt] = Future()
        self._put(Waiting(submission, None, answer))
        return answer.result()

    async def run(self, work: Callable[[], Any]) -> Any:
        """Run something else that writes, in its turn."""
        return await self._wait_for(work)

    @property
    def alive(self) -> bool:
        """Whether what is submitted will be taken: always so where nothing is."""
        return self._node.read_only or self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._queue.qsize()

    async def _wait_for(self, work: Submission | Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._put(Waiting(work, loop, answer))
        # What is submitted is stored, whether or not anybody waits for the answer by then.
        return await answer

    def _put(self, waiting: Waiting) -> None:
        with self._door:
            if self._node.read_only:
                raise Unavailable("this node was started with --read-only, and takes no changes")
            if self._closed:
                raise Unavailable("this node is closing; ask again when it runs")
            if self._queue.qsize() >= MAX_WAITING:
                raise Busy(f"{MAX_WAITING} requests wait to be stored; try again in a second")
            self._queue.put(waiting)

    def _run(self) -> None:
        unsettled = True
        going = True
        while going:
            try:
                first = self._queue.get(timeout=SETTLE_SECONDS if unsettled else None)
            except Empty:
                # Where the disk is full, whoever writes is told of it, and this is tried again.
                unsettled = not (_done(self._node.settle) and _done(self._stored))
                continue
            block, going = self._gather(first)
            self._take(block)
            unsettled = True
            _done(self._stored)

    def _gather(self, first: Waiting | None) -> tuple[list[Waiting], bool]:
        block: list[Waiting] = []
        each, entries = first, 0
        while each is not None:
            block.append(each)
            entries += len(each.work.proposals) if isinstance(each.work, Submission) else 0
            if len(block) == MAX_BLOCK or entries >= MAX_ENTRIES or self._queue.empty():
                return block, True
            each = self._queue.get()
        return block, False

    def _take(self, block: Sequence[Waiting]) -> None:
        submissions = [each.work for each in block if isinstance(each.work, Submission)]
        submitted = iter(self._submit_all(submissions) if submissions else ())
        give(
            block,
            [next(submitted) if isinstance(each.work, Submission) else outcome(each.work) for each in block],
        )

    def _submit_all(self, submissions: Sequence[Submission]) -> list[Any]:
        """An answer to each. Where one of them makes the whole block fail, those beside it must not suffer from it."""
        store = self._node.store
        size = store.head.size
        try:
            return list(self._node.submit_all(submissions))
        except (Busy, Unavailable) as error:  # the machine's own trouble, whatever is submitted
            return [error] * len(submissions)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to who waits
            if len(submissions) == 1 or store.stale or store.head.size != size:
                return [error] * len(submissions)
        half = len(submissions) // 2
        return [*self._submit_all(submissions[:half]), *self._submit_all(submissions[half:])]


def outcome(work: Callable[[], Any]) -> Any:
    """What work comes to, or the error that it ends with."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # it is the answer to who waits for it
        return error


def _done(work: Callable[[], Any]) -> bool:
    """Whether work went well; nothing that goes wrong in it may end the one thread that writes."""
    failed = outcome(work)
    if isinstance(failed, Exception) and not isinstance(failed, CounterfoilError):
        structlog.get_logger("writer").error("unexpected", exc_info=failed)
    return not isinstance(failed, Exception)


def give(waiting: Sequence[Waiting], answers: Sequence[Any]) -> None:
    """Wake those who wait, with one call into their event loop; in one that has ended nobody waits any more."""
    for loop in {each.loop for each in waiting}:
        theirs = [
            (each.answer, answer) for each, answer in zip(waiting, answers, strict=True) if each.loop is loop
        ]
        if loop is None:
            _wake(theirs)
            continue
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, theirs)


def _wake(answered: Sequence[tuple[asyncio.Future[Any] | Future[Any], Any]]) -> None:
    for future, answer in answered:
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
