"""How a table's columns become a register's records: the mapping file, a JSON object.

The form of a table is CSV (RFC 4180) or JSON Lines. A column is named by its header, by its number from 1, or, in
JSON Lines, by a dotted path (`address.town`) or a JSON Pointer (RFC 6901, `/address/town`).
"""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from counterfoil.errors import Malformed
from counterfoil.ledger.content import CIRCUMSTANCES
from counterfoil.ledger.schema import Schema
from counterfoil.proof.canonical import Json
from counterfoil.registry.table.dates import DateFormat

Form: TypeAlias = Literal["csv", "jsonl"]
FieldType: TypeAlias = Literal["text", "integer", "decimal", "date", "time", "boolean", "list", "json"]
OnExisting: TypeAlias = Literal["amend if different", "skip", "refuse"]

TYPES: Final = ", ".join(get_args(FieldType))
SOURCE: Final = "source"
"""The circumstance by which an import knows its own entries again; no column may fill it."""
RESERVED: Final = "."
"""Columns whose names begin so are the ledger's own, as exports and refused rows have them: no field by themselves."""
MAX_COLUMNS: Final = 2_000
DAY: Final = "%Y-%m-%d"
_TEMPLATE: Final = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


class FieldMapping(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"type_": "type"}
):
    """Where a field comes from, and what it becomes.

    `column` is the field's own name where it is left out. `format` is for `date` and `time` (`%Y-%m-%d %H:%M`), `true`
    and `false` are the words of a `boolean`, `separator` parts a `list`. `pattern` is asked of the text as it stands in
    the file, with the meaning it has in JSON Schema; `values` gives each code its word, and allows no other code.
    """

    column: str | int | None = None
    type_: FieldType = "text"
    format: str | None = None
    true: tuple[str, ...] = ("true",)
    false: tuple[str, ...] = ("false",)
    separator: str = ";"
    required: bool = False
    empty: Literal["leave out", "keep"] = "leave out"
    pattern: str | None = None
    values: dict[str, str] | None = None


class Mapping(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"on_existing": "on-existing"},
):
    """A whole mapping file.

    `key` makes a record's name out of columns, `{symbol}` or `{county}/{number}`. `title`, `description`, `law` and
    `authority` are for the definition, where the register is not there yet. Without `fields` each column becomes a
    field: text in CSV, what it is in JSON Lines. `columns` names those of a CSV file without a `header`, or renames
    those of one that has it. What is not said about the file's form is found out from its first bytes.

    `trim`: true takes off the spaces at the ends of every text, false keeps them. Where neither is said they are kept
    in fields, and a row is refused whose key has some: `GB` and `GB ` would be two records.
    """

    register: str | None = None
    key: str | None = None
    title: str | None = None
    description: str | None = None
    law: str | None = None
    authority: str | None = None
    format: Form | None = None
    encoding: Literal["utf-8", "latin-1", "windows-1252"] = "utf-8"
    compression: Literal["gzip", "none"] | None = None
    delimiter: str | None = None
    header: bool = True
    columns: tuple[str, ...] | None = None
    fields: dict[str, FieldMapping] | None = None
    circumstances: dict[str, FieldMapping] = {}
    status: FieldMapping | None = None
    trim: bool | None = None
    on_existing: OnExisting = "amend if different"

    def encode(self) -> bytes:
        """The mapping as a file for people to read and change."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def load_mapping(data: bytes) -> Mapping:
    """Read and check a mapping file. Raises `Malformed`, naming the member that is wrong."""
    try:
        value = JSONDecoder(object_pairs_hook=unique_members).decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the mapping is not JSON: {error}") from None
    try:
        mapping = msgspec.convert(value, Mapping)
    except msgspec.ValidationError as error:
        raise Malformed(_fault(value) or f"the mapping is not in form: {error}") from None
    check_mapping(mapping)
    return mapping


def _fault(value: Json) -> str | None:
    """Which field of a mapping is not in form, and why: the library leaves out its name. None where it is none."""
    members = value if isinstance(value, dict) else {}
    for what, group in (("field", members.get("fields")), ("circumstance", members.get("circumstances"))):
        for name, field in group.items() if isinstance(group, dict) else ():
            kind = field.get("type", "text") if isinstance(field, dict) else "text"
            if kind not in get_args(FieldType):
                return f"the {what} {name!r:.80} of the mapping has the type {kind!r:.40}; there are {TYPES}"
            try:
                msgspec.convert(field, FieldMapping)
            except msgspec.ValidationError as error:
                return f"the {what} {name!r:.80} of the mapping is not in form: {error}"
    return None


def unique_members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """A JSON object's members, for a parser. Raises `Malformed` where two have the same name."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"an object has the member {twice!r:.80} twice; keep one of them")
    return members


