"""`counterfoil import`: registers from RSF files, CSV and JSON Lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from counterfoil.cli import personal, rsf
from counterfoil.cli.failure import failure_of
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example
from counterfoil.cli.output import Output
from counterfoil.cli.personal import Duplicates
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
def import_(  # noqa: PLR0913  # an option each
    file: FileArgument,
    *,
    register: RegisterOption = None,
    mapping: MappingOption = None,
    key: KeyOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, and write nothing.")] = False,
    rejected: RejectedOption = None,
    duplicates: Annotated[
        Duplicates | None,
        typer.Option(
            "--duplicates",
            help="A new person who is likely registered already: refuse the row, or take it.",
            show_default="refuse, in files of fewer than 1,000 rows",
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Import a register with its history from an RSF file, or records from CSV or JSON Lines, plain or in gzip.

    An RSF file is checked whole before the first write; one that is wrong stores nothing and ends with 1.

    Of a table, good rows go in and each refused one is named with its line, column and reason; then it ends with 1. A
    record that is there is amended where the row says something else; fields that the table has no column for stay.

    JSON Lines whose lines have "register" and "fields" are for the registers that they name, personal ones among them;
    those that come with the software are defined where they are not there yet. What must be sealed is sealed, and a
    line that a second officer must decide becomes a case on the desk.

    An import that was interrupted goes on when it is called again, and one that is repeated adds nothing. A dry run
    judges rows together that lie within 10,000 of each other.
    """
    output = Output(json=json)
    if register is None and mapping is None and key is None and personal.is_lines(file):
        lines = personal.LinesImport(output, file, home, rejected, dry_run=dry_run)
        lines.duplicates = duplicates
        return lines.run()
    form = None
    if mapping is None and key is None and rejected is None:
        from counterfoil.registry.table.form import file_form

        try:
            form = file_form(file) or "rsf"
        except CounterfoilError as error:
            return rsf.refuse(output, failure_of(error), file, register)
    if form == "rsf":
        return rsf.import_file(output, file, register, home, dry_run=dry_run)
    if personal.is_personal(home, register, mapping):
        table = personal.PersonalImport(output, file, register, home, mapping, key, rejected, dry_run=dry_run)
        table.duplicates = duplicates
        return table.run()
    from counterfoil.cli.table import TableImport

    return TableImport(output, file, register, home, mapping, key, rejected, dry_run=dry_run).run()
