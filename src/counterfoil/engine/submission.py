"""What an engine is asked to have taken, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.ledger.command import Standing
from counterfoil.proof.entry import Proposal
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Expectation


@dataclass(frozen=True)
class Submission:
    """Proposals that are to take effect together or not at all, and what their submitter asks of it.

    `request` is what an idempotency key stands for, where that is not the proposals themselves. `keys` endorse beside
    this agency's own. `receipt`: end with an index entry and a published checkpoint, so that the entries can be proved
    current at once.
    """

    proposals: Sequence[Proposal]
    expectations: Sequence[Expectation] = ()
    idempotency_key: str | None = None
    request: bytes | None = None
    not_before: str | None = None
    deadline: str | None = None
    keys: Sequence[SigningKey] = ()
    receipt: bool = False


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction: its hash and standing, and where its entries are in the log, once taken."""

    transaction: str
    standing: Standing
    first: int
    count: int
