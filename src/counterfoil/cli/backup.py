"""`counterfoil backup`: a consistent, verified copy of an installation, without its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, home_folder
from counterfoil.cli.output import Output, printable

backup_app = typer.Typer(**COMMAND)


@backup_app.command(
    epilog=example(
        "counterfoil backup /backups/land-2026-11-24 --home ./registers",
        "counterfoil backup ./copy --with-keys /safe/land.keys",
    )
)
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.", readable=False)],
    with_keys: Annotated[
        Path | None,
        typer.Option(
            "--with-keys",
            metavar="FILE",
            help="Write the keys too, into this file of mode 0600; keep it apart from the backup.",
            readable=False,
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Copy an installation as it is at one moment, while others go on writing, and audit the copy.

    The copy holds the store, the trust policy, the witnesses, who may use the API and the ledgers that went before, and
    never a key. It appears under
    its name only once it is whole and verified. It is a folder like an installation's: counterfoil audit --home FOLDER.
    """
    import msgspec

    from counterfoil.home import Home
    from counterfoil.proof.instant import instant_text
    from counterfoil.recovery.backup import back_up

    if not folder.name:
        raise typer.BadParameter("name a new folder for the backup")
    output = Output(json=json)
    with output.progress("backup", "entries") as tell:
        done = back_up(Home(home_folder(home)), folder, keys=with_keys, progress=tell)
    document = {
        "backup": str(folder),
        **msgspec.to_builtins(done),
        "taken": instant_text(done.taken),
        "keys": None if with_keys is None else str(with_keys),
    }
    lines = [
        f"{folder}: {done.entries:,} entries of {done.origin}, {done.bytes:,} bytes, verified",
        f"log root {done.root}",
    ]
    lines += [printable(f"not in it, for it is not here: {each}") for each in done.lacking]
    if with_keys is None:
        lines.append("It holds no key: without a copy of the keys, what is restored from it can only read.")
    else:
        lines.append(f"The keys are in {with_keys}: whoever has that file can sign as this agency.")
    if Home(home_folder(home)).keyring.exists():
        lines.append(
            "Its items are ciphertext: their keys are in the keyring's own backups, to be kept apart from it."
        )
    output.result(document, *lines)
