"""`counterfoil demo`: the story for a newcomer, on real registers; it can be told again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, JsonOption, example
from counterfoil.cli.output import Output

FOLDER = Path("counterfoil-demo")

demo_app = typer.Typer(**COMMAND)


@demo_app.command(epilog=example("counterfoil demo", "counterfoil demo --home /tmp/demo"))
def demo(
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            metavar="FOLDER",
            envvar="COUNTERFOIL_HOME",
            help="Where to make it.",
            show_default=str(FOLDER),
            readable=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Show what this is, in under a minute, on 14 registers of the UK government.

    They are imported with their history and their published roots reproduced; a record is shown through time; its entry
    is proved, and the proof verified offline; one stored byte is changed in a copy, and the audit names it.
    """
    from counterfoil.cli.story import Story

    output = Output(json=json)
    story = Story(output, home or FOLDER)
    story.tell()
    output.result(story.document)
    return DONE if story.as_told else NOT_WELL
