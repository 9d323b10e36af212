"""Importing tables: the part of `counterfoil import` for CSV and JSON Lines."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec
import typer

from counterfoil.cli.failure import DONE, NOT_WELL, Failure
from counterfoil.cli.options import home_folder, read_input, reading, replacing, writing
from counterfoil.cli.output import Output, printable
from counterfoil.cli.rsf import Plan
from counterfoil.errors import Malformed

if TYPE_CHECKING:
    from counterfoil.node import Node
    from counterfoil.registry.table.entering import Refusal, Writer
    from counterfoil.registry.table.importing import TableImported
    from counterfoil.registry.table.mapping import Mapping
    from counterfoil.registry.table.reading import Table
    from counterfoil.registry.table.rejected import RejectedRows

SHOWN: Final = 20
"""How many refused rows people are told of; all of them under --json and in the file of --rejected."""


class TableImport:
    """One call of the command on a table."""

    def __init__(  # an option each
        self,
        output: Output,
        file: Path,
        register: str | None,
        home: Path | None,
        mapping: Path | None,
        key: str | None,
        rejected: Path | None,
        *,
        dry_run: bool,
    ):
        self._output = output
        self._file = file
        self._register = register
        self._home = home
        self._mapping = mapping
        self._key = key
        self._rejected = rejected
        self._dry_run = dry_run
        self._refused = 0

    @property
    def _is_there(self) -> bool:
        """Whether there is an installation already."""
        return (home_folder(self._home) / "store.db").exists()

    def run(self) -> int:
        """Import, say what became of the rows, and give the exit code."""
        from counterfoil.registry.table.reading import open_table
        from counterfoil.registry.table.rows import Conversion

        mapping, register = self._mapped()
        with open_table(self._file, mapping) as table:
            # What is wrong with the table's columns is said before an installation is made for it.
            mapping = self._with_key(mapping, register, table)
            Conversion(mapping, table)
            with self._writer() as (writer, node):
                imported = self._import(writer, table, mapping, register)
                if not self._dry_run:
                    node.settle()
                document = self._document(imported, node)
        self._output.result(document, *self._lines(imported, document))
        if imported.fault is not None and not self._output.json:
            self._output.error(_fault(self._file, imported.fault))
        return NOT_WELL if imported.refused or imported.fault else DONE

    def _mapped(self) -> tuple[Mapping, str]:
        from counterfoil.registry.table.mapping import Mapping, check_mapping, load_mapping

        try:
            mapping = load_mapping(read_input(self._mapping)) if self._mapping is not None else Mapping()
        except Malformed as error:
            raise Malformed(f"{self._mapping}: {error}") from None
        register = self._register or mapping.register
        if register is None:
            raise typer.BadParameter(
                "a table does not say which register it is for; say it with --register NAME"
            )
        if self._key is not None:
            template = self._key if "{" in self._key else f"{{{self._key}}}"
            mapping = msgspec.structs.replace(mapping, key=template)
        check_mapping(mapping)
        return mapping, register

    def _with_key(self, mapping: Mapping, register: str, table: Table) -> Mapping:
        """A register that is there knows by itself which of its fields names its records."""
        if mapping.key is not None:
            return mapping
        field = None
        if self._is_there:
            with reading(self._home) as node:
                entry = node.record(".register", register)
                field = entry.fields.get("key") if entry else None
        if field is None:
            raise typer.BadParameter("nothing says which column names the records; say it with --key COLUMN")
        column = mapping.fields[field].column if mapping.fields and field in mapping.fields else None
        if isinstance(column, int):
            column = table.columns[column - 1] if column <= len(table.columns) else str(column)
        return msgspec.structs.replace(mapping, key=f"{{{column or field}}}")

    @contextmanager
    def _writer(self) -> Iterator[tuple[Writer, Node]]:
        """The installation to write to; for a dry run, one to read from that is rehearsed with."""
        if not self._dry_run:
            with writing(self._home) as node:
                yield node, node
            return
        from counterfoil.registry.table.rehearsal import Rehearsal

        with ExitStack() as stack:
            if self._is_there:
                node = stack.enter_context(reading(self._home))
            else:
                # What an import would make first, in a place of its own.
                scratch = stack.enter_context(tempfile.TemporaryDirectory())
                node = stack.enter_context(writing(Path(scratch) / "home"))
            yield Rehearsal(node, Plan(node).agency), node

    def _import(self, writer: Writer, table: Table, mapping: Mapping, register: str) -> TableImported:
        from counterfoil.registry.table.importing import import_table
        from counterfoil.registry.table.rejected import RejectedRows

        with ExitStack() as stack:
            rows = RejectedRows(table)
            rejected: list[IO[bytes]] = []

            def refuse(refusal: Refusal) -> None:
                self._tell(refusal)
                if self._rejected is not None:
                    if not rejected:
                        rejected.append(self._begin(stack, rows, self._rejected))
                    rejected[0].write(rows.row(refusal))

            with self._output.progress(f"import {register}", "bytes") as tell:
                return import_table(writer, table, mapping, register, refuse=refuse, progress=tell)

    def _begin(self, stack: ExitStack, rows: RejectedRows, path: Path) -> IO[bytes]:
        """Begin the file of refused rows, which others may read as far as they may read the table."""
        file = stack.enter_context(replacing(path))
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), self._file.stat().st_mode & 0o666 | 0o600)
        file.write(rows.head())
        return file

    def _tell(self, refusal: Refusal) -> None:
        told = {
            "line": refusal.line,
            "column": refusal.column,
            "record": refusal.record,
            "reason": refusal.reason,
        }
        self._output.tell({"refused": told})
        self._refused += 1
        if self._refused <= SHOWN:
            column = f", column {refusal.column}" if refusal.column is not None else ""
            self._output.say(printable(f"line {refusal.line}{column}: {refusal.reason}"))

    def _document(self, imported: TableImported, node: Node) -> dict[str, Any]:
        from counterfoil.proof.canonical import labelled

        with node.reading() as store:
            size, root = store.head.size, labelled(store.log.root())
        scratch = self._dry_run and not self._is_there
        counts = asdict(imported)
        fault = counts.pop("fault")
        written = self._rejected if self._refused and self._rejected is not None else None
        document = {"file": str(self._file), **counts, "rejected": str(written) if written else None}
        document |= {
            "root": None if scratch else root,
            "size": 0 if scratch else size,
            "dry_run": self._dry_run,
        }
        return document | ({"error": _fault(self._file, fault).document} if fault else {})

    def _lines(self, imported: TableImported, document: dict[str, Any]) -> list[str]:
        """What became of the rows, for people."""
        lines = []
        if imported.refused > SHOWN and self._rejected is None:
            lines.append(f"… and {imported.refused - SHOWN:,} more; --rejected FILE writes them all")
        would = "would be " if self._dry_run else ""
        words = {
            "created": f"{would}created",
            "amended": f"{would}amended",
            "unchanged": "there already",
            "skipped": "skipped",
            "waiting": "waiting for further endorsements",
            "refused": "refused",
        }
        counts = [f"{document[name]:,} {word}" for name, word in words.items() if document[name]]
        rows = f"{imported.rows:,} row{'s' * (imported.rows != 1)}"
        lines.append(f"{imported.register}: {', '.join([rows, *counts])}")
        if document["rejected"]:
            lines.append(f"refused rows: {document['rejected']}")
        if not self._dry_run:
            lines.append(f"log root {document['root']}, at {document['size']:,} entries")
        return lines


def _fault(file: Path, fault: str) -> Failure:
    return Failure(NOT_WELL, "malformed", f"{file}: {fault}; the rows before it were taken", {})
