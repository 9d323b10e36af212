"""What the ledger reads while it judges, and what it gives back to be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from counterfoil.proof.entry import ENDING, Entry, Proposal
from counterfoil.proof.transaction import Transaction

ENDED: Final = 1
CONTROL: Final = 2
CLAIMS: Final = 4
REFERENCES: Final = 8


class RecordState(NamedTuple):
    """The latest entry of a record: its RFC 9162 leaf hash, number and version, and what it holds.

    `flags` is a sum of ENDED, CONTROL, CLAIMS and REFERENCES, so that most changes need not read the entry.
    """

    leaf: bytes
    number: int
    version: int
    flags: int

    @property
    def ended(self) -> bool:
        """Whether the record was annulled or closed."""
        return bool(self.flags & ENDED)


def flags_of(content: Proposal | Entry, before: RecordState | None = None) -> int:
    """What a record holds whose latest version has this content, as `RecordState.flags`.

    `before` is the record's state before that version: what has ended stays ended when it is erased.
    """
    ended = content.operation in ENDING or (content.operation == "erase" and before and before.flags & ENDED)
    return (
        (ENDED if ended else 0)
        | (CONTROL if content.control is not None else 0)
        | (CLAIMS if content.claims else 0)
        | (REFERENCES if content.references else 0)
    )


class Head(NamedTuple):
    """Where the log ends: its size, the last block's time, and the latest `.index` entry with its time."""

    size: int = 0
    time: int = 0
    index: RecordState | None = None  # type: ignore[assignment]  # nothing here uses a tuple's own `index`
    index_time: int = -1


class Taken(NamedTuple):
    """A transaction that stands in the log: its first entry's number, header and endorsements."""

    first: int
    count: int  # type: ignore[assignment]  # nothing here uses a tuple's own `count`
    hash: bytes
    name: bytes
    header: bytes
    endorsements: bytes


class Pending(NamedTuple):
    """A transaction that waits: for endorsements, or (`complete`) for its objection window to end."""

    name: bytes
    transaction: Transaction
    complete: bool

    @property
    def hash(self) -> str:
        """The transaction's name, the labelled hash of its header."""
        return self.transaction.hash


class ReferenceRow(NamedTuple):
    """One record pointing to another, both by their index keys."""

    target: bytes
    role: str
    source: bytes


@dataclass(slots=True)
class Changes:
    """What a block does to the state: a pure function's result, stored in one database transaction."""

    head: Head
    entries: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    records: dict[bytes, RecordState] = field(default_factory=dict)
    priors: dict[int, int] = field(default_factory=dict)
    claims: dict[bytes, bytes | None] = field(default_factory=dict)
    references: dict[ReferenceRow, bool] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    pending: dict[str, Pending | None] = field(default_factory=dict)


class State(Protocol):
    """The state before a block, as any store gives it."""

    @property
    def head(self) -> Head:
        """Where the log ends."""
        ...

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of the record with this index key; None where there is none."""
        ...

    def entry(self, number: int) -> bytes:
        """The canonical bytes of an entry that is in the log."""
        ...

    def claim(self, key: bytes) -> bytes | None:
        """The index key of the record that holds a claim; None where it is free."""
        ...

    def referring(self, target: bytes, role: str, limit: int) -> Sequence[bytes]:
        """The index keys of the records that refer to one (by its index key) in a role: the first `limit`, sorted."""
        ...

    def pending(self, transaction: str) -> Pending | None:
        """A waiting transaction, by its header's labelled hash."""
        ...

    def waiting(self) -> Sequence[Pending]:
        """Every waiting transaction, sorted by hash."""
        ...

    def taken_as(self, name: bytes) -> Taken | None:
        """The latest transaction that was taken under an idempotency name."""
        ...

    def index_root(self, records: Mapping[bytes, RecordState]) -> bytes:
        """The index's root once these records are in it; nothing is stored by asking."""
        ...
