"""The deterministic state machine: `apply` takes a block to its changes, a pure function of state and block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from counterfoil.errors import (
    Conflict,
    CounterfoilError,
    Malformed,
    NotFound,
    Refused,
    Unauthorised,
    Unverified,
)
from counterfoil.ledger import pending as waiting
from counterfoil.ledger.endorsers import Endorsers
from counterfoil.ledger.judgement import (
    MAX_ENDORSEMENTS,
    check_deadline,
    check_expectations,
    check_header,
    place,
)
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.scope import Scope
from counterfoil.ledger.state import Changes, Pending, State, Taken
from counterfoil.ledger.system import INDEX, TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import canonical, labelled, unlabelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.transaction import (
    WITHDRAWAL,
    Endorsement,
    Transaction,
    decode_header,
    encode_endorsements,
)

INDEX_RECORD = "root"


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


Command = Transaction | Endorse | Withdraw | Genesis


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


class Ledger:
    """The ledger's rules. It holds no state but a cache of compiled definitions."""

    def __init__(self) -> None:
        self.knowledge = Knowledge()

    def apply(self, state: State, block: Block) -> tuple[Changes, list[Outcome]]:
        """Take a block: first what has become due, then the commands in order, last an index entry where one is due.

        A command that is refused leaves nothing and does not disturb the others.
        """
        view = View(state, block.time)
        if view.base:
            self.settle_due(view)
        outcomes = [self.take(view, command) for command in block.commands]
        behind = view.size and (view.index is None or view.index.number != view.size - 1)
        if behind and (block.index or (view.size > view.base and view.time > view.index_time)):
            write_index(view)
        return view.finish(), outcomes

    def settle_due(self, view: View) -> None:
        """Let waiting transactions lapse, and complete those whose objection window has ended."""
        for pending in view.state.waiting():
            header = pending.transaction.header
            if instant(header.deadline) < view.time:
                waiting.settle(view, pending, waiting.LAPSED)
            elif pending.complete and _open(view, pending.transaction):
                self.complete(view, pending)

    def take(self, view: View, command: Command) -> Outcome:
        try:
            match command:
                case Transaction():
                    return self._take_transaction(view, command)
                case Endorse():
                    return self._endorse(view, command)
                case Withdraw():
                    return self._withdraw(view, command)
                case Genesis():
                    return _begin(view, command)
        except (Refused, Malformed, NotFound) as error:
            return Outcome(Standing.REFUSED, error=error)

    def _take_transaction(self, view: View, transaction: Transaction) -> Outcome:
        if not view.size:
            raise Refused("this ledger has no genesis yet; run counterfoil init")
        check_header(view, self.knowledge, transaction)
        name = request_name(transaction)
        repeated = _repeated(view, name, transaction)
        if repeated is not None:
            return repeated
        endorsers = Endorsers(view, self.knowledge, transaction)
        if not endorsers.includes(transaction.header.agency):
            raise Unauthorised(
                f"{transaction.header.agency[:80]!r} submits this transaction, but no key of a member of that name endorsed it"
            )
        return self._judge(view, name, transaction, endorsers)

    def _judge(self, view: View, name: bytes, transaction: Transaction, endorsers: Endorsers) -> Outcome:
        check_expectations(view, transaction.header.expectations)
        first = view.size
        with view.attempt() as undo:
            policies = place(view, self.knowledge, transaction)
            complete = all(map(endorsers.fulfil, policies))
            if complete and _open(view, transaction):
                view.take(_taken(first, name, transaction))
                return Outcome(Standing.TAKEN, transaction.hash, first, len(transaction.proposals))
            undo()
        waiting.arrive(view, name, transaction, complete=complete)
        return Outcome(Standing.PENDING, transaction.hash)

    def _endorse(self, view: View, message: Endorse) -> Outcome:
        pending = _find(view, message.transaction)
        known = pending.transaction.endorsements
        if message.endorsement.key in {each.key for each in known}:
            return Outcome(Standing.REPEATED, pending.hash)
        if len(known) >= MAX_ENDORSEMENTS:
            raise Refused(
                f"{pending.hash} has {MAX_ENDORSEMENTS} endorsements already, the most that are kept"
            )
        transaction = pending.transaction.endorsed((*known, message.endorsement))
        endorsers = Endorsers(view, self.knowledge, transaction)
        complete = all(map(endorsers.fulfil, Scope(view, self.knowledge, transaction).policies()))
        later = waiting.collect(view, pending, message.endorsement, complete=complete)
        if complete and _open(view, transaction):
            return self.complete(view, later)
        return Outcome(Standing.PENDING, pending.hash)

    def complete(self, view: View, pending: Pending) -> Outcome:
        transaction = pending.transaction
        try:
            endorsers = Endorsers(view, self.knowledge, transaction)
            check_deadline(view, instant(transaction.header.deadline))
            check_expectations(view, transaction.header.expectations)
            first = view.size
            with view.attempt():
                if not all(map(endorsers.fulfil, place(view, self.knowledge, transaction))):
                    raise Unauthorised(
                        "its endorsements no longer satisfy the policies; endorsers or rules have changed"
                    )
                view.take(_taken(first, pending.name, transaction))
            waiting.settle(view, pending, waiting.COMPLETED)
            return Outcome(Standing.TAKEN, pending.hash, first, len(transaction.proposals))
        except (Refused, Malformed) as error:
            waiting.settle(view, pending, waiting.REFUSED, type(error).__name__.lower())
            return Outcome(Standing.REFUSED, pending.hash, error=error)

    def _withdraw(self, view: View, message: Withdraw) -> Outcome:
        pending = _find(view, message.transaction)
        agency = self.knowledge.agency(view, pending.transaction.header.agency)
        if agency is None or message.endorsement.key not in agency.endorse:
            raise Unauthorised(
                "only the agency that submitted a transaction can withdraw it, with one of its keys"
            )
        try:
            message.endorsement.verify(pending.hash, WITHDRAWAL)
        except Unverified as error:
            raise Unauthorised(f"the withdrawal's signature does not hold: {error}") from None
        waiting.settle(view, pending, waiting.WITHDRAWN)
        return Outcome(Standing.WITHDRAWN, pending.hash)


