"""From a row as it was read to the record it speaks of: names, fields, circumstances, status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Members
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.names import is_name, normal_name
from counterfoil.proof.canonical import Json
from counterfoil.registry.table.mapping import MAX_COLUMNS, RESERVED, FieldMapping, Mapping, key_parts
from counterfoil.registry.table.reading import RawRow, Table
from counterfoil.registry.table.values import json_taker, plain, text_taker

Path: TypeAlias = tuple[str, ...]
Get: TypeAlias = Callable[[Any], Json]
Plan: TypeAlias = tuple[str, str, Get, Callable[[Any], Json] | None, FieldMapping]
"""A field: its name, its column's name, what gets its value from a row, what converts it, what else is asked."""

SPACED: Final = (
    "it names the record, and {!r:.60} has spaces at its ends; "
    'take them off, or say "trim": true in a mapping'
)
MAPPED: Final = "mapping"
"""The constraint that a row breaks which does not fit its mapping."""


class Row(NamedTuple):
    """A record as a row states it; `size` is about how many bytes its proposal has."""

    record: str
    fields: dict[str, Json]
    circumstances: dict[str, str]
    status: str | None
    raw: RawRow
    size: int


class Conversion:
    """A mapping made ready for a table's columns.

    Raises `Malformed` where the mapping asks for columns that the table does not have, or gives no key.
    """

    def __init__(self, mapping: Mapping, table: Table):
        self._json = table.form == "jsonl"
        self._columns = table.columns
        self._mapping = mapping
        if mapping.key is None:
            raise Malformed(
                "nothing says which column names the records; say it by --key COLUMN or key in a mapping"
            )
        self._key = [
            (text, column, self._get(column) if column is not None else None)
            for text, column in key_parts(mapping.key)
        ]
        self.whole = mapping.fields is None and self._json
        """Whether each member of a line becomes a field, whatever they are."""
        if self.whole:
            self.fields: Members[str, FieldMapping] = {}
        else:
            self.fields = self._every_column() if mapping.fields is None else mapping.fields
        self._fields = self._plans(self.fields)
        self._circumstances = self._plans(mapping.circumstances)
        self._status = self._plans({"status": mapping.status} if mapping.status else {})
        self._width = len(table.columns)
        self._names_size = 200 + sum(len(name) + 6 for name in (*self.fields, *mapping.circumstances))

    @property
    def key_field(self) -> str | None:
        """The field that is the record's name, where there is one: the definition's `key`."""
        (text, column, _), *rest = self._key
        if text or len(rest) != 1 or rest[0][0] or self.whole:
            return None
        for name, field in self.fields.items():
            plain_text = field.type_ == "text" and field.values is None
            if plain_text and self._column_name(name, field) == column:
                return name
        return None

    def row(self, raw: RawRow) -> Row:
        """What a row says. Raises `Violated` with the column and the reason where it does not fit the mapping."""
        values = raw.values
        if raw.fault is not None:
            raise Violated(raw.fault, constraint=MAPPED)
        if not self._json and len(values) != self._width:
            raise Violated(
                f"the row has {len(values)} values, and there are {self._width} columns", constraint=MAPPED
            )
        fields = self._whole(values) if self.whole else _take(self._fields, values)
        circumstances = _take(self._circumstances, values) if self._circumstances else {}
        status = _take(self._status, values).get("status") if self._status else None
        return Row(self._record(values), fields, circumstances, status, raw, raw.size + self._names_size)

    def _record(self, values: Any) -> str:
        name = ""
        for text, column, get in self._key:
            name += text
            if get is not None:
                value = get(values)
                if value is None or value == "":
                    _refuse(column, "it names the record, and is empty")
                if type(value) not in {str, int}:
                    _refuse(column, "it names the record, and is neither text nor a whole number")
                if type(value) is str and self._mapping.trim is None and value != value.strip():
                    _refuse(column, SPACED.format(value))
                name += value if type(value) is str else str(value)
        record = normal_name(name)
        if record is None or not is_name(record):
            _refuse(
                self._key[0][1], f"{name!r:.60} is no name for a record; it has 1 to 255 printable characters"
            )
        return record

    def _whole(self, values: dict[str, Json]) -> dict[str, Json]:
        fields = {}
        for name, value in values.items():
            if not name.startswith(RESERVED):
                try:
                    fields[name] = plain(_trimmed(value) if self._mapping.trim else value)
                except Malformed as error:
                    _refuse(name, str(error))
        return fields

    def _plans(self, fields: Members[str, FieldMapping]) -> list[Plan]:
        taker = json_taker if self._json else text_taker
        return [
            (name, self._column_name(name, field), self._get(field.column or name), taker(field), field)
            for name, field in fields.items()
        ]

    def _column_name(self, name: str, field: FieldMapping) -> str:
        column = field.column or name
        if isinstance(column, str):
            return column
        return self._columns[column - 1] if column <= len(self._columns) else str(column)

    def _get(self, column: str | int) -> Get:
        """What gets a column's value out of a row; None from JSON Lines where the member is not there."""
        get = self._value(column)
        return (lambda values: _trimmed(get(values))) if self._mapping.trim else get

    def _value(self, column: str | int) -> Get:
        if self._json:
            if isinstance(column, int):
                raise Malformed(f"JSON Lines have no column {column}; name the member")
            return _getter(_path(column))
        if isinstance(column, str):
            if column not in self._columns:
                there = ", ".join(map(repr, self._columns[:30]))
                raise Malformed(f"there is no column {column!r:.80} in the table; there are {there}")
            column = self._columns.index(column) + 1
        if column > len(self._columns):
            raise Malformed(f"there is no column {column} in the table; it has {len(self._columns)}")
        return itemgetter(column - 1)

    def _every_column(self) -> dict[str, FieldMapping]:
        others = (*self._mapping.circumstances.items(), ("status", self._mapping.status))
        taken = {self._column_name(name, field) for name, field in others if field is not None}
        fields = {}
        for at, name in enumerate(self._columns, 1):
            if name.startswith(RESERVED) or name in taken:
                continue
            if not name or not name.isascii():
                raise Malformed(
                    f"column {at} is called {name!r:.80}, and a field's name is ASCII text; map the columns to fields"
                )
            fields[name] = FieldMapping()
        if not fields:
            raise Malformed("the table has no column that could be a field")
        return fields


