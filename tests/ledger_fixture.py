"""A ledger to try rules on: members with keys, a clock that is set by hand, and few words for what is done to it.

`Ledgerhouse` keeps its state in a real store behind the local engine; `MemoryState` is the smallest thing that the
ledger's rules can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from counterfoil.engine.ledger_machine import LedgerMachine, Settle
from counterfoil.engine.local import LocalEngine
from counterfoil.errors import CounterfoilError
from counterfoil.ledger.constraints import claim_key
from counterfoil.ledger.genesis import genesis
from counterfoil.ledger.ledger import Block, Command, Endorse, Ledger, Outcome, Standing, Withdraw
from counterfoil.ledger.state import Changes, Head, Pending, RecordState, ReferenceRow, Taken
from counterfoil.ledger.system import AgencyFields
from counterfoil.proof.canonical import digest, labelled
from counterfoil.proof.entry import Claim, Entry, Proposal, decode_entry
from counterfoil.proof.index import record_key, root_of
from counterfoil.proof.instant import instant, instant_text
from counterfoil.proof.merkle import root
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import (
    WITHDRAWAL,
    Expectation,
    Header,
    Idempotency,
    Transaction,
    draft,
    endorse,
)
from counterfoil.store.head import Signed
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store

ORIGIN = "ledger.example/1"
LAND, COURT, TAX = "EE/GOV/LAND", "EE/GOV/COURT", "EE/GOV/TAX"
START = instant("2026-11-23T10:00:00Z")
DAY = 86_400


def key(name: str, algorithm: str = "ed25519") -> SigningKey:
    """The same key for the same name, every time: an agency's, or one made for a record."""
    return SigningKey(algorithm, sha256(name.encode()).digest())


def agency(name: str) -> str:
    """An agency, as a policy names it."""
    return f"agency:{name}"


def holder(name: str) -> str:
    """The key of this name, as a policy names it."""
    return f"key:{key(name).public.text}"


def of(require: int, *branches: Any) -> dict[str, Any]:
    """A threshold over policies."""
    return {"require": require, "of": list(branches)}


def members(*names: str) -> list[tuple[str, AgencyFields]]:
    """Agencies as genesis takes them, each with one key."""
    return [(name, AgencyFields(f"The {name}", (key(name).public.text,))) for name in names]


def claim(name: str, value: str, scope: str = "civil") -> Claim:
    """A claim whose digest is made of `value`."""
    return Claim(scope, name, digest(value.encode()))


def claim_name(stated: Claim) -> str:
    """A claim as an expectation names it."""
    return labelled(claim_key(stated))


def create(register: str, record: str, **content: Any) -> Proposal:
    """A record's first version: fields, or `status`, `claims` and so on by name."""
    return change(register, record, 1, "create", **content)


def change(
    register: str, record: str, version: int | None, operation: str = "amend", **content: Any
) -> Proposal:
    """A record's next version. Lower-case names that a proposal has are its own; all others are fields."""
    own = {name: content.pop(name) for name in list(content) if name in Proposal.__struct_fields__}
    if content:
        own["body"] = {"fields": content}
    return Proposal(register, record, operation, version, **own)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = START):
        self.now = now

    def __call__(self) -> float:
        return self.now


class StubSigner:
    """Signs nothing: what a checkpoint is, is tested elsewhere."""

    def sign(self, head: Head, _root: bytes) -> Signed:
        return Signed(b"note\n", head.index is not None and head.index.number == head.size - 1)

    def remember(self) -> None:
        """Nothing to note."""


