"""The ledger as a machine: applies its rules over a store, and stores what they change with a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from counterfoil.errors import Unavailable
from counterfoil.ledger.command import Block, Command, Outcome
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.state import Changes, Head
from counterfoil.store.head import Signed
from counterfoil.store.items import SealedItem
from counterfoil.store.store import Store


@dataclass(frozen=True)
class Settle:
    """Asks that the block end with an index entry and a published checkpoint, even within the second."""


@dataclass(frozen=True)
class Carried:
    """A transaction with the items that its entries name, which are stored with its block and are no part of it."""

    command: Command
    items: Sequence[SealedItem]


class CheckpointSigner(Protocol):
    """Who signs the ledger's checkpoints."""

    def sign(self, head: Head, root: bytes) -> Signed:
        """A note over a log's size and root. Raises `Refused` for one smaller than, or different from, the last."""
        ...

    def remember(self) -> None:
        """Note beside the key what was signed last, once it is stored."""
        ...


class LedgerMachine:
    """The ledger over one store; see `Machine`. Nobody else reads the store from `apply` until the block is stored."""

    def __init__(self, store: Store, signer: CheckpointSigner):
        self.store = store
        self.ledger = Ledger()
        self._signer = signer
        self._changes: Changes | None = None
        self._items: dict[bytes, SealedItem] = {}
        self._owes = False
        self._holds = 0

    def apply(self, time: int, commands: Sequence[Command | Carried | Settle]) -> Sequence[Outcome | None]:
        """Take a block; a `Settle` has no outcome."""
        self.store.turn.acquire()
        self._holds += 1
        taken = [
            command.command if isinstance(command, Carried) else command
            for command in commands
            if not isinstance(command, Settle)
        ]
        carried = [command for command in commands if isinstance(command, Carried)]
        self._items = {item.commitment: item for each in carried for item in each.items}
        block = Block(time, taken, index=len(taken) < len(commands))
        self._changes, outcomes = self.ledger.apply(self.store, block)
        answers = iter(outcomes)
        return [None if isinstance(command, Settle) else next(answers) for command in commands]

    def commit(self) -> None:
        """Store the block, unless every command was refused, and then what was signed."""
        changes, self._changes = self._changes, None
        items, self._items = self._items, {}
        if changes is not None and changes.entries:
            if self._owes:
                self._remember()
            self.store.commit(changes, self._signer.sign, items)
            self._owes = True
            # What is stored is stored, whatever happens now: a note that fails is made up for before the next block.
            with suppress(Unavailable):
                self._remember()
        self._let_go()

    def _remember(self) -> None:
        self._signer.remember()
        self._owes = False

    def discard(self) -> None:
        """Forget the block, and read again what memory held of the store."""
        self._changes, self._items = None, {}
        try:
            with self.store.turn:
                self.store.reload()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        while self._holds:
            self._holds -= 1
            self.store.turn.release()
