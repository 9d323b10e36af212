"""The items kept beside the log, read beside its replay: each entry that brings one has its row, and no other has.

A row without parts says that the item is kept elsewhere. A part that was erased has an `erase` entry of its record
after it. The blind index is what the items' rows say. All else is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from counterfoil.errors import CounterfoilError, Damaged, Malformed, NotFound
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.proof.disclosure import DIGEST, commitment, disclosure_digest
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import record_key
from counterfoil.store.audit.blind import BlindAudit
from counterfoil.store.audit.finding import Findings, reason
from counterfoil.store.audit.replay_state import ReplayState
from counterfoil.store.audit.rows import PAST_ALL, Cursor
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.elsewhere import waiting_items
from counterfoil.store.items import ERASED, SealedPart, StoredPart, read_contents

OpenPart: TypeAlias = Callable[[StoredPart, Entry], Sequence[str] | None]
"""Gives the disclosures of a part, with the entry that brought it; None where its key is not here.

Raises `CounterfoilError` where the key does not open it.
"""


class ItemAudit:
    """Told of the entries in their order, it compares them with the rows of `item`."""

    def __init__(
        self, stored: Stored, findings: Findings, state: ReplayState, open_part: OpenPart | None = None
    ):
        self._stored = stored
        self._findings = findings
        self._state = state
        self._open_part = open_part
        self._rows = Cursor(stored.rows("item"))
        self._blind = BlindAudit(stored, findings)
        self._erased: dict[bytes, int] = {}
        self._parts_gone: list[Entry] = []
        self._elsewhere = 0
        self._unopened = 0

    def see(self, entry: Entry) -> None:
        """Take the next entry that names an item or erases one."""
        if entry.operation == "erase":
            self._erased[record_key(entry.register, entry.record)] = entry.number
        if entry.item is None:
            return
        self._name_surplus(entry.number)
        row = self._rows.at(entry.number)
        if row is not None:
            self._check_row(entry, row)
        elif not (
            self._stored.is_named("item", entry.number)
            or not self._stored.holds_items
            or self._repeats(entry)
        ):
            self._name("the item that it names is not stored", entry)

    def lose(self, number: int) -> None:
        """Pass over an entry that cannot be read."""
        self._name_surplus(number)
        row = self._rows.at(number)
        if row is not None:
            self._read(number, row)

    def finish(self, *, sure: bool) -> None:
        """Name what is left, and compare what waits and the blind index; not `sure`: transactions may be damaged."""
        self._name_surplus(PAST_ALL)
        for entry in self._parts_gone:
            if self._erased.get(record_key(entry.register, entry.record), -1) <= entry.number:
                self._name(
                    "a part of its item was removed, and no later entry of its record erases it", entry
                )
        if self._elsewhere:
            self._findings.leave(f"items that are kept elsewhere ({self._elsewhere})")
        if self._unopened:
            self._findings.leave(f"what items hold whose keys are not here ({self._unopened})")
        self._check_waiting(sure=sure)
        self._blind.finish(self._state.head.size)

    def _name_surplus(self, number: int) -> None:
        for row in self._rows.below(number):
            self._read(row[0], row)
            what = "an item is stored that no entry brought"
            self._findings.add(what, f"item row {row[0]}", number=row[0])

    def _read(self, number: int, row: Row) -> tuple[SealedPart, ...] | None:
        """A row's parts; None, with what is wrong with it left to the caller, where it is not what was stored."""
        try:
            parts, tokens = read_contents(number, (row[1], row[2], row[3]))
        except Damaged:
            return None
        self._blind.expect(number, tokens)
        return parts

    def _check_row(self, entry: Entry, row: Row) -> None:
        parts = self._read(entry.number, row)
        if parts is None:
            self._name("its item is not what was stored", entry)
            return
        if not parts:
            self._elsewhere += 1
        if len({each.slot for each in parts}) != len(parts):
            self._name("its item has two parts of one slot", entry)
        elif any(each.key == ERASED for each in parts):
            self._parts_gone.append(entry)
            if any(each.key == ERASED and (each.subject or len(each.sealed) % DIGEST) for each in parts):
                self._name("more is left of an erased part of its item than the digests of its fields", entry)
        if self._open_part is not None and parts:
            self._open(entry, parts, self._open_part)
        elif any(each.key != ERASED for each in parts):
            self._unopened += 1

    def _open(self, entry: Entry, parts: Sequence[SealedPart], open_part: OpenPart) -> None:
        """Recompute the item's commitment from the fields that its parts hold."""
        digests: list[bytes] = []
        complete = True
        for part in parts:
            if part.key == ERASED:
                digests += [part.sealed[at : at + DIGEST] for at in range(0, len(part.sealed), DIGEST)]
                complete &= bool(part.sealed)
                continue
            try:
                found = open_part(StoredPart(entry.number, *_columns(part)), entry)
                digests += map(disclosure_digest, found or ())
            except NotFound as error:
                self._name(f"part {part.slot} of its item cannot be opened: {reason(error)}", entry)
                return
            except CounterfoilError as error:
                self._name(f"part {part.slot} of its item is not what was sealed: {reason(error)}", entry)
                return
            complete &= found is not None
        if not complete:
            self._unopened += 1
        elif not _commits(digests, entry):
            self._name("the fields of its item are not those that it commits to", entry)

    def _repeats(self, entry: Entry) -> bool:
        """Whether the version before it names the same item; also where that cannot be told."""
        prior = self._stored.row("prior", entry.number)
        if prior is None:
            return entry.version > 1 and entry.previous in self._state.lost
        try:
            return self._state.read(prior[1]).item == entry.item
        except Malformed:
            return True

    def _check_waiting(self, *, sure: bool) -> None:
        if not self._stored.holds_items:
            return
        due = waiting_items(self._state.waiting())
        for name, *found in self._stored.rows("item_waiting"):
            where = f"item_waiting row {name.hex()}"
            try:
                read_contents(name, (found[0], found[1], found[2]))
            except Damaged:
                self._findings.add("the item is not what was stored", where)
            if name not in due and sure:
                self._findings.add("an item waits that no waiting transaction names", where)
            due.discard(name)
        for name in sorted(due):
            if not self._stored.is_named("item_waiting", name):
                what = "a waiting transaction names the item, and it is not stored"
                self._findings.add(what, f"item_waiting row {name.hex()}")

    def _name(self, what: str, entry: Entry) -> None:
        self._findings.add(what, f"item row {entry.number}", entry)


def _columns(part: SealedPart) -> tuple[int, int, bytes, bytes]:
    return part.slot, part.key, part.subject, part.sealed


def _commits(digests: Sequence[bytes], entry: Entry) -> bool:
    try:
        return labelled(commitment(digests)) == entry.item and bool(unlabelled(entry.item))
    except Malformed:
        return False
