"""The log, replayed by the ledger's own rules: what each transaction must have written, compared with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.ledger.ledger import Endorse, Genesis, Ledger, write_index
from counterfoil.ledger.state import Changes, Pending, Taken
from counterfoil.ledger.system import AGENCY, INDEX, TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import Entry, Proposal, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.transaction import Transaction, decode_endorsements, decode_header
from counterfoil.store.audit.finding import Findings, Progress
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.replay_state import ReplayState
from counterfoil.store.audit.rows import Rows

Command = Transaction | Endorse | Genesis | Pending


class Replay:
    """Walks the log a unit at a time: genesis, a transaction, a note about a waiting one, an index entry."""

    def __init__(self, logbook: Logbook, rows: Rows, findings: Findings, waiting: dict[str, Pending]):
        self._logbook = logbook
        self._rows = rows
        self._findings = findings
        self._waiting = waiting
        self._ledger = Ledger()
        self._spoiled: str | None = None
        self.state = ReplayState(logbook)
        self.documents: dict[str, int] = {}
        self.checkpoint_keys: set[str] = set()
        self.published: dict[int, bytes] = {}

    def run(self, progress: Progress, reached: Callable[[int], None]) -> None:
        """Replay everything; `reached` is told the log's size before each unit and at the end."""
        state, size = self.state, self._logbook.size
        while (number := state.head.size) < size:
            reached(number)
            progress(number, size)
            entry = self._read(number)
            if entry is None:
                self._rows.pass_prior(number)
                state.skip(self._leaf(number))
            elif entry.register == INDEX:
                self._take_index(entry)
            else:
                self._take_unit(entry)
        reached(size)
        progress(size, size)

    def finish(self) -> None:
        """Name the rows that no entry expected."""
        self._rows.finish(self.state.head.size)

    def _read(self, number: int) -> Entry | None:
        """An entry that is as it was sealed and in its place; None, with a finding, where it is not."""
        if number in self._logbook.damaged:
            return None
        try:
            entry = decode_entry(self.state.entry(number))
        except Malformed as error:
            self._findings.add(f"it cannot be read: {error}", f"entry {number}", number=number)
            return None
        if entry.number != number:
            self._findings.add(f"it says that it is entry {entry.number}", f"entry {number}", entry)
            return None
        return entry

    def _note(self, entry: Entry) -> None:
        """Remember what an entry says of things that are stored apart from the log."""
        if entry.document is not None:
            self.documents.setdefault(entry.document, entry.number)
        if entry.register == AGENCY:
            self.checkpoint_keys.update(entry.fields.get("checkpoint", ()))

    def _leaf(self, number: int) -> bytes:
        """The leaf hash that an unreadable entry must have had, as far as anything tells."""
        known = self._logbook.damaged.get(number)
        if known is not None:
            return known
        try:
            return leaf_hash(self.state.entry(number))
        except Malformed:
            return leaf_hash(b"")

    def _take_index(self, entry: Entry) -> None:
        view = View(self.state, instant(entry.time))
        write_index(view)
        changes = view.finish()
        if changes.entries[0] != self.state.entry(entry.number):
            self._differs(entry.number, changes.entries[0])
        for number, previous in changes.priors.items() or [(entry.number, None)]:
            self._rows.expect_prior(number, previous)
        changes.leaves[0] = leaf_hash(self.state.entry(entry.number))
        self.state.advance(changes)
        self.published[self.state.head.size] = self.state.range.root()

    def _take_unit(self, entry: Entry) -> None:
        head = self.state.head
        if head.size and instant(entry.time) > head.time != head.index_time:
            self._findings.add("no index entry was written in the second before it", f"entry {entry.number}", entry)
        changes = self._judge(entry)
        if changes is None or not self._same(entry.number, changes.entries):
            self._adopt(entry)
            return
        for number in range(entry.number, changes.head.size):
            self._rows.expect_prior(number, changes.priors.get(number))
        self.state.advance(changes)

    def _judge(self, entry: Entry) -> Changes | None:
        """What the rules give for the unit that begins here; None, with a finding, where they cannot or do not."""
        where = f"entry {entry.number}"
        stored = self._rows.taken(entry.number)
        if entry.transaction is not None and entry.transaction == self._spoiled:
            return None
        if stored is not None and any(stored.first <= number < stored.first + stored.count for number in self._logbook.damaged):
            return None
        try:
            view = View(self.state, instant(entry.time))
            command = self._command(view, entry, stored)
            if command is None:
                return None
            if isinstance(command, Pending):
                outcome = self._ledger.complete(view, command)
            else:
                outcome = self._ledger.take(view, command)
            changes = view.finish()
        except CounterfoilError as error:
            self._findings.add(f"its transaction cannot be judged: {error}", where, entry)
            return None
        if outcome.error is not None or not changes.entries:
            reason = outcome.error or f"it is {outcome.standing.value}"
            self._findings.add(f"its transaction cannot have been taken: {reason}", where, entry)
            return None
        for taken in changes.taken:
            self._rows.expect_taken(taken, stored or self._rows.taken(taken.first))
        return changes

    def _command(self, view: View, entry: Entry, stored: Taken | None) -> Command | None:
        if entry.register == TRANSACTION:
            return self._message(view, entry)
        if entry.transaction is None:
            if entry.number:
                raise Malformed("no transaction is named, and it is no entry that the ledger writes itself")
            return Genesis(tuple(self._proposals(view, 0, self._genesis_size())))
        if entry.transaction in self.state.open:
            return self.state.open[entry.transaction]
        if stored is None:
            raise Malformed("the header of its transaction is not stored")
        return self._transaction(view, stored)

    def _message(self, view: View, entry: Entry) -> Command | None:
        """What made the ledger write a note about a waiting transaction. One that is gone left hashes only."""
        stored = self._rows.taken_by_hash(unlabelled(entry.record))
        if stored is not None:
            whole = self._transaction(view, stored)
        elif entry.record in self._waiting:
            whole = self._waiting[entry.record].transaction
        else:
            return None
        open_ = self.state.open.get(entry.record)
        if open_ is None:
            return whole.endorsed(whole.endorsements[: len(entry.fields.get("endorsements", ()))])
        known = len(open_.transaction.endorsements)
        if known == len(whole.endorsements):
            raise Malformed("an endorsement that it tells of is not stored")
        return Endorse(entry.record, whole.endorsements[known])

    def _transaction(self, view: View, stored: Taken) -> Transaction:
        return Transaction(
            decode_header(stored.header),
            self._proposals(view, stored.first, stored.count),
            decode_endorsements(stored.endorsements),
        )

    def _proposals(self, view: View, first: int, count: int) -> list[Proposal]:
        entries = [decode_entry(self.state.entry(number)) for number in range(first, first + count)]
        for entry in entries:
            self._note(entry)
        knowledge = self._ledger.knowledge
        appends = {
            register: bool(first) and knowledge.definition(view, register).append
            for register in {entry.register for entry in entries}
        }
        return [entry.proposal(append=not first or appends[entry.register]) for entry in entries]

    def _genesis_size(self) -> int:
        number = 0
        while number < self._logbook.size:
            entry = decode_entry(self.state.entry(number))
            if entry.transaction is not None or entry.register == INDEX:
                break
            number += 1
        return number

    def _same(self, number: int, expected: Sequence[bytes]) -> bool:
        for offset, data in enumerate(expected):
            try:
                if self.state.entry(number + offset) == data:
                    continue
            except (Malformed, IndexError):
                pass
            self._differs(number + offset, data)
            return False
        return True

    def _differs(self, number: int, expected: bytes) -> None:
        due, entry = decode_entry(expected), self._logbook.describe(number)
        if entry is None:
            self._findings.add("it is missing, and its transaction must have written it", f"entry {number}", due)
            return
        fields = [name for name in due.__struct_fields__ if getattr(due, name) != getattr(entry, name)]
        what = f"it is not what its transaction must have written ({', '.join(fields)} differ)"
        self._findings.add(what, f"entry {number}", entry, field=fields[0] if fields else None)

    def _adopt(self, first: Entry) -> None:
        """Take a unit's entries as they are stored, so that one fault is not named again at each later entry."""
        self._spoiled = first.transaction if first.register != TRANSACTION else self._spoiled
        entry: Entry | None = first
        while entry is not None and entry.transaction == first.transaction and entry.register != INDEX:
            self._note(entry)
            before = self.state.record(record_key(entry.register, entry.record))
            self._rows.expect_prior(entry.number, before.number if before else None)
            self.state.adopt(entry, leaf_hash(self.state.entry(entry.number)), instant(entry.time))
            if self.state.head.size >= self._logbook.size or first.register == TRANSACTION:
                return
            entry = self._logbook.describe(self.state.head.size)
            if entry is not None and (entry.number != self.state.head.size or entry.number in self._logbook.damaged):
                return
