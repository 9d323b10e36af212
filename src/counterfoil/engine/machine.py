"""What an engine orders commands for: a state machine in two steps, apply and commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

Command = TypeVar("Command", contravariant=True)
Outcome = TypeVar("Outcome", covariant=True)


class Machine(Protocol[Command, Outcome]):
    """A deterministic state machine and its store.

    An engine calls `apply` with the commands of one block, and then `commit` or `discard` before the next `apply`.
    """

    def apply(self, time: int, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Take a block at a time in seconds since 1970; an outcome for each command. Nothing is stored yet."""
        ...

    def commit(self) -> None:
        """Store what `apply` changed, for good before this returns."""
        ...

    def discard(self) -> None:
        """Forget what `apply` changed."""
        ...