def request_name(transaction: Transaction) -> bytes:
    """The name under which a submitter's request is remembered: a hash of agency and idempotency key."""
    header = transaction.header
    return sha256(canonical([header.agency, header.idempotency.key])).digest()


def write_index(view: View) -> None:
    """Write the `.index` entry: the root of the index over all entries before it, index entries left out."""
    root = view.state.index_root(view.changes.records)
    fields = {"root": labelled(root), "size": view.size}
    operation = "amend" if view.index else "create"
    view.write_index(Proposal(INDEX, INDEX_RECORD, operation, body={"fields": fields}))


def _begin(view: View, genesis: Genesis) -> Outcome:
    if view.size:
        raise Refused("this ledger has begun already; genesis happens once")
    for proposal in genesis.records:
        view.write(proposal)
    return Outcome(Standing.TAKEN, count=len(genesis.records))


def _repeated(view: View, name: bytes, transaction: Transaction) -> Outcome | None:
    """What became of an earlier transaction under the same idempotency name, if it is still remembered."""
    for taken in (*reversed(view.changes.taken), view.state.taken_as(name)):
        if taken is not None and taken.name == name and (same := _same(view, transaction, taken)):
            return same
    if view.record(record_key(TRANSACTION, transaction.hash)) is not None:
        return Outcome(Standing.REPEATED, transaction.hash)
    for pending in (*view.state.waiting(), *view.changes.pending.values()):
        if pending is not None and pending.name == name and view.pending(pending.hash) is not None:
            _check_request(transaction, pending.transaction.header.idempotency.request)
            return Outcome(Standing.REPEATED, pending.hash)
    return None


def _same(view: View, transaction: Transaction, earlier: Taken) -> Outcome | None:
    header = decode_header(earlier.header)
    if instant(header.deadline) < view.time:
        return None
    _check_request(transaction, header.idempotency.request)
    return Outcome(Standing.REPEATED, labelled(earlier.hash), earlier.first, earlier.count)


def _check_request(transaction: Transaction, request: str) -> None:
    if transaction.header.idempotency.request != request:
        raise Conflict(
            "this idempotency key was used for another request; choose a new key for a new request"
        )


def _taken(first: int, name: bytes, transaction: Transaction) -> Taken:
    return Taken(
        first,
        len(transaction.proposals),
        unlabelled(transaction.hash),
        name,
        transaction.header_bytes,
        encode_endorsements(transaction.endorsements),
    )


def _open(view: View, transaction: Transaction) -> bool:
    not_before = transaction.header.not_before
    return not_before is None or instant(not_before) <= view.time


def _find(view: View, transaction: str) -> Pending:
    pending = view.pending(transaction)
    if pending is None:
        raise NotFound(
            f"no transaction {transaction[:80]!r} waits here; it may be taken, withdrawn or lapsed already"
        )
    return pending
