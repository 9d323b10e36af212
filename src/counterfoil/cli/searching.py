"""`counterfoil search`: find records of a personal register by what their fields hold; nothing is shown of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from counterfoil.cli.office import TokenOption, at_office, numbered, read_value
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, RegisterArgument, example
from counterfoil.cli.output import Output, columns
from counterfoil.registry.personal.searching import Found, Query, Term

STANDARD_INPUT = Path("-")

search_app = typer.Typer(**COMMAND)


@search_app.command(
    epilog=example(
        "counterfoil search person names phonetic < name.txt",
        "counterfoil search person date-of-birth year --value-file year.txt --token-file ann.token",
    )
)
def search(
    register: RegisterArgument,
    field: Annotated[
        str, typer.Argument(metavar="FIELD", help="A field that the register has made searchable.")
    ],
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="How it is compared: exact, name, phonetic, trigrams or year."),
    ] = "exact",
    *,
    value_file: Annotated[
        Path,
        typer.Option(
            "--value-file",
            metavar="FILE",
            help="What is searched for, in a file or - for standard input: everybody can read arguments.",
            show_default="standard input",
            readable=False,
        ),
    ] = STANDARD_INPUT,
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose",
            metavar="NAME",
            help="Find what may be read for this purpose of the register.",
            show_default="what every purpose allows",
        ),
    ] = None,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Find records: their names in the log, versions and statuses, which say nothing of what they hold."""
    output = Output(json=json)
    with at_office(home, token_file) as at:
        at.require("search", [register])
        # Nobody but an officer searches.
        _ = at.acting
        value = read_value(value_file, "what is searched for")
        found = at.office.search(_query(register, field, kind, value, purpose))
    output.result(msgspec.to_builtins(found), *found_lines(found))


def _query(register: str, field: str, kind: str, value: str, purpose: str | None) -> Query:
    return Query(register, (Term(field, value, kind),), purpose)


def found_lines(found: Found) -> list[str]:
    """What was found, for people."""
    rows = [
        (
            each.record,
            f"version {each.version}",
            each.status or "",
            "" if each.current else "an earlier version had it",
        )
        for each in found.matches
    ]
    count = numbered(len(found.matches), "record")
    more = "; there are more: search for something rarer" if found.more else ""
    return [*columns(rows), f"{count}{more}"]
