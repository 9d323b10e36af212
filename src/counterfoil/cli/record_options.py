"""The options by which `counterfoil record` is told what a record's next entry says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

FieldOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--field", metavar="NAME=TEXT", help="A field; name:=JSON for what is not text. Again for more."
    ),
]
FieldsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--fields",
        metavar="FILE",
        help="All fields as a JSON object; - reads standard input.",
        readable=False,
    ),
]
WithoutOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--without", metavar="NAME", help="A field that the record no longer has.")
]
StatusOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--status", metavar="WORD", help="The record's status; it stays where none is given."),
]
VersionOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--version",
        min=0,
        metavar="N",
        help="The version you saw: where the record has moved on since, nothing is written.",
        show_default="the latest",
    ),
]
WhyOption: TypeAlias = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Why it is done.")]
LawOption: TypeAlias = Annotated[
    str | None, typer.Option("--law", metavar="TEXT", help="On which legal basis.")
]
CaseOption: TypeAlias = Annotated[str | None, typer.Option("--case", metavar="TEXT", help="In which case.")]
FromOption: TypeAlias = Annotated[
    str | None, typer.Option("--valid-from", metavar="DATE", help="When it became true in the world.")
]
IdempotencyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="A name for this request: called again, it is not done again.",
    ),
]
DocumentOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--document",
        metavar="FILE",
        help="A file that is kept beside the log and named by its hash.",
        readable=False,
    ),
]
MergeOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--merge",
        help="Of a personal register: the --fields are those that change, and null takes one out.",
    ),
]
ReceiptOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="Write a proof of the new entry to this file at once.",
        readable=False,
    ),
]
