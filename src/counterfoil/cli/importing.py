"""`counterfoil import`: registers from RSF files, CSV and JSON Lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from counterfoil.cli import rsf
from counterfoil.cli.failure import failure_of
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example
from counterfoil.cli.output import Output
from counterfoil.errors import CounterfoilError

FileArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="RSF, CSV or JSON Lines, which its content shows.", readable=False),
]
RegisterOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--register",
        metavar="NAME",
        help="What the register is called here.",
        show_default="as the file or mapping says",
    ),
]
MappingOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        help="How a table's columns become fields, as JSON.",
        show_default="each becomes one",
        readable=False,
    ),
]
KeyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="COLUMN",
        help="The column that names a table's records, or {one}/{other} for several.",
    ),
]
RejectedOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--rejected",
        metavar="FILE",
        help="Write refused rows here, to correct and import again.",
        readable=False,
    ),
]

import_app = typer.Typer(**COMMAND)


@import_app.command(
    name="import",
    epilog=example(
        "counterfoil import country.rsf --home ./registers",
        "counterfoil import people.csv --register people --key id --rejected refused.csv",
        "counterfoil import prices.csv.gz --mapping land.json --dry-run --json",
    ),
)
def import_(  # an option each
    file: FileArgument,
    *,
    register: RegisterOption = None,
    mapping: MappingOption = None,
    key: KeyOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, and write nothing.")] = False,
    rejected: RejectedOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Import a register with its history from an RSF file, or records from CSV or JSON Lines, plain or in gzip.

    An RSF file is checked whole before the first write; one that is wrong stores nothing and ends with 1.

    Of a table, good rows go in and each refused one is named with its line, column and reason; then it ends with 1. A
    record that is there is amended where the row says something else; fields that the table has no column for stay.

    An import that was interrupted goes on when it is called again, and one that is repeated adds nothing. A dry run
    judges rows together that lie within 10,000 of each other.
    """
    output = Output(json=json)
    form = None
    if mapping is None and key is None and rejected is None:
        from counterfoil.registry.table.form import file_form

        try:
            form = file_form(file) or "rsf"
        except CounterfoilError as error:
            return rsf.refuse(output, failure_of(error), file, register)
    if form == "rsf":
        return rsf.import_file(output, file, register, home, dry_run=dry_run)
    from counterfoil.cli.table import TableImport

    return TableImport(output, file, register, home, mapping, key, rejected, dry_run=dry_run).run()
