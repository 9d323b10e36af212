"""Entering a table's rows: what each one changes, a transaction at a time, and which row is at fault where one fails.

An entry names the file and line that it came from (`source`), so that an import that was interrupted, or is run again,
finds what it has entered already, also where a later row has changed the same record since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from counterfoil.errors import Conflict, Malformed, Refused, Violated
from counterfoil.ledger.content import check_content
from counterfoil.ledger.definition import Definition
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.entry import ENDING, Entry, Proposal
from counterfoil.proof.transaction import MAX_TRANSACTION_BYTES
from counterfoil.registry.table.mapping import SOURCE, Mapping
from counterfoil.registry.table.reading import RawRow, Table
from counterfoil.registry.table.rows import Conversion, Row

Became: TypeAlias = Literal["created", "amended", "unchanged", "skipped", "refused"]
COUNTED: Final = ("rows", "created", "amended", "unchanged", "skipped", "refused", "waiting")
"""What is counted: the rows, and what became of them."""


class Accepted(Protocol):
    """What an import needs to know of a transaction: how many entries it became; none while it waits."""

    @property
    def count(self) -> int:
        """The number of its entries in the log."""
        ...


class Writer(Protocol):
    """What an import needs of a node."""

    @property
    def agency(self) -> str:
        """The agency that submits."""
        ...

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        ...

    def history(self, register: str, record: str) -> Iterator[Entry]:
        """The entries of a record, the latest first."""
        ...

    def definition(self, register: str) -> Definition:
        """A register's definition."""
        ...

    def submit(self, proposals: Sequence[Proposal]) -> Accepted:
        """Have proposals take effect together."""
        ...


class Refusal(NamedTuple):
    """A row that did not go in: its line, column and record as far as they are known, the reason, and what it was."""

    line: int
    column: str | None
    record: str | None
    reason: str
    raw: RawRow


class _Step(NamedTuple):
    row: Row
    became: Became
    proposal: Proposal | None = None


