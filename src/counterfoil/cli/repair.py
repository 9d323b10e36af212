"""`counterfoil repair`: bring what is damaged back to what it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, home_folder
from counterfoil.cli.output import Output, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.recovery.repair import Repaired
    from counterfoil.store.audit.finding import Finding

RESTORED: Final = "restored"
"""The file that a repair sets where the installation has to ask before it writes again."""
STRANGE: Final = "it is no part of an installation"
SHOWN: Final = 20
"""The most faults that are written out for people."""

repair_app = typer.Typer(**COMMAND)


@repair_app.command(
    epilog=example(
        "counterfoil repair --home ./registers --dry-run",
        "counterfoil repair --from /backups/land-2026-11-24",
        "counterfoil repair --from land.tar.zst",
        "counterfoil repair --keys /safe/land.keys",
    )
)
def repair(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER|FILE",
            help="A backup, or an archive of the whole ledger, to take healthy copies from.",
            readable=False,
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="FILE",
            help="The file of keys that backup --with-keys has written, to put lost ones back from.",
            readable=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come of it, and change nothing.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Repair what the audit finds: from the log itself what follows from it, the rest from a verified copy.

    The log stays the one that this node has signed; a copy of another history is refused. The repaired store is audited
    before it takes the place of the old one. Exit codes: 0 all is as it must be, 1 something is still damaged, 3 it
    could not be done.
    """
    import msgspec

    from counterfoil.home import Home
    from counterfoil.recovery.repair import repair as repair_home

    output = Output(json=json)
    folder = home_folder(home)
    with output.progress("repair", "entries") as tell:
        repaired = repair_home(Home(folder), source, keys=keys, dry_run=dry_run, progress=tell)
    output.result({"home": str(folder), **msgspec.to_builtins(repaired)}, *_lines(repaired, folder, source))
    return NOT_WELL if repaired.left else DONE


def _lines(repaired: Repaired, folder: Path, source: Path | None) -> list[str]:
    if not repaired.found:
        return [
            f"{repaired.entries:,} entries in {folder}: everything stored is what it must be; nothing to repair"
        ]
    lines = [
        f"{repaired.found:,} {'fault' if repaired.found == 1 else 'faults'} found:",
        *_sentences(repaired.findings),
    ]
    would = "would be repaired" if repaired.dry_run else "repaired"
    if not repaired.left:
        lines.append(f"All of them {would}; log root {repaired.root}")
        return [*lines, *_asking(repaired, folder)]
    fate = "would still be" if repaired.dry_run else "is still"
    lines.append(f"What {fate} damaged ({len(repaired.left):,}), for there is no healthy copy of it:")
    lines += _sentences(repaired.left)
    return [*lines, *_hints(repaired, source), *_asking(repaired, folder)]


def _asking(repaired: Repaired, folder: Path) -> list[str]:
    """What comes next where it was lost what the key has signed last."""
    if RESTORED not in repaired.files or repaired.dry_run:
        return []
    return [
        "What its key has signed last was lost, so that it only reads, until it is known what others were shown:",
        f"  counterfoil restore --resume --home {folder} --seen FILE",
    ]


def _hints(repaired: Repaired, source: Path | None) -> list[str]:
    """What can be done about what is left, by its kinds."""
    hints = []
    keys = [each for each in repaired.left if each.where.startswith("keys/")]
    strange = [each for each in repaired.left if each.what == STRANGE]
    if repaired.short is not None:
        has, signed = repaired.short.entries, repaired.short.signed
        hints += [
            f"{source} has {has:,} of the {signed:,} entries that were signed. Without a newer one, restore it into a "
            "new folder and resume:",
            f"  counterfoil restore {source} --home NEW --keys FILE",
        ]
    elif len(repaired.left) > len(keys) + len(strange):
        hints.append(
            "What is damaged is refused when it is asked for. Try another backup, or an archive: --from"
        )
    if keys:
        hints.append(
            "No backup holds a key. Put the keys back from the file that backup --with-keys has written: --keys FILE"
        )
    if strange:
        hints.append("Move away what is no part of it.")
    return hints


def _sentences(findings: Sequence[Finding]) -> list[str]:
    lines = [f"  {printable(finding.sentence)}" for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"  … and {len(findings) - SHOWN:,} more; --json lists them")
    return lines
