"""`counterfoil erase`: ask that what a record says of one person be erased; a second officer decides."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from counterfoil.cli.office import (
    CaseNameOption,
    KeyFileOption,
    RecordOption,
    TokenOption,
    at_office,
    read_keys,
    tell_filed,
)
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, RegisterArgument, example
from counterfoil.cli.output import Output
from counterfoil.registry.personal.erasing import GROUNDS, Erasure, Ground

erase_app = typer.Typer(**COMMAND)


@erase_app.command(
    epilog=example(
        "counterfoil erase person --key-file - --ground no-longer-needed --law 'GDPR art. 17(1)(a)' < number.txt",
        "counterfoil erase marriage --record 3q2-7w… --subject spouse-a --ground objection --law 'GDPR art. 17(1)(c)'",
    )
)
def erase(  # noqa: PLR0913  # an option each
    register: RegisterArgument,
    *,
    ground: Annotated[
        str,
        typer.Option("--ground", metavar="WORD", help=f"Why, as it stands in the log: {', '.join(GROUNDS)}."),
    ],
    law: Annotated[
        str, typer.Option("--law", metavar="TEXT", help="On which legal basis: articles, nobody's name.")
    ],
    key_file: KeyFileOption = None,
    record: RecordOption = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="SLOT",
            help="About whom, as the register's definition names it.",
            show_default="the only one",
        ),
    ] = None,
    case: CaseNameOption = None,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Lay an erasure on the desk. Once a second officer approves it, the keys of those fields are destroyed.

    History, proofs and what the record says of others stay. A legal hold or a retention period refuses it at once.
    """
    if ground not in GROUNDS:
        raise typer.BadParameter(f"the ground is one of {', '.join(GROUNDS)}")
    keys = read_keys(key_file, record)
    if len(keys) > 1:
        raise typer.BadParameter("an erasure is about one record; name one key")
    output = Output(json=json)
    with at_office(home, token_file) as at:
        at.require("erase", [register])
        filed = at.office.ask_erasure(
            Erasure(register, cast(Ground, ground), law, subject, record, keys[0], case), at.acting
        )
    tell_filed(output, filed)
