"""`counterfoil extract`: a certified copy of a record with chosen fields, as JSON or as a page to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from counterfoil.cli.office import (
    CaseNameOption,
    KeyFileOption,
    RecordOption,
    TokenOption,
    at_office,
    read_keys,
)
from counterfoil.cli.options import (
    COMMAND,
    HomeOption,
    JsonOption,
    OutOption,
    RegisterArgument,
    example,
    write_output,
)
from counterfoil.cli.output import Output

if TYPE_CHECKING:
    from counterfoil.proof.extract import Extract
    from counterfoil.registry.personal.disclosing import Ask, Shown

PAGES: Final = frozenset({".html", ".htm"})

extract_app = typer.Typer(**COMMAND)


@extract_app.command(
    epilog=example(
        "counterfoil extract death --purpose certificate --key-file - --out death.html",
        "counterfoil extract country --record GB --out country-gb.extract.json",
        "counterfoil verify death.html --trust trust.json",
    )
)
def extract(  # noqa: PLR0913  # an option each
    register: RegisterArgument,
    *,
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose",
            metavar="NAME",
            help="Why fields are shown that are not public: one that the register's definition names.",
        ),
    ] = None,
    key_file: KeyFileOption = None,
    record: RecordOption = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="This field, and others named so (circumstances: who acted and why).",
            show_default="all that may be shown",
        ),
    ] = None,
    case: CaseNameOption = None,
    token_file: TokenOption = None,
    out: OutOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write an extract: a certified copy of a record with its proof inside, as JSON or (FILE.html) as a page to print.

    First an entry is stored that tells each person concerned who had it made, why and of what.
    """
    from counterfoil.office.extracting import extract as certified
    from counterfoil.registry.personal.disclosing import Ask

    keys = read_keys(key_file, record)
    if len(keys) > 1:
        raise typer.BadParameter("an extract is of one record; name one at a time")
    ask = Ask(register, purpose or "", record, keys[0], fields=tuple(field) if field else None, case=case)
    output = Output(json=json)
    with at_office(home, token_file) as at:
        at.require("disclose", [register])

        def disclose(each: Ask) -> Shown:
            return at.office.disclose([each], at.acting, at.roles)[0]

        made = certified(at.node, disclose, ask)
        trust = at.node.home.trust
    data = _file(made, out)
    if out is None:
        output.raw(data + b"\n")
        return
    write_output(out, data)
    document = {"extract": str(out), "bytes": len(data), "fields": sorted(made.fields), "format": made.format}
    output.result(
        document, f"{out}: {len(data):,} bytes; verify it with: counterfoil verify {out} --trust {trust}"
    )


def _file(made: Extract, out: Path | None) -> bytes:
    if out is None or out.suffix.lower() not in PAGES:
        return made.encode()
    from counterfoil.registry.extract.page import page_of

    return page_of(made)