class Entering:
    """The import of one table, a chunk of rows at a time.

    The register's definition is asked for with the first row that fits the mapping: it stands for ever.
    """

    def __init__(
        self,
        writer: Writer,
        register: str,
        define: Callable[[], Definition],
        table: Table,
        mapping: Mapping,
        conversion: Conversion,
    ):
        self._writer = writer
        self._define = define
        self._register = register
        self._prefix = f"{table.form}:{table.digest}:"
        self._mapping = mapping
        self._conversion = conversion
        self._columns = {name: field.column or name for name, field in conversion.fields.items()}
        self.counts = dict.fromkeys(COUNTED, 0)
        self._refusals: list[Refusal] = []

    @cached_property
    def _definition(self) -> Definition:
        return self._define()

    def refusals(self) -> list[Refusal]:
        """The rows refused since this was last asked, by line."""
        refusals, self._refusals = self._refusals, []
        return sorted(refusals, key=lambda refusal: refusal.line)

    def take(self, chunk: Sequence[RawRow]) -> None:
        """Enter a chunk's rows, or refuse them."""
        rows: list[Row] = []
        self._count("rows", len(chunk))
        for raw in chunk:
            try:
                rows.append(self._conversion.row(raw))
            except Violated as error:
                self._refuse(raw, None, error)
        size, part = 0, list[Row]()
        for row in rows:
            if part and size + row.size > MAX_TRANSACTION_BYTES:
                self._enter(part)
                size, part = 0, []
            size += row.size
            part.append(row)
        self._enter(part)

    def _enter(self, rows: Sequence[Row]) -> None:
        """Enter rows in one transaction; where the ledger refuses it, in parts, down to the row that is at fault."""
        steps = self._plan(rows)
        proposals = [step.proposal for step in steps if step.proposal is not None]
        try:
            waiting = bool(proposals) and not self._writer.submit(proposals).count
        except (Conflict, Violated, Malformed) as error:
            self._part(steps, error)
            return
        for step in steps:
            if step.became == "refused":
                self._refuse(step.row.raw, step.row.record, self._standing(step.row))
            else:
                self._count("waiting" if waiting and step.proposal else step.became, 1)

    def _part(self, steps: Sequence[_Step], error: Refused | Malformed) -> None:
        if len(steps) == 1:
            self._refuse(steps[0].row.raw, steps[0].row.record, error)
            return
        good = []
        for step in steps:
            fault = self._fault(step.proposal)
            if fault is None:
                good.append(step.row)
            else:
                self._refuse(step.row.raw, step.row.record, fault)
        # What the schema refuses is known by now; for anything else, half of them each time.
        middle = len(good) // 2 if len(good) == len(steps) else len(good)
        for part in (good[:middle], good[middle:]):
            if part:
                self._enter(part)

    def _fault(self, proposal: Proposal | None) -> Violated | Malformed | None:
        try:
            if proposal is not None:
                check_content(self._definition, proposal)
        except (Violated, Malformed) as error:
            return error
        return None

    def _plan(self, rows: Sequence[Row]) -> list[_Step]:
        latest: dict[str, Proposal | Entry] = {}
        steps = []
        for row in rows:
            before = latest.get(row.record) or self._writer.record(self._register, row.record)
            step = self._step(row, before)
            if step.proposal is not None:
                latest[row.record] = step.proposal
            steps.append(step)
        return steps

    def _step(self, row: Row, before: Proposal | Entry | None) -> _Step:
        if before is None:
            return _Step(
                row, "created", self._proposal(row, {}, Proposal(self._register, row.record, "create"))
            )
        if self._says(before, row) or self._entered(row, before):
            return _Step(row, "unchanged")
        if self._mapping.on_existing != "amend if different":
            return _Step(row, "skipped" if self._mapping.on_existing == "skip" else "refused")
        kept = {name: value for name, value in before.fields.items() if name not in self._columns}
        start = before.proposal() if isinstance(before, Entry) else before
        return _Step(
            row, "amended", self._proposal(row, kept, msgspec.structs.replace(start, operation="amend"))
        )

    def _proposal(self, row: Row, kept: dict[str, Json], start: Proposal) -> Proposal:
        fields = kept | row.fields
        if self._definition.key is not None:
            fields.setdefault(self._definition.key, row.record)
        circumstances = row.circumstances | {SOURCE: self._source(row)}
        return msgspec.structs.replace(
            start,
            version=(start.version or 0) + 1,
            status=row.status or start.status,
            body={"circumstances": circumstances, "fields": fields},
        )

    def _says(self, before: Proposal | Entry, row: Row) -> bool:
        """Whether a version of a record says what the row says, of all that the mapping speaks of."""
        if before.body is None or before.operation in ENDING or row.status not in (None, before.status):
            return False
        fields = before.fields
        if not self._conversion.whole:
            fields = {name: value for name, value in fields.items() if name in self._columns}
        told = before.body.get("circumstances", {})
        if any(told.get(name) != row.circumstances.get(name) for name in self._mapping.circumstances):
            return False
        # As bytes too: to Python, 1 and true are equal.
        return fields == row.fields and canonical(fields) == canonical(row.fields)

    def _entered(self, row: Row, before: Proposal | Entry) -> bool:
        """Whether an earlier run has taken the row, and the record has changed since.

        Versions from later lines show that this file was taken up to there. Behind them stands what this row found or
        made: its own version, that of an earlier line, or what was there before the file.
        """
        if isinstance(before, Proposal):
            return False
        passed = False
        for entry in self._writer.history(self._register, row.record):
            prefix, _, line = str(entry.circumstances.get(SOURCE, "")).rpartition(":")
            ours = f"{prefix}:" == self._prefix and line.isdigit()
            if ours and int(line) <= row.raw.line:
                return self._says(entry, row)
            passed = passed or ours
            if passed and not ours and self._says(entry, row):
                return True
        return False

    def _source(self, row: Row) -> str:
        return f"{self._prefix}{row.raw.line}"

    def _standing(self, row: Row) -> Conflict:
        return Conflict(
            f"{self._register} {row.record!r:.120} is here already and says something else, "
            "and the mapping says to refuse that"
        )

    def _refuse(self, raw: RawRow, record: str | None, error: Refused | Malformed) -> None:
        field = error.field if isinstance(error, Violated) else None
        column = field
        if record is not None and field is not None:
            column = str(self._columns.get(field.split("/")[0], field))
        self._refusals.append(Refusal(raw.line, column, record, str(error), raw))
        self._count("refused", 1)

    def _count(self, what: str, number: int) -> None:
        self.counts[what] += number
