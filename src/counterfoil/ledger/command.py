"""What a ledger is asked to do, block by block, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from counterfoil.errors import CounterfoilError
from counterfoil.proof.entry import Proposal
from counterfoil.proof.transaction import Endorsement, Transaction


@dataclass(frozen=True)
class Genesis:
    """The first block's only command: the records with which a ledger begins. They have no transaction."""

    records: tuple[Proposal, ...]


@dataclass(frozen=True)
class Endorse:
    """A message that adds an endorsement to a waiting transaction; repeating it adds nothing."""

    transaction: str
    endorsement: Endorsement


@dataclass(frozen=True)
class Withdraw:
    """A message by which the submitting agency takes a waiting transaction back."""

    transaction: str
    endorsement: Endorsement


Command: TypeAlias = Transaction | Endorse | Withdraw | Genesis


@dataclass(frozen=True)
class Block:
    """The commands that a ledger takes in one step, at a time in seconds since 1970.

    `index`: end with an index entry even within the second, because a receipt was asked for.
    """

    time: int
    commands: Sequence[Command]
    index: bool = False


class Standing(Enum):
    """What became of a command."""

    TAKEN = "taken"
    PENDING = "pending"
    REPEATED = "repeated"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """The answer to one command: `first` and `count` say which entries a taken transaction has."""

    standing: Standing
    transaction: str = ""
    first: int = 0
    count: int = 0
    error: CounterfoilError | None = None
