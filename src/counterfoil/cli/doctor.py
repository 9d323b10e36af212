"""`counterfoil doctor`: whether this machine and this folder are as an installation needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, home_folder
from counterfoil.cli.output import Output, columns

STYLES: Final = {"ok": "green", "warning": "yellow", "problem": "red"}

doctor_app = typer.Typer(**COMMAND)


@doctor_app.command(epilog=example("counterfoil doctor --home ./registers", "counterfoil doctor --json"))
def doctor(
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="FILE", help="Look at this certificate, too.", readable=False),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Look at machine and folder: disk, clock, permissions, keys, versions, who writes, witnesses, certificates.

    What is stored is for `counterfoil audit` to judge. Exit codes: 0 no problem, 1 there is one, with what to do.
    """
    from counterfoil.cli.health import examine
    from counterfoil.cli.health_office import examine_office
    from counterfoil.cli.health_serving import examine_serving
    from counterfoil.home import Home

    output = Output(json=json)
    folder = home_folder(home)
    home_ = Home(folder)
    checks = [*examine(folder), *examine_office(home_), *examine_serving(home_, tls_cert)]
    worst = NOT_WELL if any(check.level == "problem" for check in checks) else DONE
    document = {
        "home": str(folder),
        "healthy": worst == DONE,
        "checks": [check._asdict() for check in checks],
    }
    rows = [(check.level, check.name, check.said) for check in checks]
    for check, line in zip(checks, columns(rows), strict=True):
        output.say(line.replace(check.level, output.styled(check.level, STYLES[check.level]), 1))
        if check.advice:
            output.say(f"{'':9}→ {check.advice}")
    output.result(document)
    return worst
