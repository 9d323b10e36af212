"""Judging the proofs that anybody brings: one at a time, in a thread of its own, because a large one takes seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from counterfoil.errors import Busy, Malformed
from counterfoil.proof.bundle import FORMAT

T = TypeVar("T")

MAX_PROOF_BYTES: Final = 2 << 20
"""The largest proof that is judged for somebody whom nobody knows."""
MAX_WAITING: Final = 4
"""How many proofs may wait to be judged."""

_thread: Final = ThreadPoolExecutor(1, thread_name_prefix="judging")
_places: Final = BoundedSemaphore(1 + MAX_WAITING)


async def judged(judge: Callable[[], T]) -> T:
    """Judge a proof, after those that wait already. Raises `Busy` where too many do, and what `judge` raises."""
    if not _places.acquire(blocking=False):
        raise Busy(
            "other proofs are being judged at this moment; try again in a second, or judge it with: counterfoil verify"
        )
    future = _thread.submit(judge)
    # Not at the end of `judge`: of who leaves before its turn, it is never called.
    future.add_done_callback(lambda _: _places.release())
    return await asyncio.wrap_future(future)


class _Beginning(msgspec.Struct):
    format: str | UnsetType = UNSET
    bundle: msgspec.Raw | UnsetType = UNSET


def check_format(data: bytes) -> None:
    """Look at the format that a proof bundle states, by itself or under `bundle`, before all of it is read.

    Nothing else of the JSON is kept in memory, so that this is cheap whatever the bytes are. Raises `Malformed` for
    what is no JSON object with that format.
    """
    try:
        beginning = msgspec.json.decode(data, type=_Beginning)
        if not isinstance(beginning.bundle, UnsetType):
            beginning = msgspec.json.decode(beginning.bundle, type=_Beginning)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        beginning = _Beginning()
    if isinstance(beginning.format, UnsetType):
        raise Malformed('the body must be a proof bundle, which has a format, or {"bundle": …, "trust": …}')
    if beginning.format != FORMAT:
        raise Malformed(
            f"the bundle's format is {beginning.format!r:.80}; what is verified here is {FORMAT!r}"
        )