def _trimmed(value: Json) -> Json:
    return value.strip() if isinstance(value, str) else value


def _take(plans: Sequence[Plan], values: Any) -> dict[str, Json]:
    taken: dict[str, Json] = {}
    column = ""
    try:
        for name, column, get, take, field in plans:
            value = get(values)
            if value is None or value == "":
                if field.required:
                    raise Malformed("it is empty, and must not be")
                if value == "" and field.empty == "keep":
                    taken[name] = ""
                elif field.type_ == "json" and _stands(values, column):
                    taken[name] = value
            else:
                taken[name] = value if take is None else take(value)
    except Malformed as error:
        _refuse(column, str(error))
    return taken


def _refuse(column: str | None, reason: str) -> NoReturn:
    raise Violated(reason, constraint=MAPPED, field=column) from None


@lru_cache(maxsize=MAX_COLUMNS)
def _path(column: str) -> Path:
    """A member's place: a JSON Pointer (RFC 6901, section 4) where it begins with a slash, else a dotted path."""
    if column.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in column[1:].split("/"))
    return tuple(column.split("."))


def _getter(path: Path) -> Get:
    if len(path) == 1:
        name = path[0]
        return lambda values: values.get(name)

    *parents, last = path

    def get(values: Json) -> Json:
        for name in parents:
            values = values.get(name)
            if type(values) is not dict:
                return None
        return values.get(last)

    return get


def _stands(values: Json, column: str) -> bool:
    """Whether a member of a JSON line is there, be it null; a cell of CSV that is empty is not."""
    *parents, last = _path(column)
    for name in parents:
        values = values.get(name) if type(values) is dict else None
    return type(values) is dict and last in values
