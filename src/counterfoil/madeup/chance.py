"""Chance that comes out alike on every Python: one generator, used through `random()` alone.

The standard library promises the sequence of `random()` for a seed, and not that of its other methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A sequence of chances, the same for the same seed."""

    def __init__(self, seed: str):
        self.random = Random(seed).random  # noqa: S311  # made up, and to come out the same again: no secret

    def of(self, probability: float) -> bool:
        """Whether something of this probability comes to pass."""
        return self.random() < probability

    def below(self, limit: int) -> int:
        """A whole number from 0 to below `limit`."""
        return int(self.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, among: Sequence[T]) -> T:
        """One of several."""
        return among[int(self.random() * len(among))]

    def take(self, among: list[T]) -> T:
        """One of several, taken out of the list; the last one takes its place."""
        at = int(self.random() * len(among))
        among[at], among[-1] = among[-1], among[at]
        return among.pop()
