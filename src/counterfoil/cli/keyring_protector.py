"""What protects a keyring, as options say it, and giving a keyring another protector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import typer

if TYPE_CHECKING:
    from counterfoil.keyring.keyring import Keyring
    from counterfoil.keyring.opening import Settings
    from counterfoil.keyring.protector import Protector

PassphraseOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="A passphrase, in this file of mode 0600.",
        readable=False,
    ),
]
ModuleOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--pkcs11",
        metavar="MODULE",
        help="A security module: the library (PKCS#11) that came with it.",
        readable=False,
    ),
]
TokenLabelOption: TypeAlias = Annotated[
    str | None, typer.Option("--token", metavar="LABEL", help="Which token of the module.")
]
PinOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--pin-file", metavar="FILE", help="The token's PIN, in this file of mode 0600.", readable=False
    ),
]
KeyFileOption: TypeAlias = Annotated[
    bool, typer.Option("--key-file", help="A key file beside the other keys: for trying things out.")
]


def stated_settings(
    passphrase_file: Path | None,
    module: Path | None,
    token: str | None,
    pin_file: Path | None,
    *,
    key_file: bool,
) -> Settings:
    """What the options say; a wrong usage unless it is one protector, with all that it needs."""
    from counterfoil.keyring.opening import Settings

    if [passphrase_file is not None, module is not None, key_file].count(True) != 1:
        raise typer.BadParameter("name one protector: --passphrase-file, --pkcs11 or --key-file")
    if (module is None) != (token is None) or (module is None) != (pin_file is None):
        raise typer.BadParameter("a security module needs --pkcs11, --token and --pin-file")
    if passphrase_file is not None:
        return Settings("passphrase", passphrase_file=str(passphrase_file.absolute()))
    if module is not None and pin_file is not None:
        return Settings("pkcs11", None, str(module.absolute()), token, str(pin_file.absolute()))
    return Settings("file")


def protect_with(folder: Path, keyring: Keyring, settings: Settings, *, kind: Any = None) -> None:
    """Rotate a keyring to the protector that the settings name, and have keyring.json say so.

    Raises as `make_protector` and `Keyring.rotate`; then keyring.json is as it was.
    """
    from counterfoil.keyring.opening import SETTINGS, make_protector, read_settings, write_settings

    path = folder / SETTINGS
    before = path.read_bytes() if path.exists() else None
    wanted = msgspec.structs.replace(settings, protector=kind or settings.protector)
    protector = make_protector(folder, wanted, wanted.protector)
    # Until the rotation is done, what opens the keyring now must still be found; after it, what opens it then.
    write_settings(folder, _over(read_settings(folder), wanted))
    generation = keyring.generation
    try:
        keyring.rotate(protector)
    except BaseException:
        if keyring.generation == generation:
            _put_back(path, before)
        raise
    write_settings(folder, wanted)


def _put_back(path: Path, before: bytes | None) -> None:
    from counterfoil.keyring.private_files import write_private

    if before is None:
        path.unlink(missing_ok=True)
    else:
        write_private(path, before)


def protector_for_restore(
    folder: Path,
    passphrase_file: Path | None,
    module: Path | None,
    token: str | None,
    pin_file: Path | None,
    *,
    key_file: bool,
) -> Protector:
    """The protector of a keyring that is to be restored, by the options, else by keyring.json, which then names it."""
    from counterfoil.keyring.opening import make_protector, read_settings, write_settings

    if not key_file and all(each is None for each in (passphrase_file, module, token, pin_file)):
        settings = read_settings(folder)
        return make_protector(folder, settings, settings.protector)
    settings = stated_settings(passphrase_file, module, token, pin_file, key_file=key_file)
    protector = make_protector(folder, settings, settings.protector)
    write_settings(folder, settings)
    return protector


def _over(before: Settings, wanted: Settings) -> Settings:
    """The settings wanted, with those members of the ones before that they leave out."""
    return msgspec.convert({**msgspec.to_builtins(before), **msgspec.to_builtins(wanted)}, type(wanted))