class Scribe:
    """Writes transactions for one ledger: each with an idempotency key of its own."""

    def __init__(self, clock: Callable[[], float], first: int = 1):
        self._clock = clock
        self._requests = count(first)

    def transaction(
        self,
        *proposals: Proposal,
        by: Sequence[str | SigningKey] = (LAND,),
        submitter: str = LAND,
        expects: Sequence[Expectation] = (),
        request: str | None = None,
        asked: str = "",
        deadline: int = 30 * DAY,
        not_before: int | None = None,
        origin: str = ORIGIN,
    ) -> Transaction:
        """Proposals endorsed `by` agencies or keys. Times are seconds from now; `request` is the idempotency key."""
        now = int(self._clock())
        header = Header(
            origin=origin,
            agency=submitter,
            count=0,
            root="",
            deadline=instant_text(now + deadline),
            idempotency=Idempotency(f"request {next(self._requests)}" if request is None else request, ""),
            expectations=tuple(expects),
            not_before=None if not_before is None else instant_text(now + not_before),
        )
        keys = [each if isinstance(each, SigningKey) else key(each) for each in by]
        return draft(header, proposals, lambda drafted: digest((asked or drafted.root).encode()), keys)


class Ledgerhouse(Scribe):
    """A ledger in a store, with members that each have one key.

    In an empty folder it begins with its first block; in another it goes on with what is there.
    """

    def __init__(self, folder: Path, *names: str, governance: Any = None):
        self.clock = Clock()
        self._path = folder / "store.db"
        fresh = not self._path.exists()
        super().__init__(self.clock, 1 if fresh else 1_001)
        self.open()
        if fresh:
            first = genesis(ORIGIN, members(*(names or (LAND,))), governance or agency(LAND))
            (outcome,) = self.send(first)
            assert outcome.standing is Standing.TAKEN, outcome

    def open(self) -> None:
        """Open the store, or open it again after `close`."""
        self.store = Store(Sqlite(self._path))
        self.machine = LedgerMachine(self.store, StubSigner())
        self._engine = LocalEngine({"ledger": self.machine}, self.clock, self.store.head.time)

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def pass_time(self, seconds: int) -> None:
        """Move the clock on."""
        self.clock.now += seconds

    # What is sent

    def send(self, *commands: Command | Settle) -> list[Outcome]:
        """Send commands as one block."""
        return list(self._engine.submit("ledger", commands))

    def submit(self, *proposals: Proposal, **how: Any) -> Outcome:
        """Send one transaction as a block."""
        return self.send(self.transaction(*proposals, **how))[0]

    def taken(self, *proposals: Proposal, **how: Any) -> list[Entry]:
        """Send one transaction that must be taken, and read its entries."""
        outcome = self.submit(*proposals, **how)
        assert outcome.standing is Standing.TAKEN, outcome.error
        return [self.entry(number) for number in range(outcome.first, outcome.first + outcome.count)]

    def waiting(self, *proposals: Proposal, **how: Any) -> str:
        """Send one transaction that must wait, and give its name."""
        outcome = self.submit(*proposals, **how)
        assert outcome.standing is Standing.PENDING, outcome
        return outcome.transaction

    def endorse(self, transaction: str, by: str | SigningKey) -> Outcome:
        """Endorse a waiting transaction."""
        signer = by if isinstance(by, SigningKey) else key(by)
        return self.send(Endorse(transaction, endorse(transaction, signer)))[0]

    def withdraw(self, transaction: str, by: str | SigningKey = LAND) -> Outcome:
        """Take a waiting transaction back."""
        signer = by if isinstance(by, SigningKey) else key(by)
        return self.send(Withdraw(transaction, endorse(transaction, signer, WITHDRAWAL)))[0]

    def define(self, register: str, **fields: Any) -> None:
        """Create a register; it is kept by the land office, unless `fields` say otherwise."""
        self.taken(create(".register", register, **{"title": register, "authority": LAND, **fields}))

    # What is read

    def entry(self, number: int) -> Entry:
        """An entry of the log."""
        return decode_entry(self.store.entry(number))

    def entries(self, register: str | None = None) -> list[Entry]:
        """The log, or what it has of one register."""
        entries = [decode_entry(data) for data in self.store.entries()]
        return [entry for entry in entries if register in {None, entry.register}]

    def latest(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        state = self.store.record(record_key(register, record))
        return self.entry(state.number) if state else None

    def holds(self, stated: Claim) -> tuple[str, str] | None:
        """Which record (register, name) holds a claim."""
        held = self.store.claim(claim_key(stated))
        return next(
            (
                (each.register, each.record)
                for each in self.entries()
                if record_key(each.register, each.record) == held
            ),
            None,
        )

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every byte of every table in the store."""
        tables = [
            row[0] for row in self.store.database.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {table: list(self.store.database.query(f"SELECT * FROM {table}")) for table in sorted(tables)}


class MemoryState:
    """A state in dictionaries; `advance` takes a block's changes."""

    def __init__(self) -> None:
        self.head = Head()
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self.records: dict[bytes, RecordState] = {}
        self.priors: dict[int, int] = {}
        self.claims: dict[bytes, bytes] = {}
        self.references: set[ReferenceRow] = set()
        self.taken: list[Taken] = []
        self.open: dict[str, Pending] = {}

    def record(self, key: bytes) -> RecordState | None:
        """The latest entry of a record."""
        return self.records.get(key)

    def entry(self, number: int) -> bytes:
        """The bytes of an entry."""
        return self.entries[number]

    def claim(self, key: bytes) -> bytes | None:
        """Who holds a claim."""
        return self.claims.get(key)

    def referring(self, target: bytes, role: str, limit: int) -> Sequence[bytes]:
        """Who refers to a record in a role."""
        found = sorted(row.source for row in self.references if (row.target, row.role) == (target, role))
        return found[:limit]

    def pending(self, transaction: str) -> Pending | None:
        """A waiting transaction."""
        return self.open.get(transaction)

    def waiting(self) -> Sequence[Pending]:
        """Every waiting transaction."""
        return [self.open[name] for name in sorted(self.open)]

    def taken_as(self, name: bytes) -> Taken | None:
        """The latest transaction under an idempotency name."""
        return next((each for each in reversed(self.taken) if each.name == name), None)

    def index_root(self, records: Mapping[bytes, RecordState]) -> bytes:
        """The index's root with these records in it."""
        return root_of({key: state.leaf for key, state in {**self.records, **records}.items()})

    def log_root(self) -> bytes:
        """The log's root."""
        return root(self.leaves)

    def advance(self, changes: Changes) -> None:
        """Take a block's changes as a store must: a row that is added was not there, one that is removed was."""
        self.entries += changes.entries
        self.leaves += changes.leaves
        self.records |= changes.records
        self.priors |= changes.priors
        self.taken += changes.taken
        for name, held_by in changes.claims.items():
            if held_by is None:
                self.claims.pop(name, None)
            else:
                self.claims[name] = held_by
        for row, stands in changes.references.items():
            assert stands is (row not in self.references)
            (self.references.add if stands else self.references.remove)(row)
        for transaction, pending in changes.pending.items():
            if pending is None:
                self.open.pop(transaction, None)
            else:
                self.open[transaction] = pending
        self.head = changes.head


class MemoryLedger(Scribe):
    """The bare rules over a `MemoryState`."""

    def __init__(self, *names: str, governance: Any = None):
        self.clock = Clock()
        super().__init__(self.clock)
        self.state = MemoryState()
        self.rules = Ledger()
        self.send(genesis(ORIGIN, members(*(names or (LAND,))), governance or agency(LAND)))

    def apply(self, *commands: Command, index: bool = False) -> tuple[Changes, list[Outcome]]:
        """What a block would change; nothing is kept."""
        return self.rules.apply(self.state, Block(self.clock.now, commands, index))

    def send(self, *commands: Command, index: bool = False) -> list[Outcome]:
        """Take a block."""
        changes, outcomes = self.apply(*commands, index=index)
        self.state.advance(changes)
        return outcomes

    def submit(self, *proposals: Proposal, **how: Any) -> Outcome:
        """Take a block of one transaction."""
        return self.send(self.transaction(*proposals, **how))[0]

    def define(self, register: str, **fields: Any) -> None:
        """Create a register."""
        proposal = create(".register", register, **{"title": register, "authority": LAND, **fields})
        assert self.submit(proposal).standing is Standing.TAKEN


def refused(outcome: Outcome, error: type[CounterfoilError], saying: str) -> None:
    """Require that a command was refused, with this very kind of error and a message that matches."""
    assert outcome.standing is Standing.REFUSED, outcome
    assert type(outcome.error) is error, outcome.error
    with pytest.raises(error, match=saying):
        raise outcome.error
