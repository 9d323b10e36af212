"""`counterfoil demo`: the story for a newcomer, on real registers; it can be told again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, JsonOption, example
from counterfoil.cli.output import Output
from counterfoil.cli.serve import LISTEN

FOLDER = Path("counterfoil-demo")

demo_app = typer.Typer(**COMMAND)


@demo_app.command(
    epilog=example(
        "counterfoil demo",
        "counterfoil demo --no-serve --home /tmp/demo",
        "counterfoil demo --people 1000 --seed 7 --out people.jsonl",
    )
)
def demo(  # an option each
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
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to serve it; port 0 takes a free one.")
    ] = LISTEN,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve/--no-serve",
            help="Serve it at the end, until Ctrl-C (under --json only the story is told).",
        ),
    ] = True,
    people: Annotated[
        int | None,
        typer.Option(
            "--people",
            metavar="N",
            min=1,
            max=10_000_000,
            help="Load a made-up country of N people beside: births, marriages, companies, land.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", help="Which country: the same number, the same people.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Only write the people into FILE, as JSON Lines that import takes.",
            readable=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Show what this is, in under a minute, on 14 registers of the UK government and a table, and then serve them.

    They are imported with their history and their published roots reproduced; a record is shown through time; its entry
    is proved, and the proof verified offline; one stored byte is changed in a copy, and the audit names it.

    None of the people of --people exists, and no number of theirs can be a real one.
    """
    from counterfoil.cli.serve import parse_listen, run
    from counterfoil.cli.story import Story

    output = Output(json=json)
    if out is not None:
        return _write(output, people, seed, out)
    where = parse_listen(listen, None, None)
    story = Story(output, home or FOLDER, (people, seed) if people is not None else None)
    story.tell(serve=serve and not json)
    output.result(story.document)
    if serve and not json and story.as_told:
        run(output, home or FOLDER, where)
    return DONE if story.as_told else NOT_WELL


def _write(output: Output, people: int | None, seed: int, out: Path) -> int:
    from counterfoil.cli.people import write_people

    if people is None:
        raise typer.BadParameter("--out is for the people that --people N makes up")
    written = write_people(output, people, seed, out)
    output.result(written, f"{written['lines']:,} lines about {people:,} people: {out}")
    return DONE
