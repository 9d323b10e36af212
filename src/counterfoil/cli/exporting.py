"""`counterfoil export`: a register as an RSF file, CSV or JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli.failure import COULD_NOT, DONE, failure_of
from counterfoil.cli.options import (
    COMMAND,
    HomeOption,
    JsonOption,
    OutOption,
    RegisterArgument,
    example,
    reading,
    replacing,
    write_output,
)
from counterfoil.cli.output import Output
from counterfoil.errors import NotFound, Refused

if TYPE_CHECKING:
    from counterfoil.node import Node
    from counterfoil.proof.entry import Entry
    from counterfoil.registry.table.exporting import Which
    from counterfoil.registry.table.mapping import Form

export_app = typer.Typer(**COMMAND)


class Format(Enum):
    """The form of an export."""

    RSF = "rsf"
    CSV = "csv"
    JSONL = "jsonl"


@export_app.command(
    epilog=example(
        "counterfoil export country --out country.rsf",
        "counterfoil export company --out companies.csv --mapping-out companies.json",
        "counterfoil export company --format jsonl --current | head -3",
    )
)
def export(  # an option each
    register: RegisterArgument,
    *,
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="The form.", show_default="as the file's ending says, or rsf"),
    ] = None,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="Every version of each record, not the latest alone.")
    ] = False,
    current: Annotated[bool, typer.Option("--current", help="Only records that have not ended.")] = False,
    mapping_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the mapping that imports the table again.", readable=False),
    ] = None,
    out: OutOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Write a register as an RSF file (byte for byte what was imported, and after it what was entered since), or the
    latest version of each record as CSV or JSON Lines.

    In CSV, values that are no text are written as JSON, and columns that begin with a dot are the ledger's own.
    Values stand as they are in the register: where one begins with = + - or @, a spreadsheet that opens the file may
    take it for a formula. Have it import the file instead, with every column as text.
    """
    if json and out is None:
        raise typer.BadParameter("an export is no JSON; with --json, name a file by --out FILE")
    form = format_ or _by_ending(out)
    if all_versions and current:
        raise typer.BadParameter("--current leaves out what --all-versions asks for; choose one of them")
    if form is Format.RSF and (all_versions or current or mapping_out):
        raise typer.BadParameter(
            "RSF has every version and needs no mapping; add --format csv or --format jsonl"
        )
    output = Output(json=json)
    with reading(home) as node:
        if node.record(".register", register) is None:
            raise NotFound(f"there is no register {register!r}; counterfoil register lists those there are")
        try:
            lines = _lines(node, register, form, _which(all_versions, current), mapping_out)
            count, size = _write(output, lines, out)
        except Refused as error:
            output.error(failure_of(error)._replace(code=COULD_NOT))
            return COULD_NOT
    if out is not None:
        document = {"register": register, "file": str(out), "lines": count, "bytes": size}
        if mapping_out is not None:
            document["mapping"] = str(mapping_out)
        output.result(document, f"{register}: {count:,} lines, {size:,} bytes in {out}")
    return DONE


def _by_ending(out: Path | None) -> Format:
    endings = {".csv": Format.CSV, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}
    return endings.get(out.suffix.lower(), Format.RSF) if out is not None else Format.RSF


def _which(all_versions: bool, current: bool) -> Which:
    return "all" if all_versions else "current" if current else "latest"


def _lines(
    node: Node, register: str, form: Format, which: Which, mapping_out: Path | None
) -> Iterator[bytes]:
    if form is Format.RSF:
        from counterfoil.registry.rsf.exporting import export_rsf
        from counterfoil.registry.table.definition import hidden_fields

        if hidden_fields(_definition(node, register)):
            raise Refused(
                f"{register} has fields that are not public, for which RSF has no form; add --format csv or "
                "--format jsonl for what stands in the log"
            )
        return export_rsf(node.entries(), register)
    from counterfoil.proof.index import record_key
    from counterfoil.registry.table.exporting import chosen, csv_lines, export_mapping, json_lines, survey

    def latest(register: str, record: str) -> int | None:
        with node.reading() as store:
            state = store.record(record_key(register, record))
        return state.number if state is not None else None

    def entries() -> Iterator[Entry]:
        return chosen(node.entries(), latest, register, which)

    table: Form = "csv" if form is Format.CSV else "jsonl"
    definition = _definition(node, register)
    columns = survey(entries(), definition, table) if table == "csv" or mapping_out else None
    if mapping_out is not None and columns is not None:
        write_output(mapping_out, export_mapping(register, definition, columns, table).encode())
    return json_lines(entries()) if columns is None or table == "jsonl" else csv_lines(entries(), columns)


def _definition(node: Node, register: str) -> dict[str, Any]:
    entry = node.record(".register", register)
    return entry.fields if entry is not None else {}


def _write(output: Output, lines: Iterator[bytes], out: Path | None) -> tuple[int, int]:
    """Write the lines; gives how many they are, and their bytes."""
    count = size = 0
    with replacing(out) if out is not None else nullcontext() as file:
        for line in lines:
            count += 1
            size += len(line)
            if file is None:
                output.raw(line)
            else:
                file.write(line)
    return count, size
