"""What made the ledger write each part of its log: found again from what is stored, and asked of its own rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger import pending as waiting
from counterfoil.ledger.ledger import Command, Endorse, Genesis, Ledger, Outcome, Standing
from counterfoil.ledger.state import ENDED, Pending
from counterfoil.ledger.system import INDEX, TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, digest, unlabelled
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.transaction import Transaction, decode_endorsements, decode_header
from counterfoil.store.audit.replay_state import ReplayState
from counterfoil.store.audit.rows import Rows
from counterfoil.store.audit.stored import Row

ENDINGS: Final = frozenset({waiting.LAPSED, waiting.WITHDRAWN, waiting.REFUSED})
"""How a transaction that waited ends without being taken."""


class Altered(Malformed):
    """The entries of a transaction are not those that its header states."""

    def __init__(self, count: int):
        super().__init__("the header does not state the number and root of the proposals that came with it")
        self._count = count

    def where(self, first: int) -> str:
        """Where one of them is not what it was, where nothing tells which; `first` is the first one's number."""
        return (
            f"one of the entries {first} to {first + self._count - 1}"
            if self._count > 1
            else f"entry {first}"
        )


class Causes:
    """Does once more to a view what the ledger did when it wrote the entries that begin with a given one.

    `kept` are the transactions that are stored as waiting. `gone` are those of which only hashes are left, because they
    ended without being taken: true once they have ended.
    """

    def __init__(self, ledger: Ledger, state: ReplayState, rows: Rows, kept: Mapping[str, Pending]):
        self._ledger = ledger
        self._state = state
        self._rows = rows
        self._kept = kept
        self._coming: dict[str, Transaction] = {}
        self._due: list[str] = []
        self._looked_at = -1
        self.gone: dict[str, bool] = {}

    def ask(self, view: View, first: Entry, row: Row | None) -> None:
        """Have the ledger write the part that begins with `first`; `row` is its transaction's, where it is stored.

        Raises `CounterfoilError` where the rules say that it cannot have been written.
        """
        self.check_due(view, first)
        if first.register == TRANSACTION:
            self._note(view, first)
        elif first.transaction is None:
            self._genesis(view)
        elif first.transaction in self._state.open:
            self._completion(view, first.transaction)
        else:
            self._transaction(view, first.transaction, row)

    def check_due(self, view: View, first: Entry) -> None:
        """Raise `Malformed` where, as the time moved on, something else had to be written than `first`."""
        if view.time > self._looked_at:
            self._looked_at = view.time
            self._due = [
                each.hash
                for each in self._state.waiting()
                if instant(each.transaction.header.deadline) < view.time
                or (each.complete and _is_open(view, each.transaction))
            ]
        if self._due and first.transaction != self._due[0] and not self._ends_gone(first):
            due, self._due = self._due[0], []
            raise Malformed(f"{due} was due before it, and neither completed nor lapsed")

    def give_up(self, transaction: str) -> None:
        """Wait no more for a transaction that could not be judged."""
        self._state.open.pop(transaction, None)
        self._due = [each for each in self._due if each != transaction]

    def _ends_gone(self, entry: Entry) -> bool:
        return (
            entry.register == TRANSACTION
            and entry.operation == "close"
            and entry.record not in self._state.open
        )

    def _genesis(self, view: View) -> None:
        if view.size:
            raise Malformed("it names no transaction, and is no entry that the ledger writes itself")
        records: list[Proposal] = []
        for number in range(self._state.end):
            entry = self._state.read(number)
            if entry.transaction is not None or entry.register == INDEX:
                break
            records.append(entry.proposal(append=True))
        self._take(view, Genesis(tuple(records)))

    def _transaction(self, view: View, transaction: str, row: Row | None) -> None:
        if row is None:
            raise Malformed("the header of its transaction is not stored")
        outcome = self._take(view, self._whole(view, row, transaction))
        if outcome.standing is Standing.PENDING:
            raise Malformed("its endorsements do not satisfy the policies that govern it")
        if outcome.standing is Standing.REPEATED:
            raise Malformed(f"it repeats {outcome.transaction}")

    def _completion(self, view: View, transaction: str) -> None:
        pending = self._state.open[transaction]
        if self._due[:1] != [transaction] or not (pending.complete and _is_open(view, pending.transaction)):
            raise Malformed("it was waiting, and nothing completed it")
        self._due.pop(0)
        _checked(self._ledger.complete(view, pending))

    def _note(self, view: View, entry: Entry) -> None:
        """A note about a waiting transaction: it arrives, gains an endorsement, or ends."""
        open_ = self._state.open.get(entry.record)
        if open_ is not None and entry.operation == "close":
            self._end(view, entry, open_)
        elif open_ is not None:
            whole, known = self._coming[entry.record], len(open_.transaction.endorsements)
            if known == len(whole.endorsements):
                raise Malformed("an endorsement that it tells of is not stored")
            self._take(view, Endorse(entry.record, whole.endorsements[known]))
        else:
            self._arrive(view, entry)

    def _arrive(self, view: View, entry: Entry) -> None:
        row = self._rows.taken_later(unlabelled(entry.record))
        if row is not None:
            whole = self._whole(view, row, entry.record)
        elif entry.record in self._kept:
            whole = self._kept[entry.record].transaction
        else:
            self._note_gone(view, entry)
            return
        came_with = len(_endorsements(entry))
        outcome = self._take(view, whole.endorsed(whole.endorsements[:came_with]))
        if outcome.standing is not Standing.PENDING:
            raise Malformed("nothing kept its transaction from being taken at once")
        self._coming[entry.record] = whole

    def _end(self, view: View, entry: Entry, pending: Pending) -> None:
        """It is kept or taken, and has ended without being taken all the same: the log counts."""
        if entry.status not in ENDINGS:
            raise Malformed(f"a transaction that waits does not end as {entry.status!r} by itself")
        self.give_up(entry.record)
        waiting.settle(view, pending, entry.status, entry.fields.get("reason"))

    def _note_gone(self, view: View, entry: Entry) -> None:
        """Of a transaction that ended without being taken only hashes are kept: its notes are judged by their form."""
        before = view.record(record_key(TRANSACTION, entry.record))
        fields, closing = entry.fields, entry.operation == "close"
        if closing:
            fits = _is_ending(entry.status, fields)
        else:
            count = 1 if before else max(1, len(_endorsements(entry)))
            fits = entry.status in {waiting.WAITING, waiting.ENDORSED} and _is_news(fields, count)
        expected = {"create"} if before is None else {"amend", "close"}
        if not fits or entry.operation not in expected or (before and before.flags & ENDED):
            raise Malformed(
                "its transaction is not stored, and ended neither as lapsed, withdrawn nor refused"
            )
        note = Proposal(
            TRANSACTION, entry.record, entry.operation, status=entry.status, body={"fields": fields}
        )
        view.write(note, entry.record)
        self.gone[entry.record] = closing

    def _whole(self, view: View, row: Row, transaction: str) -> Transaction:
        """A transaction as it was submitted, put together again from its row and its entries.

        Raises `Altered` where they do not fit each other.
        """
        first, _, _, _, stored, endorsements, _ = row
        if digest(stored) != transaction:
            raise Malformed("the header that is stored for it is not the one that it names")
        header = decode_header(stored)
        entries = self._state.read_many(first, header.count)
        # An append register's versions are the ledger's, and no part of the proposal.
        appends = {
            register: self._ledger.knowledge.definition(view, register).append
            for register in {entry.register for entry in entries}
        }
        proposals = [entry.proposal(append=appends[entry.register]) for entry in entries]
        whole = Transaction(header, proposals, decode_endorsements(endorsements))
        if header.root != whole.root:
            raise Altered(header.count)
        return whole

    def _take(self, view: View, command: Command) -> Outcome:
        return _checked(self._ledger.take(view, command))


def _checked(outcome: Outcome) -> Outcome:
    if outcome.error is not None:
        raise outcome.error
    return outcome


def _is_open(view: View, transaction: Transaction) -> bool:
    not_before = transaction.header.not_before
    return not_before is None or instant(not_before) <= view.time


def _endorsements(note: Entry) -> list[Json]:
    """The endorsements that a note about a waiting transaction tells of, as hashes."""
    told = note.fields.get("endorsements")
    return told if isinstance(told, list) else []


def _is_ending(status: str | None, fields: Json) -> bool:
    if status == waiting.REFUSED:
        return set(fields) == {"reason"} and isinstance(fields["reason"], str)
    return status in ENDINGS and not fields


def _is_news(fields: Json, count: int) -> bool:
    endorsements = fields.get("endorsements")
    if set(fields) != {"endorsements"} or not isinstance(endorsements, list) or len(endorsements) != count:
        return False
    return all(isinstance(each, str) and unlabelled(each) for each in endorsements)
