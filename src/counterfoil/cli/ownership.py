"""`counterfoil ownership`: publish companies' beneficial owners as statements of the standard for them (BODS 0.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from counterfoil.cli.office import KeyFileOption, TokenOption, at_office, read_keys
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, OutOption, example, write_output
from counterfoil.cli.output import Output
from counterfoil.errors import Unavailable
from counterfoil.proof.instant import instant_text

if TYPE_CHECKING:
    from counterfoil.node import Node
    from counterfoil.registry.bods import Source

ownership_app = typer.Typer(**COMMAND)


@ownership_app.command(
    epilog=example(
        "counterfoil ownership C-1001 --out owners.json",
        "counterfoil ownership --key-file companies.txt --license https://creativecommons.org/licenses/by/4.0/",
    )
)
def ownership(  # an option each
    company: Annotated[str | None, typer.Argument(metavar="[COMPANY]", help="The company's number.")] = None,
    *,
    key_file: KeyFileOption = None,
    license_: Annotated[
        str | None, typer.Option("--license", metavar="URL", help="Under which licence it is published.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The address of who publishes it.")
    ] = None,
    token_file: TokenOption = None,
    out: OutOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write who owns a company in the end, for publication: names, month and year of birth, nationality, interests.

    It is a disclosure under the purpose `beneficial-ownership`: each owner's log tells of it.
    """
    from counterfoil.office.office import Office
    from counterfoil.office.ownership import COMPANY, ownership
    from counterfoil.registry.personal.sight import PERSON

    numbers = [key or company or "" for key in read_keys(key_file, company)]
    with at_office(home, token_file) as at:
        at.require("disclose", [COMPANY, PERSON])
        if not isinstance(at.office, Office):
            raise Unavailable("another process serves this home; stop it for as long as this takes")
        source = _source(at.node, at.node.clock(), url, license_)
        told = ownership(at.office, numbers, at.acting, source, at.roles)
    data = msgspec.json.format(msgspec.json.encode(told)) + b"\n"
    if out is not None:
        write_output(out, data)
        Output(json=json).result({"statements": len(told), "out": str(out)}, f"{out}: {len(told)} statements")
    else:
        typer.echo(data.decode(), nl=False)


def _source(node: Node, now: float, url: str | None, license_: str | None) -> Source:
    from counterfoil.registry.bods import Source

    agency = node.record(".agency", node.agency)
    title = agency.fields.get("title", node.agency) if agency is not None else node.agency
    register = node.definition("company").fields.title
    return Source(title, register, instant_text(int(now))[:10], url, license_)
