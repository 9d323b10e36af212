"""An installation's keyring: HOME/keyring.db, and HOME/keyring.json, which says how it is opened.

keyring.json (mode 0600) names places and holds no secret: `protector` (`file`, `passphrase` or `pkcs11`, for a keyring
that is to be made; one that is there says itself), `passphrase-file`, `module`, `token` and `pin-file`. Without it, the
protector is a key file, keys/keyring.key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.private_files import (
    read_secret_descriptor,
    read_secret_file,
    refused,
    write_private,
)
from counterfoil.keyring.protector import FileProtector, PassphraseProtector, Protector
from counterfoil.keyring.security_module import Pkcs11Protector
from counterfoil.proof.canonical import canonical, parse

DATABASE: Final = "keyring.db"
SETTINGS: Final = "keyring.json"
KEY_FILE: Final = Path("keys") / "keyring.key"
MAX_SETTINGS: Final = 65_536
Kind = Literal["file", "passphrase", "pkcs11"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", omit_defaults=True):
    """What keyring.json says. Relative paths are relative to the home folder."""

    protector: Kind = "file"
    passphrase_file: str | None = None
    module: str | None = None
    token: str | None = None
    pin_file: str | None = None


def open_keyring(
    home_folder: Path,
    *,
    read_only: bool = False,
    passphrase: bytes | None = None,
    untouched: bool = False,
    clock: Callable[[], float] = time.time,
) -> Keyring:
    """Open the installation's keyring, or make it where there is none yet. `untouched`: see `Keyring.open`.

    `passphrase`: where it was asked for or read from a descriptor; else it is read from the file that keyring.json
    names. Raises `NotFound` where it is only to be read and there is none, or where a file or token is missing,
    `Unverified` for a wrong passphrase, key file or PIN, `Malformed` for settings that are not in form.
    """
    path = home_folder / DATABASE
    settings = read_settings(home_folder)
    kind = protector_of(path, untouched=untouched)
    if kind is not None:
        protector = make_protector(home_folder, settings, kind, passphrase)
        return Keyring.open(path, protector, read_only, clock, untouched=untouched)
    if read_only or untouched:
        raise NotFound(f"there is no keyring at {path}; restore it from a backup, or name another folder")
    if passphrase is not None and not (home_folder / SETTINGS).exists():
        return Keyring.create(path, PassphraseProtector(passphrase), clock)
    return Keyring.create(path, make_protector(home_folder, settings, settings.protector, passphrase), clock)


def protector_of(path: Path, *, untouched: bool = False) -> Kind | None:
    """The kind of protector that a keyring's file names; None where there is no keyring yet. Raises `Damaged`."""
    if not path.exists():
        return None
    database = KeyringDatabase(path, read_only=True, untouched=untouched)
    try:
        if not database.is_made():
            return None
        return _kind(database.master().protector)
    finally:
        database.close()


def make_protector(
    home_folder: Path, settings: Settings, kind: Kind, passphrase: bytes | None = None
) -> Protector:
    """The protector of that kind, by the settings. Raises `NotFound` where they do not say enough for it."""
    match kind:
        case "file":
            return FileProtector(home_folder / KEY_FILE)
        case "passphrase":
            if passphrase is None:
                place = _said(settings.passphrase_file, "passphrase-file", kind)
                passphrase = read_secret_file(home_folder / place, "the passphrase file")
            return PassphraseProtector(passphrase)
        case "pkcs11":
            pin = read_secret_file(home_folder / _said(settings.pin_file, "pin-file", kind), "the PIN file")
            module = Path(_said(settings.module, "module", kind))
            return Pkcs11Protector(module, _said(settings.token, "token", kind), pin)


def read_settings(home_folder: Path) -> Settings:
    """What keyring.json says; the defaults without one. Raises `Malformed`."""
    path = home_folder / SETTINGS
    if not path.exists():
        return Settings()
    with refused(path, "the file"), path.open("rb") as file:
        data = file.read(MAX_SETTINGS + 1)
    if len(data) > MAX_SETTINGS:
        raise Malformed(f"{path} is larger than {MAX_SETTINGS} bytes; write it anew")
    try:
        return msgspec.convert(parse(data, str(path)), Settings)
    except msgspec.ValidationError as error:
        raise Malformed(f"{path} is not in form: {error}") from None


def write_settings(home_folder: Path, settings: Settings) -> None:
    """Write keyring.json, mode 0600. Before a rotation: until it is done, the keyring names its protector itself."""
    write_private(home_folder / SETTINGS, canonical(msgspec.to_builtins(settings)) + b"\n")


def passphrase_from(descriptor: int) -> bytes:
    """A passphrase from an open descriptor, to its end. Never from an argument: others see those."""
    return read_secret_descriptor(descriptor, "the passphrase")


def _kind(name: str) -> Kind:
    match name:
        case "file" | "passphrase" | "pkcs11":
            return name
        case _:
            raise Unavailable(f"the keyring is protected by {name!r}, which this version does not know")


def _said(value: str | None, member: str, kind: Kind) -> str:
    if not value:
        raise NotFound(
            f"{SETTINGS} does not name the member {member}, which the protector {kind} needs; add it"
        )
    return value
