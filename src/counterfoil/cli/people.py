"""The made-up country: written into a file, or loaded into the demonstration's installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from counterfoil.cli.options import replacing
from counterfoil.cli.output import Output

if TYPE_CHECKING:
    from counterfoil.node import Node
    from counterfoil.registry.table.entering import Refusal

SECOND_OFFICER: Final = "0" * 14 + "de"
"""Who decides, in the demonstration, what one officer may not decide alone."""


def people_to_try(home: Path) -> list[tuple[str, str]]:
    """What can be tried on the people of a demonstration: what it is, and the call."""
    first = "echo ZZ-P0000001 | counterfoil"
    return [
        ("who enforces which rule", f"counterfoil register show birth --home {home}"),
        ("find people by a name", f"echo Iselin | counterfoil search person names name --home {home}"),
        (
            "read an item, which is written down first",
            f"{first} disclose person --key-file - --purpose identification --home {home}",
        ),
        (
            "prove it without showing it",
            f"{first} prove person --key-file - --home {home} --out person.proof.json",
        ),
    ]


def write_people(output: Output, count: int, seed: int, out: Path) -> dict[str, Any]:
    """Write the lines of a made-up country into a file; gives what was written."""
    from counterfoil.madeup.country import people
    from counterfoil.office.line import encode_line

    lines = size = 0
    with replacing(out) as file, output.progress("make up", "lines") as tell:
        for line in people(count, seed):
            data = encode_line(line)
            file.write(data)
            lines += 1
            size += len(data)
            if lines % 1000 == 0:
                tell(lines, 0)
    return {"people": count, "seed": seed, "file": str(out), "lines": lines, "bytes": size}


def load_people(output: Output, node: Node, count: int, seed: int) -> dict[str, Any]:
    """Load a made-up country into an installation, with the registers that come with the software.

    Gives what became of its lines. Raises `Busy` where another process serves the installation, `Conflict` where it
    has another register of one of those names.
    """
    import msgspec

    from counterfoil.cli.personal import begin, open_office
    from counterfoil.errors import CounterfoilError
    from counterfoil.madeup.country import people
    from counterfoil.office.beginning import define_shipped
    from counterfoil.office.importing import Listeners
    from counterfoil.office.line import encode_line
    from counterfoil.office.wanted import LineReader
    from counterfoil.registry.personal.change import Acting
    from counterfoil.registry.table.reading import RawRow

    second = Acting("person", SECOND_OFFICER)
    told: list[str] = []

    def refused(refusal: Refusal) -> None:
        told.append(refusal.reason)

    with open_office(node) as office, output.progress("load people", "lines") as tell:
        define_shipped(node)

        def decide(case: str) -> None:
            try:
                office.decide(case, second, approved=True, reason="made up, and decided so")
            except CounterfoilError as error:
                told.append(str(error))

        importing = begin(node, office, LineReader(node.definition), Listeners(refused, decide))
        for number, line in enumerate(people(count, seed), 1):
            importing.take(RawRow(number, len(encode_line(line)), msgspec.to_builtins(line)))
            if number % 1000 == 0:
                tell(number, 0)
        importing.flush()
    counts = {name: importing.counts[name] for name in ("rows", "unchanged", "refused")}
    return {
        "people": count,
        "seed": seed,
        **counts,
        "decided": importing.counts["waiting"],
        "registers": dict(sorted(importing.registers.items())),
        "faults": told[:20],
    }
