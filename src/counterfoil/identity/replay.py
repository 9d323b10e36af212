"""What was used once and must not be used again while it could be: signatures and their nonces."""

from __future__ import annotations

import threading
from hashlib import blake2b
from typing import Final

from counterfoil.errors import Busy, Unverified

CAPACITY: Final = 1 << 20
"""How many are remembered at once: 3,495 a second over five minutes, in about 120 MB."""
SLOT_SECONDS: Final = 60


class UsedOnce:
    """Remembers marks until they end; a mark is whatever bytes tell one use from another.

    In this process only: what was used before a restart is not known after it, so that what was made before `since`
    (seconds since 1970) is not to be taken. Threads may share one.
    """

    def __init__(self, capacity: int = CAPACITY, since: int = 0):
        self.since = since
        self._capacity = capacity
        self._slots: dict[int, set[bytes]] = {}
        """The marks by the minute in which they end."""
        self._count = 0
        self._lock = threading.Lock()

    def use(self, marks: tuple[bytes, ...], end: int, now: int) -> None:
        """Take note of `marks`, which are to be known until `end` (seconds since 1970), and of all or none.

        Raises `Unverified` where one is known already. Where there is room for no more it raises `Busy`: to forget one
        early would let it be used again.
        """
        hashed = [blake2b(mark, digest_size=16).digest() for mark in marks]
        with self._lock:
            self._forget(now)
            for slot in self._slots.values():
                if not slot.isdisjoint(hashed):
                    raise Unverified(
                        "this signature or its nonce was used already; sign the request anew, with a new nonce "
                        "(an Idempotency-Key makes it safe to send a request again)"
                    )
            if self._count + len(hashed) > self._capacity:
                raise Busy(
                    "more signed requests came within the last minutes than can be told apart; try again in a minute"
                )
            self._slots.setdefault(end // SLOT_SECONDS, set()).update(hashed)
            self._count += len(hashed)

    def _forget(self, now: int) -> None:
        current = now // SLOT_SECONDS
        for minute in [minute for minute in self._slots if minute < current]:
            self._count -= len(self._slots.pop(minute))
