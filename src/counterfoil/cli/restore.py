"""`counterfoil restore`: an installation from a backup or an archive, and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli.asking import ask_witnesses
from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, home_folder, read_input
from counterfoil.cli.output import Output, printable

if TYPE_CHECKING:
    from counterfoil.recovery.restore import Restored
    from counterfoil.recovery.resume import Resumed
    from counterfoil.registry.archive.entering import Entered

restore_app = typer.Typer(**COMMAND)


@restore_app.command(
    epilog=example(
        "counterfoil restore /backups/land-2026-11-24 --keys /safe/land.keys --home ./registers",
        "counterfoil restore --resume --home ./registers --seen checkpoint.txt --seen deed.proof.json",
        "counterfoil restore --resume --home ./registers --nothing-seen",
    )
)
def restore(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER|FILE]", help="A backup, or an archive of the whole ledger.", readable=False
        ),
    ] = None,
    *,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="FILE",
            help="The file of keys that backup --with-keys has written.",
            readable=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let the restored installation write again, if it may.")
    ] = False,
    seen: Annotated[
        list[Path] | None,
        typer.Option(
            "--seen",
            metavar="FILE",
            help="What others were shown of it: a signed checkpoint, a proof. May be repeated.",
            readable=False,
        ),
    ] = None,
    nothing_seen: Annotated[
        bool,
        typer.Option("--nothing-seen", help="Nobody was shown anything; witnesses are asked all the same."),
    ] = False,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The origin of a successor.", show_default="the old one and a number"
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Restore an installation into a new folder; then, with --resume, let it write again.

    A copy may lack what was signed after it was taken, and nothing else may ever be signed in its place. So it reads
    only, until its witnesses were asked and you have shown what you know to be signed. Where it holds the newest, it
    goes on; where it does not, a successor under a new origin goes on, which names what it goes on from and how many
    entries are lost. Exit codes: 0 done, 1 what was shown contradicts it or entries were refused, 3 not done.
    """
    output = Output(json=json)
    folder = home_folder(home)
    if resume:
        if source is not None:
            raise typer.BadParameter("--resume goes on with what is restored already; leave out the backup")
        if bool(seen) is nothing_seen:
            raise typer.BadParameter("say what others were shown with --seen FILE, or else --nothing-seen")
        return _resume(output, folder, keys, seen or [], origin)
    if source is None:
        raise typer.BadParameter("name a backup's folder or an archive's file to restore from")
    if seen or nothing_seen or origin:
        raise typer.BadParameter("--seen, --nothing-seen and --origin belong to --resume, which comes after")
    say_restored(output, source, folder, keys)
    return DONE


def say_restored(output: Output, source: Path, folder: Path, keys: Path | None) -> None:
    """Restore, and say what was restored and what comes next."""
    import msgspec

    from counterfoil.home import Home
    from counterfoil.recovery.restore import restore as restore_home

    with output.progress("restore", "entries") as tell:
        restored = restore_home(source, Home(folder), keys=keys, progress=tell)
    document = {"home": str(folder), "from": str(source), **msgspec.to_builtins(restored)}
    output.result(document, *_restored_lines(restored, folder))


def _restored_lines(restored: Restored, folder: Path) -> list[str]:
    lines = [
        f"{folder}: {restored.entries:,} entries of {restored.origin} restored and verified",
        f"log root {restored.root}",
        "It can be read. Before it writes, it must be known what was signed after this copy was taken:",
        f"  counterfoil restore --resume --home {folder} --seen FILE",
    ]
    if not restored.keys:
        lines.append("Its keys did not come with it; give them then, with --keys FILE.")
    if restored.items:
        lines += [
            "Its items are ciphertext: bring back the keyring, which has their keys. What was erased is left out:",
            f"  counterfoil keyring restore BACKUP --home {folder}",
        ]
    return lines


def _resume(output: Output, folder: Path, keys: Path | None, seen: list[Path], origin: str | None) -> int:
    import msgspec

    from counterfoil.home import Home
    from counterfoil.recovery.evidence import MAX_BYTES
    from counterfoil.recovery.keys_file import load_keys
    from counterfoil.recovery.resume import resume

    home = Home(folder)
    shown = [(str(path), read_input(path, MAX_BYTES)) for path in seen]
    with output.progress("resume", "entries") as tell:
        resumed = resume(
            home,
            shown,
            ask=ask_witnesses(home),
            keys=None if keys is None else load_keys(keys),
            origin=origin,
            progress=tell,
        )
    output.result({"home": str(folder), **msgspec.to_builtins(resumed)}, *_resumed_lines(resumed))
    return NOT_WELL if resumed.entered is not None and resumed.entered.not_entered else DONE


def _resumed_lines(resumed: Resumed) -> list[str]:
    before = resumed.predecessor
    if before is None:
        shown = f"; the newest shown was {resumed.seen.size:,} ({resumed.where})" if resumed.seen else ""
        return [
            f"{resumed.origin} goes on with {resumed.entries:,} entries{shown}",
            f"log root {resumed.root}",
        ]
    lines = [
        f"{resumed.origin} goes on in the place of {before.origin}, whose copy has {before.size:,} entries; "
        f"{before.seen.size:,} were shown, so {before.lost:,} are lost",
        f"log root {resumed.root}, at {resumed.entries:,} entries",
        "The old ledger is kept whole in the folder predecessors/. Checkpoint keys and trust policy are new: give the "
        "policy to whoever verifies, and add the witnesses again.",
    ]
    return [*lines, *entered_lines(resumed.entered)] if resumed.entered else lines


def entered_lines(entered: Entered) -> list[str]:
    """What was entered from an archive, for people."""
    names = ", ".join(entered.registers) or "no register"
    lines = [
        f"{names}: {entered.added:,} entries entered, {entered.present:,} were here already, "
        f"{entered.not_entered:,} refused"
    ]
    refused = (
        f"  entry {each.entry}, {each.register} {each.record!r}: {each.reason}" for each in entered.refused
    )
    return [*lines, *map(printable, refused)]
