"""Tables as tests write and import them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from counterfoil.node import Node
from counterfoil.registry.table.entering import Refusal, Writer
from counterfoil.registry.table.importing import TableImported, import_table
from counterfoil.registry.table.mapping import Mapping, check_mapping
from counterfoil.registry.table.reading import open_table


def mapped(**members: Any) -> Mapping:
    """A mapping as a mapping file has it; the key is the column `id` where nothing else is said."""
    mapping = msgspec.convert({"key": "{id}"} | members, Mapping)
    check_mapping(mapping)
    return mapping


def take(
    writer: Writer, path: Path, data: bytes | str, register: str = "tree", **mapping: Any
) -> tuple[TableImported, list[Refusal]]:
    """Import a table; gives what became of its rows, and those refused."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    refused: list[Refusal] = []
    asked = mapped(**mapping)
    with open_table(path, asked) as table:
        imported = import_table(writer, table, asked, register, refuse=refused.append)
    return imported, refused


def counts(imported: TableImported) -> dict[str, int]:
    """What became of the rows, without what is 0."""
    return {
        name: count for name, count in msgspec.to_builtins(imported).items() if type(count) is int and count
    }


def fields(node: Node, record: str, register: str = "tree") -> dict[str, Any] | None:
    """A record's fields; None where there is none."""
    entry = node.record(register, record)
    return entry.fields if entry else None


def versions(node: Node, record: str, register: str = "tree") -> list[dict[str, Any]]:
    """The fields of every version of a record, the first one first."""
    return [entry.fields for entry in node.history(register, record)][::-1]
