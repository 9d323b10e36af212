"""What an engine is asked to have taken, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.errors import Malformed
from counterfoil.keyring.drawing import Drawn
from counterfoil.ledger.command import Standing
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Expectation
from counterfoil.store.items import SealedItem, is_storable


@dataclass(frozen=True)
class Submission:
    """Proposals that are to take effect together or not at all, and what their submitter asks of it.

    `request` is what an idempotency key stands for, where that is not the proposals themselves. `keys` endorse beside
    this agency's own. `receipt`: end with an index entry and a published checkpoint, so that the entries can be proved
    current at once. `items` are stored beside the entries that name them, and `drawn` are
    the keys under which they are sealed: durable in the keyring before the transaction is ordered.
    """

    proposals: Sequence[Proposal]
    expectations: Sequence[Expectation] = ()
    idempotency_key: str | None = None
    request: bytes | None = None
    not_before: str | None = None
    deadline: str | None = None
    keys: Sequence[SigningKey] = ()
    receipt: bool = False
    items: Sequence[SealedItem] = ()
    drawn: Drawn | None = None

    def check_items(self) -> None:
        """Raise `Malformed` where an item is none that a proposal names, for it would be lost, or cannot be stored."""
        named = {each.item for each in self.proposals}
        for item in self.items:
            if labelled(item.commitment) not in named:
                raise Malformed(
                    f"no proposal names the item {labelled(item.commitment)}; submit it with the one that does"
                )
            if not is_storable(item):
                raise Malformed(
                    "an item has parts of different slots, each with a key id of 1 or more, and tokens of 64 bits with "
                    "a sign; seal it anew"
                )


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction: its hash and standing, and where its entries are in the log, once taken."""

    transaction: str
    standing: Standing
    first: int
    count: int
