"""`counterfoil keyring`: what protects the keys of items, a new master key, backups, and coming back from one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from counterfoil.cli.keyring_backup import backups_app
from counterfoil.cli.keyring_opening import backup_document, backup_lines, home_of, opened
from counterfoil.cli.keyring_protector import (
    KeyFileOption,
    ModuleOption,
    PassphraseOption,
    PinOption,
    TokenLabelOption,
    protect_with,
    stated_settings,
)
from counterfoil.cli.office import numbered
from counterfoil.cli.options import (
    COMMAND,
    DefaultGroup,
    HomeOption,
    JsonOption,
    example,
    reading,
)
from counterfoil.cli.output import Output, columns

if TYPE_CHECKING:
    from counterfoil.keyring.keyring import Keyring

keyring_app = typer.Typer(
    cls=DefaultGroup,
    help="Protect the keys of items, rotate them, back them up, restore them: `keyring` shows their state.",
    epilog=example(
        "counterfoil keyring",
        "counterfoil keyring protect --passphrase-file /run/credentials/registers/passphrase",
        "counterfoil keyring recovery 5 3 --out ./shares",
        "counterfoil keyring backup /backups/keys-2026-11-24 --keep-days 35",
    ),
    **COMMAND,
)
keyring_app.add_typer(backups_app)


@keyring_app.command(name="status", epilog=example("counterfoil keyring status --json"))
@keyring_app.command(name="show", hidden=True)
def status(home: HomeOption = None, json: JsonOption = False) -> None:
    """Show what protects the keyring, how many keys it has, and its backups."""
    from counterfoil.cli.health_office import keyring_counts

    output = Output(json=json)
    found = home_of(home)
    with opened(found, read_only=True) as keyring:
        document: dict[str, Any] = {
            "protector": keyring.protector,
            "generation": keyring.generation,
            **keyring_counts(found)._asdict(),
            "backups": [backup_document(each) for each in keyring.backups()],
        }
    told = [
        ("protector", document["protector"]),
        ("master key", f"number {document['generation']}"),
        ("keys", f"{document['keys']:,}"),
        ("to be swept", f"those of {numbered(document['lapsed'], 'transaction')}"),
    ]
    output.result(document, *columns(told), *backup_lines(document["backups"]))


@keyring_app.command(
    epilog=example(
        "counterfoil keyring protect --passphrase-file /run/credentials/registers/passphrase",
        "counterfoil keyring protect --pkcs11 /usr/lib/softhsm/libsofthsm2.so --token registers --pin-file pin.txt",
    )
)
def protect(  # an option each
    *,
    passphrase_file: PassphraseOption = None,
    pkcs11: ModuleOption = None,
    token: TokenLabelOption = None,
    pin_file: PinOption = None,
    key_file: KeyFileOption = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Have something else protect the keyring, and give it a new master key: every key is wrapped anew.

    keyring.json then says where passphrase or PIN is read; it holds neither. Stop serve first.
    """
    settings = stated_settings(passphrase_file, pkcs11, token, pin_file, key_file=key_file)
    output = Output(json=json)
    found = home_of(home)
    with found.writing(), opened(found) as keyring:
        protect_with(found.folder, keyring, settings)
        _tell_rotated(output, keyring)


@keyring_app.command(epilog=example("counterfoil keyring rotate"))
def rotate(home: HomeOption = None, json: JsonOption = False) -> None:
    """Give the keyring a new master key, protected as before: every key is wrapped anew. Stop serve first.

    A changed passphrase: write it into a new file, and call protect with that.
    """
    from counterfoil.keyring.opening import read_settings

    output = Output(json=json)
    found = home_of(home)
    with found.writing(), opened(found) as keyring:
        settings = read_settings(found.folder)
        protect_with(found.folder, keyring, settings, kind=keyring.protector)
        _tell_rotated(output, keyring)


def _tell_rotated(output: Output, keyring: Keyring) -> None:
    document = {"protector": keyring.protector, "generation": keyring.generation}
    output.result(document, f"a new master key ({keyring.generation}), protected by {keyring.protector}")


@keyring_app.command(epilog=example("counterfoil keyring sweep"))
def sweep(home: HomeOption = None, json: JsonOption = False) -> None:
    """Delete the keys whose transaction never came, and whose time for it has passed."""
    from counterfoil.cli.health_office import stored_transactions

    output = Output(json=json)
    found = home_of(home)
    with reading(found.folder) as node, opened(found) as keyring:
        swept = keyring.sweep(node.store.head.time, stored_transactions(node))
    output.result({"swept": swept}, f"deleted: {numbered(swept, 'key')}")
