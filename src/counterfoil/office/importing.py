"""Importing into personal registers: each row is judged with all its fields and sealed, or refused by itself.

Rows go in many at a time, as one transaction. What some version of its record says already, with the same
circumstances, is taken as imported: an import that was interrupted goes on, and one that is repeated adds nothing.
A row that a second officer must decide becomes a case on the desk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from counterfoil.errors import (
    Conflict,
    CounterfoilError,
    Malformed,
    NotFound,
    Refused,
    Unauthorised,
    Violated,
)
from counterfoil.ledger.constraints import claim_key
from counterfoil.office.alike import Alike
from counterfoil.office.grouping import Group, sure_to_wait
from counterfoil.office.laid import Laid
from counterfoil.office.office import Office
from counterfoil.office.showing import Submit
from counterfoil.office.standing import Versions
from counterfoil.office.wanted import Reader, Wanted
from counterfoil.proof.entry import Claim
from counterfoil.registry.personal.attachments import seal_attachment
from counterfoil.registry.personal.change import Acting, Change
from counterfoil.registry.personal.identifying import DUPLICATE_CHECK
from counterfoil.registry.table.entering import Refusal
from counterfoil.registry.table.importing import Progress
from counterfoil.registry.table.reading import RawRow, Table

COUNTED: Final = ("rows", "created", "amended", "unchanged", "skipped", "refused", "waiting")
"""What is counted: the rows, and what became of them."""
PARTS: Final = 8
"""Into how many parts rows are divided, one of which is at fault: of a thousand, each is judged about twice then."""


@dataclass(frozen=True)
class Listeners:
    """Who is told while an import runs: of each refused row, and of each case that was laid on the desk."""

    refused: Callable[[Refusal], None] = lambda refusal: None
    laid: Callable[[str], None] = lambda case: None


class Importing:
    """The import of one file by one officer. `submit` is the one write path, as an office has it."""

    def __init__(
        self,
        office: Office,
        submit: Submit,
        acting: Acting,
        reader: Reader,
        listeners: Listeners | None = None,
        *,
        identify: bool = False,
    ):
        """`identify`: refuse a new record of somebody who likely has one, unless the row says it is not the same."""
        self._office = office
        self._submit = submit
        self._acting = acting
        self._reader = reader
        self._listeners = listeners or Listeners()
        self._laid = Laid(office.desk)
        self._group = Group(self._holder)
        self._identify = identify
        self._alike = Alike()
        self._refusals: list[Refusal] = []
        self.counts = dict.fromkeys(COUNTED, 0)
        self.registers: Counter[str] = Counter()
        """How many records were created or changed in each register."""
        self.likely = 0
        """How many of the rows refused are likely somebody's who is registered."""

    def take(self, raw: RawRow) -> None:
        """Take a row; it is entered with those that follow, once they are as many as one transaction takes.

        Raises `Unauthorised` or `Unavailable` or `Damaged`, which are no row's fault, with the rows before stored.
        """
        self.counts["rows"] += 1
        try:
            wanted = self._reader.read(raw)
            plan = self._office.registrar.plan(wanted.change.register)
        except (Malformed, Refused) as error:
            self._refuse(raw, error)
            return
        if self._identify and self._alike.has(wanted.change, plan):
            self.flush()
        if not self._group.take(wanted, plan):
            self.flush()
            self._group.take(wanted, plan)
        if self._identify:
            self._alike.add(wanted.change, plan)

    def flush(self) -> None:
        """Enter what was taken and is not entered yet; then tell of the rows refused, by line."""
        try:
            self._enter_group()
        finally:
            refusals, self._refusals = sorted(self._refusals, key=lambda refusal: refusal.line), []
            for refusal in refusals:
                self._listeners.refused(refusal)

    def _enter_group(self) -> None:
        rows, self._group, self._alike = self._group.rows, Group(self._holder), Alike()
        ready: list[Wanted] = []
        decided: list[Wanted] = []
        for wanted in self._unsaid(rows):
            plan = self._office.registrar.plan(wanted.change.register)
            (decided if sure_to_wait(wanted.change, plan) else ready).append(wanted)
        if ready:
            self._enter(ready)
        for wanted in decided:
            self._lay_down(wanted)

    def _holder(self, scope: str, claim: str, value: str) -> bytes | None:
        """The index key of the record that holds a claim now."""
        try:
            digest = self._office.registrar.pseudonyms.claim(scope, value)
        except Malformed:
            return None
        with self._office.registrar.reading() as store:
            return store.claim(claim_key(Claim(scope, claim, digest)))

    def _unsaid(self, rows: Sequence[Wanted]) -> list[Wanted]:
        """The rows that say something new, each as a change of what stands; the others are counted."""
        new = []
        with self._office.registrar.reading() as store:
            versions = Versions(self._office.registrar, store)
            for wanted in rows:
                try:
                    standing = versions.standing(wanted)
                except (Malformed, Refused) as error:
                    self._refuse(wanted.raw, error)
                    continue
                if standing == "said":
                    self.counts["unchanged"] += 1
                elif standing == "absent" or wanted.change.operation != "create":
                    new.append(wanted)
                elif wanted.on_existing == "amend if different":
                    new.append(wanted.amending())
                elif wanted.on_existing == "skip":
                    self.counts["skipped"] += 1
                else:
                    self._refuse(wanted.raw, _there(wanted.change))
        return new

    def _enter(self, rows: Sequence[Wanted]) -> None:
        """Enter rows in one transaction; where that is refused, in parts, down to the row that is at fault."""
        try:
            rows = [self._with_papers(wanted) for wanted in rows]
            prepared = self._office.registrar.prepare(
                [wanted.change for wanted in rows], self._acting, identify=self._identify
            )
            if prepared.submission is None:
                self._part(rows, None)
                return
            waits = not self._submit(prepared.submission).count
        except Unauthorised:
            raise
        except (Refused, Malformed, NotFound) as error:
            self._part(rows, error)
            return
        for wanted in rows:
            self._count(wanted, "waiting" if waits else _became(wanted.change))

    def _part(self, rows: Sequence[Wanted], error: CounterfoilError | None) -> None:
        """Find the rows at fault: those that cannot be drafted at once, any others in ever smaller parts."""
        if len(rows) == 1:
            if error is None:
                self._lay_down(rows[0])
            else:
                self._refuse(rows[0].raw, error)
            return
        good = list(self._drafted(rows)) if error is not None else list(rows)
        length = -(-len(good) // PARTS) if len(good) == len(rows) else len(good)
        for at in range(0, len(good), max(1, length)):
            self._enter(good[at : at + length])

    def _drafted(self, rows: Sequence[Wanted]) -> Iterator[Wanted]:
        with self._office.registrar.reading() as store:
            drafter = self._office.registrar.drafter(store)
            for wanted in rows:
                try:
                    drafter.draft(wanted.change, self._acting, None)
                except (Refused, Malformed, NotFound) as error:
                    self._refuse(wanted.raw, error)
                else:
                    yield wanted

    def _lay_down(self, wanted: Wanted) -> None:
        """Have a second officer decide a row, unless it lies on the desk already."""
        if wanted.change in self._laid:
            self._count(wanted, "waiting")
            return
        try:
            filed = self._office.file([self._with_papers(wanted).change], self._acting)
        except Unauthorised:
            raise
        except (Refused, Malformed, NotFound) as error:
            self._refuse(wanted.raw, error)
            return
        if filed.waiting is None:
            self._count(wanted, _became(wanted.change))
            return
        self._count(wanted, "waiting")
        self._laid.add(wanted.change)
        self._listeners.laid(filed.waiting.case)

    def _with_papers(self, wanted: Wanted) -> Wanted:
        """The row with its papers sealed and stored."""
        if not wanted.papers:
            return wanted
        put = self._office.node.put_document
        attached = tuple(
            msgspec.to_builtins(seal_attachment([paper.text.encode()], put, paper.media_type, paper.kind))
            for paper in wanted.papers
        )
        change = msgspec.structs.replace(wanted.change, attachments=attached)
        return wanted._replace(change=change, papers=())

    def _count(self, wanted: Wanted, what: str) -> None:
        self.counts[what] += 1
        self.registers[wanted.change.register] += 1

    def _refuse(self, raw: RawRow, error: CounterfoilError) -> None:
        column = error.field if isinstance(error, Violated) else None
        self.counts["refused"] += 1
        self.likely += isinstance(error, Violated) and error.constraint == DUPLICATE_CHECK
        self._refusals.append(Refusal(raw.line, column, None, str(error), raw))


def _became(change: Change) -> str:
    return "created" if change.operation == "create" else "amended"


def _there(change: Change) -> Conflict:
    return Conflict(
        f"{change.register} has a record of that key already, and it says something else; "
        "look at it, and state an operation where it should change"
    )


def import_rows(
    importing: Importing, table: Table, progress: Progress = lambda done, total: None
) -> str | None:
    """Import every row of a table; gives why reading ended before the file did, where it does.

    Tells `progress` how many of the file's bytes are read. Raises as `Importing.take`.
    """
    fault = None
    try:
        for raw in table.rows():
            importing.take(raw)
            progress(min(table.position, table.length), table.length)
    except Malformed as error:
        fault = str(error)
    importing.flush()
    return fault
