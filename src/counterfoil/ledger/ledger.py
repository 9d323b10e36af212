"""The deterministic state machine: `apply` takes a block to its changes, a pure function of state and block."""

from __future__ import annotations

from typing import Final

from counterfoil.errors import (
    Conflict,
    CounterfoilError,
    Lapsed,
    Malformed,
    NotFound,
    Refused,
    Unauthorised,
    Unverified,
    Violated,
)
from counterfoil.ledger import pending as waiting
from counterfoil.ledger.command import Block, Command, Endorse, Genesis, Outcome, Standing, Withdraw
from counterfoil.ledger.endorsers import Endorsers
from counterfoil.ledger.genesis import begin
from counterfoil.ledger.idempotency import repeated, request_name
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
from counterfoil.ledger.system import INDEX
from counterfoil.ledger.view import View
from counterfoil.proof import rules
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.instant import instant
from counterfoil.proof.transaction import WITHDRAWAL, Transaction, encode_endorsements

__all__ = [
    "Block",
    "Command",
    "Endorse",
    "Genesis",
    "Ledger",
    "Outcome",
    "Standing",
    "Withdraw",
    "write_index",
]

INDEX_RECORD: Final = rules.INDEX_RECORD
REASONS: Final[tuple[tuple[type[CounterfoilError], str], ...]] = (
    (Conflict, "conflict"),
    (Violated, "violated"),
    (Unauthorised, "unauthorised"),
    (Lapsed, "lapsed"),
    (Refused, "refused"),
    (Malformed, "malformed"),
)


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
        """Take one command; where it is refused, the view is as it was."""
        try:
            match command:
                case Transaction():
                    return self._take_transaction(view, command)
                case Endorse():
                    return self._endorse(view, command)
                case Withdraw():
                    return self._withdraw(view, command)
                case Genesis():
                    return begin(view, command)
        except (Refused, Malformed, NotFound) as error:
            return Outcome(Standing.REFUSED, error=error)

    def _take_transaction(self, view: View, transaction: Transaction) -> Outcome:
        if not view.size:
            raise Refused("this ledger has no genesis yet; run counterfoil init")
        check_header(view, self.knowledge, transaction)
        name = request_name(transaction)
        earlier = repeated(view, name, transaction)
        if earlier is not None:
            return earlier
        endorsers = Endorsers(view, self.knowledge, transaction)
        if not endorsers.includes(transaction.header.agency):
            raise Unauthorised(
                f"{transaction.header.agency[:80]!r} submits this transaction, but no member of that name endorsed it "
                "with a key of its own whose algorithm counts now"
            )
        return self._judge(view, name, transaction, endorsers)

    def _judge(self, view: View, name: bytes, transaction: Transaction, endorsers: Endorsers) -> Outcome:
        check_expectations(view, transaction.header.expectations)
        first = view.size
        with view.attempt() as undo:
            policies = place(view, self.knowledge, transaction, arriving=True)
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
            return self._endorse_again(view, pending)
        if len(known) >= MAX_ENDORSEMENTS:
            raise Refused(
                f"{pending.hash} has {MAX_ENDORSEMENTS} endorsements already, the most that are kept"
            )
        transaction = pending.transaction.endorsed((*known, message.endorsement))
        # What waits was verified as it came: a stranger's message must not cost a check of all of it again.
        endorsers = Endorsers(view, self.knowledge, transaction, verified=len(known))
        policies = Scope(view, self.knowledge, transaction).policies()
        # Anyone can make a key: if any signature were noted, strangers could fill the log and use up the places.
        if not endorsers.count(message.endorsement.key, policies):
            raise Unauthorised(
                "none of the policies that govern this transaction asks for a signature by this key, or its algorithm "
                "does not count now; it was not added"
            )
        complete = all(map(endorsers.fulfil, policies))
        later = waiting.collect(view, pending, message.endorsement, complete=complete)
        if complete and _open(view, transaction):
            return self.complete(view, later)
        return Outcome(Standing.PENDING, pending.hash)

    def _endorse_again(self, view: View, pending: Pending) -> Outcome:
        """Adds nothing, but sees whether the rules have changed so that what was collected is enough now."""
        transaction = pending.transaction
        endorsers = Endorsers(view, self.knowledge, transaction, verified=len(transaction.endorsements))
        policies = Scope(view, self.knowledge, transaction).policies()
        if _open(view, transaction) and all(map(endorsers.fulfil, policies)):
            return self.complete(view, pending)
        return Outcome(Standing.REPEATED, pending.hash)

    def complete(self, view: View, pending: Pending) -> Outcome:
        """Judge a waiting transaction again and take it, or note why it is refused; either way it waits no more."""
        transaction = pending.transaction
        try:
            endorsers = Endorsers(view, self.knowledge, transaction)
            if not endorsers.includes(transaction.header.agency):
                raise Unauthorised(
                    "the agency that submitted it is no member any more, or its key does not count now"
                )
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
            waiting.settle(view, pending, waiting.REFUSED, _reason(error))
            return Outcome(Standing.REFUSED, pending.hash, error=error)

    def _withdraw(self, view: View, message: Withdraw) -> Outcome:
        pending = _find(view, message.transaction)
        key = message.endorsement.key
        agency = self.knowledge.agency(view, pending.transaction.header.agency)
        if agency is None or key not in agency.endorse or not self.knowledge.counts(view, key):
            raise Unauthorised(
                "only the agency that submitted a transaction can withdraw it, with one of its keys that counts now"
            )
        try:
            message.endorsement.verify(pending.hash, WITHDRAWAL)
        except Unverified as error:
            raise Unauthorised(f"the withdrawal's signature does not hold: {error}") from None
        waiting.settle(view, pending, waiting.WITHDRAWN)
        return Outcome(Standing.WITHDRAWN, pending.hash)


def write_index(view: View) -> None:
    """Write the `.index` entry: the root of the index over all entries before it, index entries left out."""
    root = view.state.index_root(view.changes.records)
    fields = {"root": labelled(root), "size": view.size}
    operation = "amend" if view.index else "create"
    view.write_index(Proposal(INDEX, INDEX_RECORD, operation, body={"fields": fields}))


def _reason(error: CounterfoilError) -> str:
    """The word that the log keeps for why a waiting transaction was refused; these words are part of the rules."""
    return next(word for kind, word in REASONS if isinstance(error, kind))


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
