"""`counterfoil bench`: how fast this program is on this machine, as ratios against references in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli.options import COMMAND, JsonOption, example
from counterfoil.cli.output import Output, flush

if TYPE_CHECKING:
    from counterfoil.bench.measure import Figure

bench_app = typer.Typer(**COMMAND)


@bench_app.command(
    epilog=example("counterfoil bench --records 100000", "counterfoil bench --json > figures.jsonl")
)
def bench(
    records: Annotated[
        int,
        typer.Option(
            min=1_000, metavar="N", help="How many records the large store has; a million takes a long while."
        ),
    ] = 1_000_000,
    oracle: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A Python that has pymerkle, to compare with it.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure this program against references, in turn in one run, and print median, spread and load of each.

    It says what it measures also where that falls short, and makes its stores in a temporary folder.
    """
    from counterfoil.bench.bench import figures

    output = Output(json=json)
    taken: list[Figure] = []
    for figure in figures(records, oracle):
        taken.append(figure)
        output.tell(figure)
        output.say(_line(figure))
        flush()
    output.result(
        {"records": records, "figures": taken, "missed": [each.name for each in taken if each.met is False]}
    )


def _line(figure: Figure) -> str:
    bound = ""
    if figure.limit is not None:
        side, met = "at least" if figure.at_least else "at most", "met" if figure.met else "not met"
        bound = f", {side} {figure.limit:g}: {met}"
    spread = f"{figure.low:g} to {figure.high:g} in {figure.rounds}"
    note = f" ({figure.note})" if figure.note else ""
    return f"{figure.name}: {figure.value:g} {figure.unit} [{spread}, load {figure.load:g}]{bound}{note}"
