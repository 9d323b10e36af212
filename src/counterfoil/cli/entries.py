"""Entries and receipts as commands show them, and the fields that their options describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import typer

from counterfoil.cli.options import read_input
from counterfoil.cli.output import columns, printable
from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json, canonical, parse

if TYPE_CHECKING:
    from counterfoil.engine.submission import Receipt
    from counterfoil.proof.entry import Entry

_BESIDE: Final = ("item", "document", "tree", "claims", "references", "control")


def entry_document(entry: Entry) -> dict[str, Any]:
    """An entry as JSON, member for member as it stands in the log."""
    document: dict[str, Any] = msgspec.to_builtins(entry)
    return document


def entry_lines(entry: Entry) -> list[str]:
    """An entry as people read it: what it is, its fields, its circumstances, and its place in the log."""
    status = f", {printable(entry.status)}" if entry.status else ""
    beside = [(name, msgspec.to_builtins(value)) for name in _BESIDE if (value := getattr(entry, name))]
    lines = [
        f"{entry.register} {printable(entry.record)}, version {entry.version} ({entry.operation}{status})",
        *value_lines([*entry.fields.items(), *beside]),
    ]
    if entry.circumstances:
        lines += ["  circumstances", *value_lines(entry.circumstances.items(), "    ")]
    return [*lines, f"  entry {entry.number}, {entry.time}, transaction {entry.transaction or 'none'}"]


def value_lines(members: Iterable[tuple[str, Json]], indent: str = "  ") -> list[str]:
    """Names and values, aligned."""
    return columns([(name, shown(value)) for name, value in members], indent)


def shown(value: Json) -> str:
    """A value in a line: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical(value).decode()


def parse_fields(data: bytes, where: str) -> dict[str, Json]:
    """The JSON object that `data` is. Raises `Malformed`."""
    value = parse(data, where)
    if not isinstance(value, dict):
        raise Malformed(f"{where} must be a JSON object, of fields by name")
    return value


class StatedFields:
    """The fields that a command's options state: those of a file, settings over them, and names to leave out.

    A setting is `name=text` or `name:=JSON`. Raises `Malformed` for what is not JSON, a wrong usage for what is no
    setting.
    """

    def __init__(self, file: Path | None, settings: Sequence[str], without: Sequence[str] = ()):
        self.whole = None if file is None else parse_fields(read_input(file), str(file))
        pairs = [_setting(setting) for setting in settings]
        self.settings = dict(pairs)
        self.without = tuple(without)
        if len(self.settings) < len(pairs):
            raise typer.BadParameter('a field is given twice; for a list write --field \'name:=["a","b"]\'')

    def over(self, seen: dict[str, Json]) -> dict[str, Json]:
        """All fields, given those that the record had: a file replaces them, settings change them."""
        fields = dict(seen) if self.whole is None else dict(self.whole)
        for name in self.without:
            if name not in fields:
                raise typer.BadParameter(f"there is no field {name!r} to leave out")
            del fields[name]
        return fields | self.settings


def _setting(setting: str) -> tuple[str, Json]:
    name, equals, value = setting.partition("=")
    if not equals or not name.rstrip(":"):
        raise typer.BadParameter(
            f"{setting[:80]!r} is no field; write --field name=text or --field name:=JSON"
        )
    if not name.endswith(":"):
        return name, value
    return name[:-1], parse(value.encode("utf-8", "surrogateescape"), f"the field {name[:-1]}")


def receipt_document(receipt: Receipt, register: str, record: str, version: int | None) -> dict[str, Any]:
    """What became of a change of one record: `number` says where its entry is, once it is taken."""
    return {
        "register": register,
        "record": record,
        "version": version,
        "number": receipt.first if receipt.count else None,
        "transaction": receipt.transaction,
        "standing": receipt.standing.value,
    }


def receipt_line(document: dict[str, Any]) -> str:
    """The same for people."""
    name = f"{document['register']} {printable(document['record'])}"
    if document["version"] is not None:
        name += f", version {document['version']}"
    match document["standing"]:
        case "taken":
            return f"{name}: entry {document['number']} of the log"
        case "repeated":
            return f"{name}: this request was taken before, as {document['transaction']}; nothing was added"
        case standing:
            return f"{name}: {standing}, and waits for further endorsements as {document['transaction']}"
