"""The log, replayed by the ledger's own rules: what each part of it must say, compared with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Final

import msgspec

from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.ledger.ledger import Ledger, write_index
from counterfoil.ledger.state import Changes, Pending, RecordState
from counterfoil.ledger.system import AGENCY, INDEX, TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.merkle import leaf_hash
from counterfoil.store.audit.causes import Altered, Causes
from counterfoil.store.audit.finding import Findings, Progress, reason
from counterfoil.store.audit.items import ItemAudit, OpenPart
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.replay_state import ReplayState, Unknowable, read_entry
from counterfoil.store.audit.rows import Rows
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.elsewhere import NAMES_ITEM
from counterfoil.store.log import WIDTH

NOTED: Final = (b'"document":', NAMES_ITEM, b'"operation":"erase"', b'"register":".agency"')
"""What stands in entries that say something of what is stored apart from the log."""


class Replay:
    """Walks the log a unit at a time: genesis, a transaction, a note about a waiting one, an index entry.

    A unit that is not what the rules give is named, and then taken as it is stored, so that the walk goes on.
    """

    def __init__(
        self,
        logbook: Logbook,
        stored: Stored,
        findings: Findings,
        kept: Mapping[str, Pending],
        open_part: OpenPart | None = None,
    ):
        self._logbook = logbook
        self._findings = findings
        self._rows = Rows(stored, findings, logbook.describe)
        self.state = ReplayState(logbook, stored)
        self._items = ItemAudit(stored, findings, self.state, open_part)
        self._ledger = Ledger()
        self.causes = Causes(self._ledger, self.state, self._rows, kept)
        self.spoiled: set[str] = set()
        """Transactions that could not be judged: why, is named or follows from what is."""
        self._unit_starts: set[int] = set()
        self._unjudged = 0
        self._index_faults: list[Entry] = []
        self.documents: dict[bytes, int] = {}
        """The first entry that names each document, by the document's hash."""
        self.members: list[tuple[int, Entry]] = []
        """Every version of a member's record, and how long the log was with it."""
        self.published: dict[int, bytes | None] = {}
        """The log's root at each size at which an index entry ends it, and so a checkpoint is published.

        None where it cannot be told.
        """

    def run(self, progress: Progress, reached: Callable[[int], None]) -> None:
        """Replay everything; `reached` is told the log's size before each unit and at the end."""
        state, size, tail = self.state, self._logbook.size, self._logbook.bundles * WIDTH
        while (number := state.head.size) < size:
            reached(number)
            progress(number, size)
            if number >= tail:
                self._unit_starts.add(number)
            entry = self._read(number)
            if entry is None:
                self._lose(number)
            elif entry.register == INDEX:
                self._take_index(entry)
            else:
                self._take_unit(entry)
        self._check_cadence()
        reached(size)
        progress(size, size)

    def finish(self) -> None:
        """Name the rows that no entry expected, and what was counted on the way."""
        self._rows.finish()
        waiting_known = not (self.spoiled or self.state.lost_numbers or not all(self.causes.gone.values()))
        self._items.finish(sure=waiting_known)
        if not self.state.lost_numbers:
            self._check_tail_rows()
        if self._index_faults:
            first, more = self._index_faults[0], len(self._index_faults) - 1
            what = "the index root that it states is not that of the records"
            if more:
                what += f"; later ones that are wrong as well: {more}"
            self._findings.add(what, f"entry {first.number}", first, field="root")
        if self._unjudged:
            self._findings.leave(f"transactions that build on damaged entries ({self._unjudged})")
        if any(self.causes.gone.values()):
            self._findings.leave(
                "whether transactions that waited, and lapsed, were withdrawn or refused, ended rightly "
                f"({sum(self.causes.gone.values())}): of those the log keeps hashes alone"
            )

    def _check_tail_rows(self) -> None:
        """Each row of the tail is of one block: none begins within a unit, none goes on after an index entry."""
        size = self.state.head.size
        rows = [first for first in self._logbook.tail_rows if first < size]
        for number in rows[1:]:
            if number not in self._unit_starts:
                self._findings.add("no block begins where it does", f"tail row {number}", number=number)
        for first, end in pairwise((*rows, size)):
            if any(first < published < end for published in self.published):
                self._findings.add("a block ends within it", f"tail row {first}", number=first)

    def _read(self, number: int) -> Entry | None:
        """An entry in its place; None, with a finding, where it is not to be used."""
        if number in self._logbook.damaged:
            return None
        try:
            data = self.state.entry(number)
            entry = read_entry(data)
            # The fields of the ledger's own registers are read here; all others the rules check first.
            if entry.register.startswith("."):
                entry = decode_entry(data)
            if entry.number == number:
                return entry
            what = "it says that it is another entry than its place has"
        except Malformed as error:
            what = f"it cannot be read: {reason(error)}"
        self._findings.add(what, f"entry {number}", self._logbook.describe(number), number=number)
        self._logbook.discard(number)
        return None

    def _lose(self, number: int) -> None:
        row = self._rows.taken(number)
        if row is not None:
            self.spoiled.add(labelled(row[2]))
        entry = self._logbook.describe(number)
        if entry is not None and entry.transaction is not None:
            self.spoiled.add(entry.transaction)
            self.causes.give_up(entry.transaction)
        self._rows.pass_priors(number + 1)
        self._items.lose(number)
        self.state.lose(self._logbook.damaged.get(number), entry)

    def _take_index(self, entry: Entry) -> None:
        state, number = self.state, entry.number
        before, stored = state.head.index, state.entry(number)
        view = View(state, instant(entry.time))
        try:
            self.causes.check_due(view, entry)
        except Malformed as error:
            self._refuse(entry, error)
        if before is not None and before.number == number - 1:
            self._findings.add("it follows another index entry directly", f"entry {number}", entry)
        write_index(view)
        changes = view.finish()
        if changes.entries[0] != stored:
            self._index_differs(entry, changes.entries[0])
            index = RecordState(leaf_hash(stored), number, entry.version, 0)
            changes.leaves[0] = index.leaf
            changes.head = changes.head._replace(index=index)
        self._rows.expect_priors(number + 1, changes.priors, {number} if self._follows_loss(entry) else ())
        state.advance(changes)
        self.published[state.head.size] = state.range.root() if state.exact else None

    def _take_unit(self, first: Entry) -> None:
        row = self._rows.taken(first.number) if first.register != TRANSACTION else None
        changes = None if first.transaction in self.spoiled else self._judge(first, row)
        if changes is None:
            self._adopt(first, row)
            return
        end = changes.head.size
        self._rows.expect_priors(end, changes.priors)
        for taken in changes.taken:
            found = row if row is not None and row[0] == taken.first else self._rows.taken(taken.first)
            self._rows.expect_taken(taken, found)
        if row is not None and not changes.taken:
            self._rows.name_surplus(row)
        for number, data in enumerate(changes.entries, first.number):
            # Most entries are passed over by a few searches, without reading them again.
            if any(mark in data for mark in NOTED):
                self._note(number, read_entry(data))
        self.state.advance(changes)

    def _judge(self, first: Entry, row: Row | None) -> Changes | None:
        """What the rules give for the unit that begins here; None where they give nothing, or something else."""
        try:
            view = View(self.state, instant(first.time))
            self._check_cadence(view.time)
            self.causes.ask(view, first, row)
        except CounterfoilError as error:
            self._refuse(first, error)
            return None
        changes = view.finish()
        stored = self.state.entries(first.number, len(changes.entries))
        if stored == changes.entries:
            return changes
        differing = (offset for offset, one in enumerate(stored) if one != changes.entries[offset])
        offset = next(differing, len(stored))
        self._differs(first.number + offset, changes.entries[offset])
        return None

    def _refuse(self, entry: Entry, error: CounterfoilError) -> None:
        """Name a unit that the rules refuse, unless that follows from what is named already."""
        if isinstance(error, Unknowable) or self.state.blind or self._unit_follows_loss(entry):
            self._unjudged += 1
        else:
            what = f"its transaction cannot have been taken: {reason(error)}"
            if isinstance(error, Altered) and not self._logbook.sealed:
                self._findings.add(what, error.where(entry.number), number=entry.number)
            else:
                self._findings.add(what, f"entry {entry.number}", entry)

    def _unit_follows_loss(self, first: Entry) -> bool:
        number = first.number
        while entry := self._in_unit(number, first):
            if self._follows_loss(entry):
                return True
            number += 1
        return False

    def _follows_loss(self, entry: Entry) -> bool:
        """Whether the version before an entry is one that is lost."""
        if self.state.exact or entry.previous is None:
            return entry.previous in self.state.lost
        if entry.register == INDEX:
            before = self.state.head.index
        else:
            before = self.state.record(record_key(entry.register, entry.record))
        return before is None or labelled(before.leaf) != entry.previous

    def _check_cadence(self, time: int | None = None) -> None:
        """The first block of each second in which the log grew ends with an index entry; `time` is the next block's."""
        head = self.state.head
        ended = head.size and (time is None or time > head.time)
        if ended and head.time != head.index_time and not self.state.lost_numbers:
            number = head.size - 1
            self._findings.add("no index entry was written in its second", f"entry {number}", number=number)

    def _differs(self, number: int, expected: bytes) -> None:
        if number in self._logbook.damaged:
            self._unjudged += 1
            return
        due = decode_entry(expected)
        entry = self._logbook.describe(number) if number < self._logbook.size else None
        if entry is None:
            self._findings.add("it is missing, and its transaction wrote it", f"entry {number}", due)
            return
        fields = [name for name in due.__struct_fields__ if getattr(due, name) != getattr(entry, name)]
        before = self.state.record(record_key(entry.register, entry.record))
        if fields == ["previous"] and before is not None:
            what = f"it is not the one that its next version, entry {number}, names as the one before it"
            self._findings.add(what, f"entry {before.number}", self._logbook.describe(before.number))
            return
        what = f"it is not what its transaction wrote ({', '.join(fields) or 'its form'} differs)"
        self._findings.add(what, f"entry {number}", entry, field=fields[0] if fields else None)

    def _index_differs(self, entry: Entry, expected: bytes) -> None:
        """Tell a wrong root, which every later index entry has as well, from anything else."""
        root = decode_entry(expected).fields["root"]
        if entry.fields.get("root") != root:
            if self.state.lost_numbers:
                self._findings.leave("the index roots stated after a damaged entry")
            else:
                self._index_faults.append(entry)
        body = {**(entry.body or {}), "fields": {**entry.fields, "root": root}}
        otherwise_right = msgspec.structs.replace(entry, body=body).encode() == expected
        if not otherwise_right and not self._follows_loss(entry):
            self._differs(entry.number, expected)

    def _adopt(self, first: Entry, row: Row | None) -> None:
        """Take a unit's entries as they are stored."""
        if first.transaction is not None:
            self.spoiled.add(first.transaction)
            self.causes.give_up(first.transaction)
        if row is not None:
            self._rows.check_taken(row)
        priors: dict[int, int] = {}
        unknown: set[int] = set()
        number = first.number
        while entry := self._in_unit(number, first):
            before = self.state.adopt(entry, self.state.entry(number), instant(entry.time))
            if before is not None:
                priors[number] = before
            if self._follows_loss(entry):
                unknown.add(number)
            self._note(number, entry)
            number += 1
        if number == first.number:
            self._logbook.discard(number)
            self._lose(number)
        else:
            self._rows.expect_priors(number, priors, unknown)

    def _in_unit(self, number: int, first: Entry) -> Entry | None:
        """An entry, if it is one of the unit that begins with `first` and can be used."""
        if number > first.number and (first.register == TRANSACTION or number in self._logbook.damaged):
            return None
        try:
            entry = decode_entry(self.state.entry(number))
        except Malformed:
            return None
        same = entry.number == number and entry.transaction == first.transaction and entry.register != INDEX
        return entry if same else None

    def _note(self, number: int, entry: Entry) -> None:
        """Remember what an entry says of things that are stored apart from the log."""
        if entry.document is not None:
            with suppress(Malformed):  # then it is no hash, which is named where its unit is judged
                self.documents.setdefault(unlabelled(entry.document), number)
        if entry.item is not None or entry.operation == "erase":
            self._items.see(entry)
        if entry.register == AGENCY:
            self.members.append((number + 1, entry))
