"""`counterfoil audit`: recompute everything that is stored, and name each fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, home_folder
from counterfoil.cli.output import Output, printable

if TYPE_CHECKING:
    from pathlib import Path

    from counterfoil.home_audit import HomeAudited

LEVEL = "sealed here"
"""What one node proves: changes are detected."""
SHOWN = 20
"""The most findings that are written out for people; --json has them all."""

audit_app = typer.Typer(**COMMAND)


@audit_app.command(
    epilog=example(
        "counterfoil audit --home ./registers", "counterfoil audit --json | tail -1 | jq .findings"
    )
)
def audit(home: HomeOption = None, json: JsonOption = False) -> int:
    """Recompute everything that is stored from its bytes, and name each fault by file, record and field.

    It reads only, repairs nothing and changes not a byte, also after a crash, and beside a process that writes. Exit
    codes: 0 all is as it must be, 1 something is not, 3 the folder could not be read.
    """
    from counterfoil.home import Home
    from counterfoil.home_audit import audit_home

    output = Output(json=json)
    folder = home_folder(home)
    with output.progress("audit", "entries") as tell:
        audited = audit_home(Home(folder), tell)
    report(output, folder, audited)
    return NOT_WELL if audited.found else DONE


def report(output: Output, folder: Path, audited: HomeAudited) -> None:
    """Say what an audit found."""
    import msgspec

    from counterfoil.store.audit.finding import CANNOT_SEE

    document = {
        "home": str(folder),
        **msgspec.to_builtins(audited),
        "cannot_see": CANNOT_SEE,
        "level": LEVEL,
    }
    output.result(document)
    if audited.found:
        output.say(f"{audited.found:,} {'fault' if audited.found == 1 else 'faults'} in {folder}:", "red")
        for finding in audited.findings[:SHOWN]:
            output.say(f"  {printable(finding.sentence)}")
        if audited.found > SHOWN:
            output.say(f"  … and {audited.found - SHOWN:,} more; --json lists up to a thousand")
    else:
        output.say(f"{audited.entries:,} entries in {folder}: everything stored is what it must be", "green")
    if audited.root:
        output.say(f"log root {audited.root}")
    for note in audited.unchecked:
        output.say(f"Not checked: {note}")
    output.say(f"Trust level: {LEVEL}. {CANNOT_SEE}", "dim")
