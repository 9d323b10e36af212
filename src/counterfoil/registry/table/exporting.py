"""A register as a table: its records as CSV (RFC 4180) or JSON Lines, and the mapping that reads them again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from counterfoil.errors import Refused
from counterfoil.ledger.content import CIRCUMSTANCES
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.entry import ENDING, Entry, decode_entry
from counterfoil.registry.table.definition import field_order, hidden_fields
from counterfoil.registry.table.mapping import SOURCE, FieldMapping, Form, Mapping

Way: TypeAlias = Literal["text", "kept", "json"]
Which: TypeAlias = Literal["latest", "current", "all"]
Latest: TypeAlias = Callable[[str, str], int | None]
"""Gives the number of a record's latest entry, by register and record; None where there is none."""

NAME: Final = ".record"
STATUS: Final = ".status"
TOLD: Final = tuple(sorted(CIRCUMSTANCES - {SOURCE}))
"""The circumstances that are exported: all but where an import found the row."""


def chosen(entries: Iterable[bytes], latest: Latest, register: str, which: Which) -> Iterator[Entry]:
    """A register's entries in the order of the log, of `entries`, the whole log.

    `latest`: the last version of each record, also of those that ended; `current`: only of those that have not; `all`:
    every version. The last is found by asking for it, so that memory does not grow with the register.
    """
    # Within a body the quotation marks would be escaped, and a field of this name comes before a colon and its value.
    mark = b'"register":' + canonical(register)
    for data in entries:
        if mark in data:
            entry = decode_entry(data)
            if entry.register == register and (which == "all" or _is_chosen(entry, latest, which)):
                yield entry


def _is_chosen(entry: Entry, latest: Latest, which: Which) -> bool:
    if which == "current" and entry.operation in {*ENDING, "erase"}:
        return False
    return latest(entry.register, entry.record) == entry.number


@dataclass
class _Seen:
    texts: int = 0
    others: int = 0
    empty: int = 0
    special: bool = False


class Columns(NamedTuple):
    """A table's columns: the fields in their order and how each is written, the circumstances, whether a status.

    A field is `text`, `kept` (a text that may be empty, but is always there) or `json`.
    """

    fields: dict[str, Way]
    circumstances: tuple[str, ...]
    status: bool

    @property
    def names(self) -> list[str]:
        """The header, in order. The ledger's own columns begin with a dot."""
        told = [f".{name}" for name in self.circumstances]
        status = [STATUS] if self.status else []
        return [NAME, *self.fields, ".version", ".operation", *status, *told, ".time", ".entry"]


def survey(entries: Iterable[Entry], definition: dict[str, Json], form: Form) -> Columns:
    """The columns that entries need so that nothing in them is lost.

    Fields that go by item have no column. Values that are no text are written as JSON. So are texts, in quotation
    marks, in a column where they could be taken for other values or for nothing. Raises `Refused` for what CSV has no
    form for: a field whose name is one of the ledger's own columns, a circumstance with a NUL character.
    """
    seen: dict[str, _Seen] = {}
    told: dict[str, _Seen] = {}
    count, status = 0, False
    for entry in entries:
        count += 1
        status = status or entry.status is not None
        for kind, values in ((seen, entry.fields), (told, entry.circumstances)):
            for name, value in values.items():
                _note(kind.setdefault(name, _Seen()), value)
    hidden = hidden_fields(definition)
    listed = [name for name in field_order(definition) if name not in hidden]
    order = dict.fromkeys([*listed, *sorted(seen)])
    fields = {name: _way(seen.get(name, _Seen()), count) for name in order}
    columns = Columns(fields, tuple(name for name in TOLD if name in told), status)
    named_twice = len(set(columns.names)) < len(columns.names)
    if form == "csv" and (named_twice or any(told[name].special for name in columns.circumstances)):
        raise Refused(
            "a field has the name of one of the ledger's own columns (.record, .version …), or a circumstance holds a "
            "NUL character, which CSV has no form for; export as JSON Lines"
        )
    return columns


def _note(seen: _Seen, value: Json) -> None:
    if type(value) is not str:
        seen.others += 1
        return
    seen.texts += 1
    seen.empty += not value
    # What a reader of tables refuses or takes for another character.
    seen.special = seen.special or "\0" in value


def _way(seen: _Seen, count: int) -> Way:
    mixed = seen.others > 0 or seen.special
    if mixed or (seen.empty and seen.texts < count):
        return "json"
    return "kept" if seen.empty else "text"


def csv_lines(entries: Iterable[Entry], columns: Columns) -> Iterator[bytes]:
    """The table line by line, header first, in UTF-8 with CRLF; each value as it is, whatever it begins with."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns.names)
    for entry in entries:
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(_cells(entry, columns))
    yield buffer.getvalue().encode()


def _cells(entry: Entry, columns: Columns) -> list[object]:
    fields, told = entry.fields, entry.circumstances
    cells: list[object] = [entry.record]
    for name, way in columns.fields.items():
        if name not in fields:
            cells.append("")
        else:
            cells.append(canonical(fields[name]).decode() if way == "json" else fields[name])
    cells += [entry.version, entry.operation]
    if columns.status:
        cells.append(entry.status or "")
    return [*cells, *(told.get(name, "") for name in columns.circumstances), entry.time, entry.number]


def json_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The records line by line, each a JSON object; `fields` is null where they are not in the clear."""
    for entry in entries:
        line = {
            "record": entry.record,
            "version": entry.version,
            "operation": entry.operation,
            "status": entry.status,
            "fields": entry.fields if entry.body is not None else None,
            "circumstances": entry.circumstances,
            "item": entry.item,
            "document": entry.document,
            "time": entry.time,
            "entry": entry.number,
        }
        always = {"record", "version", "operation", "fields", "time", "entry"}
        yield (
            msgspec.json.encode({name: each for name, each in line.items() if each or name in always}) + b"\n"
        )


def export_mapping(register: str, definition: dict[str, Json], columns: Columns, form: Form) -> Mapping:
    """The mapping by which an exported table gives the same records again, also where the register is not yet there."""
    lines = form == "jsonl"
    fields = {name: _field_mapping(name, way, lines=lines) for name, way in columns.fields.items()}
    return Mapping(
        register=register,
        key="{record}" if lines else f"{{{NAME}}}",
        title=definition.get("title"),
        description=definition.get("description"),
        law=definition.get("law"),
        format=form,
        delimiter=None if lines else ",",
        trim=False,
        fields=fields,
        circumstances={
            name: FieldMapping(column=_pointer("circumstances", name) if lines else f".{name}")
            for name in columns.circumstances
        },
        status=FieldMapping(column="/status" if lines else STATUS) if columns.status else None,
    )


def _field_mapping(name: str, way: Way, *, lines: bool) -> FieldMapping:
    column = _pointer("fields", name) if lines else name
    if lines or way == "json":
        return FieldMapping(column=column, type_="json")
    return FieldMapping(column=column, empty="keep") if way == "kept" else FieldMapping(column=column)


def _pointer(*parts: str) -> str:
    """A JSON Pointer (RFC 6901, section 3)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
