"""How requests write: one thread submits what waits as one block, so that many clients share a flush to the disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from counterfoil.errors import Busy, CounterfoilError, Unavailable
from counterfoil.node import Node, Receipt, Submission

MAX_WAITING: Final = 1_024
"""How many requests may wait to be stored; one more is told to come again."""
MAX_BLOCK = 256
"""The most requests in one block."""
SETTLE_SECONDS: Final = 1.0
"""How long after the last block the log is given an index entry, so that what it holds can be proved current."""


class _Waiting(NamedTuple):
    work: Submission | Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Writer:
    """The one thread that writes. `stored` is called in it after each block."""

    def __init__(self, node: Node, stored: Callable[[], None] = lambda: None):
        self._node = node
        self._stored = stored
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._closed = False

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    async def submit(self, submission: Submission) -> Receipt:
        """As `Node.submit`: returns once it is stored for good. Raises `Busy` where too many wait."""
        receipt: Receipt = await self._wait_for(submission)
        return receipt

    async def run(self, work: Callable[[], Any]) -> Any:
        """Run something else that writes, in its turn."""
        return await self._wait_for(work)

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._queue.qsize()

    async def _wait_for(self, work: Submission | Callable[[], Any]) -> Any:
        if self._closed:
            raise Unavailable("this node is closing; ask again when it runs")
        if self._queue.qsize() >= MAX_WAITING:
            raise Busy(f"{MAX_WAITING} requests wait to be stored; try again in a second")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Waiting(work, loop, answer))
        # What is submitted is stored, whether or not anybody waits for the answer by then.
        return await answer

    def _run(self) -> None:
        unsettled = True
        going = True
        while going:
            try:
                first = self._queue.get(timeout=SETTLE_SECONDS if unsettled else None)
            except Empty:
                unsettled = not self._settle()
                continue
            block, going = self._gather(first)
            self._take(block)
            unsettled = True
            self._stored()

    def _gather(self, first: _Waiting | None) -> tuple[list[_Waiting], bool]:
        block: list[_Waiting] = []
        each = first
        while each is not None:
            block.append(each)
            if len(block) == MAX_BLOCK or self._queue.empty():
                return block, True
            each = self._queue.get()
        return block, False

    def _settle(self) -> bool:
        try:
            self._node.settle()
        except CounterfoilError:
            return False  # a full disk: whoever writes is told of it, and it is tried again
        self._stored()
        return True

    def _take(self, block: Sequence[_Waiting]) -> None:
        submissions = [each for each in block if isinstance(each.work, Submission)]
        answers: list[Any] = []
        if submissions:
            try:
                answers = list(self._node.submit_all([each.work for each in submissions]))  # type: ignore[misc]  # only those
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to each that waits
                answers = [error] * len(submissions)
        for each in block:
            if not isinstance(each.work, Submission):
                submissions.append(each)
                answers.append(_outcome(each.work))
        _give(submissions, answers)


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # it is the answer to who waits for it
        return error


def _give(waiting: Sequence[_Waiting], answers: Sequence[Any]) -> None:
    """Wake those who wait, with one call into their event loop."""

    def wake() -> None:
        for each, answer in zip(waiting, answers, strict=True):
            if each.answer.done():
                continue
            if isinstance(answer, Exception):
                each.answer.set_exception(answer)
            else:
                each.answer.set_result(answer)

    if waiting:
        waiting[0].loop.call_soon_threadsafe(wake)