def check_mapping(mapping: Mapping) -> None:
    """Raise `Malformed` where parts of a mapping do not fit together."""
    if mapping.key is not None:
        key_parts(mapping.key)
    if mapping.delimiter is not None and (len(mapping.delimiter) != 1 or mapping.delimiter in '"\r\n\0'):
        raise Malformed(
            f"the delimiter {mapping.delimiter!r} must be one character, and no quotation mark or end of line"
        )
    if not mapping.header and not mapping.columns:
        raise Malformed(
            "a file without a header needs its columns named: columns, a list of names in their order"
        )
    if mapping.columns is not None and not all(mapping.columns):
        raise Malformed("a column in columns has no name; give each one")
    for name, field in (mapping.fields or {}).items():
        if not name or not name.isascii():
            raise Malformed(f"no field can be called {name!r:.80}; a field's name is ASCII text")
        _check_field(f"field {name!r:.80}", field)
    for name, field in mapping.circumstances.items():
        if name not in CIRCUMSTANCES or name == SOURCE:
            known = ", ".join(sorted(CIRCUMSTANCES - {SOURCE}))
            raise Malformed(f"the circumstance {name!r:.80} cannot come from a column; there are {known}")
        _check_told(f"circumstance {name!r}", field)
    if mapping.status is not None:
        _check_told("status", mapping.status)


def _check_told(what: str, field: FieldMapping) -> None:
    if field.type_ not in {"text", "date", "time"} or field.empty == "keep":
        raise Malformed(f"the {what} must be of type text, date or time, and is left out where it is empty")
    _check_field(what, field)


def _check_field(what: str, field: FieldMapping) -> None:
    if isinstance(field.column, int) and not 0 < field.column <= MAX_COLUMNS:
        raise Malformed(f"the {what} has column {field.column}; columns are counted from 1 to {MAX_COLUMNS}")
    dated = field.type_ in {"date", "time"}
    if field.format is not None and not dated:
        raise Malformed(f"the {what} has a format, which only the types date and time have")
    if dated:
        DateFormat(field.format or DAY, time=field.type_ == "time")
    if field.values is not None and field.type_ not in {"text", "list"}:
        raise Malformed(f"the {what} has values, which only the types text and list have")
    if field.empty == "keep" and field.type_ != "text":
        raise Malformed(f"the {what} cannot keep what is empty: only a text can be empty")
    if not field.separator:
        raise Malformed(f"the {what} has an empty separator; name the characters between two items")
    if set(field.true) & set(field.false):
        raise Malformed(f"the {what} has the same word for true and for false")
    if field.pattern is not None:
        if field.type_ == "json":
            raise Malformed(f"the {what} has a pattern, which is for text, and is of type json")
        try:
            Schema({"pattern": field.pattern})
        except Malformed:
            raise Malformed(
                f"the {what} of the mapping has the pattern {field.pattern!r:.80}, which is no regular expression that "
                "is matched in linear time; see that its brackets are closed, and do without (?=…) and \\1"
            ) from None


def key_parts(template: str) -> tuple[tuple[str, str | None], ...]:
    """A key's template as pairs: a piece of text, and the column that follows it, or None at the end.

    `{{` and `}}` stand for the braces themselves. Raises `Malformed`.
    """
    parts: list[tuple[str, str | None]] = []
    text, start = "", 0
    for found in _TEMPLATE.finditer(template):
        text, start = text + template[start : found.start()], found.end()
        if found[1] is not None:
            parts.append((text, found[1]))
            text = ""
        elif found[0] in {"{{", "}}"}:
            text += found[0][0]
        else:
            raise Malformed(f"the key {template[:80]!r} has a brace that stands alone; write it twice")
    if not parts:
        raise Malformed(f"the key {template[:80]!r} names no column; write its name in braces: {{symbol}}")
    return (*parts, (text + template[start:], None))
