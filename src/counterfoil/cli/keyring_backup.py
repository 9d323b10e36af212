"""`counterfoil keyring`: the recovery key, backups, and coming back from one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from counterfoil.cli.keyring_opening import backup_document, backup_lines, home_of, opened
from counterfoil.cli.keyring_protector import (
    KeyFileOption,
    ModuleOption,
    PassphraseOption,
    PinOption,
    TokenLabelOption,
    protector_for_restore,
)
from counterfoil.cli.office import numbered
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example
from counterfoil.cli.output import Output
from counterfoil.errors import Conflict
from counterfoil.proof.instant import instant_text

if TYPE_CHECKING:
    from counterfoil.keyring.restoring import Restored

KEEP_DAYS: Final = 35
_STANDARD_INPUT: Final = "-"
_MAX_SHARES_BYTES: Final = 1 << 16

BackupArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="The backup.", readable=False)
]

backups_app = typer.Typer(**COMMAND)


@backups_app.command(epilog=example("counterfoil keyring recovery 5 3 --out ./shares"))
def recovery(
    holders: Annotated[int, typer.Argument(metavar="N", min=1, max=16, help="How many holders there are.")],
    needed: Annotated[int, typer.Argument(metavar="K", min=1, max=16, help="How many of them are needed.")],
    *,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FOLDER", help="A new or empty folder for the shares.", readable=False),
    ],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make a recovery key for later backups, and write each holder's share, 33 words, to a file of mode 0600.

    Print each, hand it over, and destroy the file: the shares are kept nowhere else.
    """
    from counterfoil.home import refused_by_machine
    from counterfoil.keyring.private_files import write_private

    output = Output(json=json)
    found = home_of(home)
    with refused_by_machine(out):
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise Conflict(f"the folder {out} is not empty; name a new one for the shares")
    files = []
    with opened(found) as keyring:
        for number, words in enumerate(keyring.make_recovery(holders, needed), 1):
            path = out / f"share-{number}-of-{holders}.txt"
            write_private(path, f"{words}\n".encode())
            files.append(str(path))
    output.result(
        {"holders": holders, "needed": needed, "files": files},
        *files,
        f"any {needed} of them open the backups from now on; hand them over, and destroy these files",
    )


@backups_app.command(epilog=example("counterfoil keyring backup /backups/keys-2026-11-24 --keep-days 35"))
def backup(
    file: BackupArgument,
    *,
    keep_days: Annotated[
        int,
        typer.Option(
            "--keep-days",
            min=1,
            metavar="N",
            help="For how many days it is kept; erasures are complete only when it is destroyed.",
        ),
    ] = KEEP_DAYS,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write a backup that opens with the holders' shares and in no other way. Keep it apart from those of the store."""
    output = Output(json=json)
    with opened(home_of(home)) as keyring:
        made = keyring.backup(file, keep_days)
    document = {"file": str(file), **backup_document(made)}
    output.result(document, f"{file}: backup {made.number}, to be destroyed on {document['keep-until'][:10]}")


@backups_app.command(epilog=example("counterfoil keyring backups"))
def backups(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the backups that were noted, the oldest first, and which are past their day."""
    output = Output(json=json)
    with opened(home_of(home), read_only=True) as keyring:
        documents = [backup_document(each) for each in keyring.backups()]
    output.result({"backups": documents}, *backup_lines(documents))


@backups_app.command(epilog=example("counterfoil keyring forget 3"))
def forget(
    number: Annotated[int, typer.Argument(metavar="ID", help="The backup's number, as backups lists it.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Note that a backup was destroyed, every copy of it."""
    output = Output(json=json)
    with opened(home_of(home)) as keyring:
        keyring.forget_backup(number)
    output.result({"forgotten": number}, f"backup {number} counts no more for erasures")


@backups_app.command(epilog=example("counterfoil keyring note /backups/keys-2026-11-20"))
def note(file: BackupArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Note a backup that this keyring does not know, because it was restored from an older one."""
    output = Output(json=json)
    with opened(home_of(home)) as keyring:
        noted = keyring.note_backup(file)
    document = {"file": str(file), **backup_document(noted)}
    output.result(
        document, f"{file}: backup {noted.number}, to be destroyed on {document['keep-until'][:10]}"
    )


@backups_app.command(
    epilog=example(
        "counterfoil keyring restore /backups/keys-2026-11-24 --words-file a.txt --words-file b.txt --words-file c.txt",
        "counterfoil keyring restore keys --words-file - --passphrase-file /run/credentials/registers/passphrase",
    )
)
def restore(  # noqa: PLR0913  # an option each
    file: BackupArgument,
    *,
    words_file: Annotated[
        list[str],
        typer.Option(
            "--words-file",
            metavar="FILE",
            help="A holder's share in a file of mode 0600, or - for shares on standard input, one a line.",
        ),
    ],
    passphrase_file: PassphraseOption = None,
    pkcs11: ModuleOption = None,
    token: TokenLabelOption = None,
    pin_file: PinOption = None,
    key_file: KeyFileOption = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make the keyring from a backup and the holders' shares, under a new master key. Restore the store first.

    Keys of what the log says is erased are left out. Without an option for its protector it is the one that
    keyring.json names, else a key file.
    """
    from counterfoil.recovery.keyring import restore_keyring

    output = Output(json=json)
    found = home_of(home)
    shares = _shares(words_file)
    with found.writing():
        if found.keyring.exists():
            raise Conflict(f"there is a keyring at {found.keyring} already; move it away first")
        protector = protector_for_restore(
            found.folder, passphrase_file, pkcs11, token, pin_file, key_file=key_file
        )
        restored = restore_keyring(found, file, shares, protector)
    _tell_restored(output, restored)


def _tell_restored(output: Output, restored: Restored) -> None:
    document = restored._asdict() | {"time": instant_text(restored.time)}
    output.result(
        document,
        f"restored: {numbered(restored.keys, 'key')} of {document['time'][:10]}; left out as erased: {restored.erased}",
        "note the newer backups that still exist: counterfoil keyring note FILE",
    )


def _shares(files: list[str]) -> list[str]:
    from counterfoil.cli.office import read_value
    from counterfoil.keyring.private_files import read_secret_file

    shares: list[str] = []
    for name in files:
        if name == _STANDARD_INPUT:
            shares += read_value(Path(name), "the shares", _MAX_SHARES_BYTES).splitlines()
        else:
            shares.append(read_secret_file(Path(name), "the share").decode("utf-8", "replace"))
    return [" ".join(share.split()) for share in shares]
