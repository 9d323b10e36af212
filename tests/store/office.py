"""A small ledger over a store, the same at every run: two agencies with fixed keys, a clock that a test moves."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from typing import Any

from counterfoil.engine.ledger_machine import LedgerMachine, Settle
from counterfoil.engine.local import LocalEngine
from counterfoil.ledger.command import Command, Outcome
from counterfoil.ledger.genesis import genesis
from counterfoil.ledger.state import Head
from counterfoil.ledger.system import AgencyFields
from counterfoil.proof.canonical import Json, labelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.instant import instant_text
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Header, Idempotency, Transaction, draft
from counterfoil.store.database import Database
from counterfoil.store.head import Signed
from counterfoil.store.store import Store

ORIGIN = "ledger.example/one"
LAND = "EE/GOV/LAND"
COURT = "EE/GOV/COURT"
START = 1_800_000_000
TABLES = (
    "bundle",
    "tail",
    "tile",
    "prior",
    "taken",
    "claim",
    "reference",
    "pending",
    "page",
    "checkpoint",
    "head",
    "document",
    "chunk",
    "item",
    "item_waiting",
    "blind",
    "blind_end",
    "scrubbed",
)


def key_of(agency: str) -> SigningKey:
    return SigningKey("ed25519", sha256(agency.encode()).digest())


class PlainSigner:
    """Its notes say size and root in plain words; published where the log ends with an index entry."""

    remembered = 0

    def sign(self, head: Head, root: bytes) -> Signed:
        published = head.index is not None and head.index.number == head.size - 1
        return Signed(f"{ORIGIN}\n{head.size}\n{root.hex()}\n".encode(), published)

    def remember(self) -> None:
        self.remembered += 1


class Office:
    """The land agency at work: every command that it submits is a block of its own."""

    def __init__(self, database: Database):
        self.time = START
        self.store = Store(database)
        self.time = max(self.time, self.store.head.time)
        self.signer = PlainSigner()
        self.machine = LedgerMachine(self.store, self.signer)
        self.engine = LocalEngine({"ledger": self.machine}, lambda: self.time, self.store.head.time)
        self._names = count(self.store.head.size)

    def take(self, *commands: Command, settle: bool = False) -> Outcome | None:
        """Have commands taken as one block; the first one's outcome. Raises what any was refused for."""
        asked = [*commands, Settle()] if settle else [*commands]
        outcomes: Sequence[Outcome | None] = self.engine.submit("ledger", asked)
        for outcome in outcomes:
            if outcome is not None and outcome.error is not None:
                raise outcome.error
        return outcomes[0]

    def begin(self) -> None:
        """The first block: the ledger's own records and both agencies."""
        agencies = [(name, AgencyFields(name, (key_of(name).public.text,))) for name in (LAND, COURT)]
        self.take(genesis(ORIGIN, agencies, f"agency:{LAND}"))

    def define(self, register: str, **fields: Json) -> None:
        """Create a register of the land agency's, with a schema that asks for an id."""
        schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
        body = {"fields": {"title": register, "authority": LAND, "key": "id", "schema": schema, **fields}}
        self.take(self.draft(Proposal(".register", register, "create", 1, body=body)))

    def draft(
        self,
        *proposals: Proposal,
        name: str | None = None,
        agencies: Sequence[str] = (LAND,),
        lifetime: int = 86_400,
    ) -> Transaction:
        """A transaction of the land agency's, endorsed by `agencies`."""
        header = Header(
            ORIGIN,
            LAND,
            0,
            "",
            instant_text(self.time + lifetime),
            Idempotency(name or f"request {next(self._names)}", ""),
        )
        return draft(
            header,
            proposals,
            lambda one: labelled(sha256(one.root.encode()).digest()),
            [*map(key_of, agencies)],
        )


def title(record: str, version: int = 1, register: str = "title", **content: Any) -> Proposal:
    """A proposal for a record that has nothing but its id."""
    operation = "create" if version == 1 else "amend"
    return Proposal(register, record, operation, version, body={"fields": {"id": record}}, **content)


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    return {table: sorted(database.query(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def summary(store: Store) -> tuple[object, ...]:
    """What a store says about its state, from memory."""
    store.record(bytes(32))  # one that is only read brings its index up to date when it is first asked
    waiting = [(each.hash, each.complete, len(each.transaction.endorsements)) for each in store.waiting()]
    return store.head, store.note, store.log.root(), store._pages.root(), waiting
