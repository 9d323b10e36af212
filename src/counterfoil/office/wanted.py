"""From a row of a file to the change that it asks for. No error here repeats a value: it may be personal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.definition import Definition
from counterfoil.office.line import KEEPER, Paper, parse_line
from counterfoil.office.shaping import Shaping, shape, steps_of
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Change
from counterfoil.registry.table.mapping import OnExisting
from counterfoil.registry.table.reading import REASON, RawRow, Table
from counterfoil.registry.table.rows import MAPPED, Conversion
from counterfoil.registry.table.values import plain

MERGING: Final = frozenset({"amend", "correct", "close", "annul"})


class Wanted(NamedTuple):
    """What a row asks for. `papers` are attached when it is filed; `on_existing`: where the record is there already.

    `columns` are the fields that a table's rows speak of, be they empty; a line speaks of those that it has.
    """

    raw: RawRow
    change: Change
    papers: tuple[Paper, ...] = ()
    on_existing: OnExisting = "refuse"
    columns: frozenset[str] = frozenset()

    def amending(self) -> Wanted:
        """The same for a record that is there: fields that the row speaks of and leaves empty are taken out."""
        fields = {**dict.fromkeys(sorted(self.columns)), **self.change.fields}
        return self._replace(
            change=msgspec.structs.replace(self.change, operation="amend", fields=fields, merge=True)
        )


class Reader(Protocol):
    """Reads what a row asks for."""

    def read(self, raw: RawRow) -> Wanted:
        """Raises `Malformed`, `Violated`, or `Refused` for a register that is not there."""
        ...


class LineReader:
    """Reads lines that each name their register. `definition` gives a register's."""

    def __init__(self, definition: Callable[[str], Definition]):
        self._definition = definition

    def read(self, raw: RawRow) -> Wanted:
        """As `Reader.read`."""
        if raw.fault is not None:
            raise Malformed(raw.fault)
        line = parse_line({name: value for name, value in raw.values.items() if name != REASON})
        for value in line.fields.values():
            _check_plain(value)
        definition = self._definition(line.register)
        change = Change(
            line.register,
            line.operation,
            line.fields,
            line.key,
            status=line.status,
            merge=line.operation in MERGING,
            circumstances=line.circumstances,
            control=_kept_by(line.control, definition.fields.authority),
        )
        return Wanted(raw, change, line.attachments)


class TableReader:
    """Reads the rows of a table by a mapping, for one register."""

    def __init__(self, table: Table, shaping: Shaping, definition: Definition):
        self._conversion = Conversion(shaping.mapping, table)
        self._shaping = shaping
        self._definition = definition
        names = (*self._conversion.fields, *shaping.constants)
        self._columns = frozenset(steps_of(name)[0] for name in names)

    def read(self, raw: RawRow) -> Wanted:
        """As `Reader.read`."""
        try:
            row = self._conversion.row(raw)
        except Violated as error:
            if error.field is None:
                raise
            # The library's reason shows what stands there, for tables that anyone may read.
            raise Violated(
                "the value does not fit what the mapping says of this column",
                constraint=MAPPED,
                field=error.field,
            ) from None
        fields = shape(row.fields, self._shaping.constants)
        if self._definition.key is not None:
            fields.setdefault(self._definition.key, row.record)
        change = Change(
            self._definition.name,
            fields=fields,
            key=row.record,
            status=row.status,
            circumstances=dict(row.circumstances),
        )
        columns = self._columns or frozenset(fields)
        return Wanted(raw, change, (), self._shaping.mapping.on_existing, columns)


def _check_plain(value: Json) -> None:
    if type(value) is str:
        return
    try:
        plain(value)
    except Malformed:
        raise Malformed("a field holds a number that is not whole or too large; write it as text") from None


def _kept_by(control: Json | None, authority: str) -> Json | None:
    """Who controls the record's next change, with the agency that keeps the register in its place holder's stead."""
    if isinstance(control, str):
        return control.replace(KEEPER, authority)
    if isinstance(control, list):
        return [_kept_by(each, authority) for each in control]
    if isinstance(control, dict):
        return {name: _kept_by(each, authority) for name, each in control.items()}
    return control
