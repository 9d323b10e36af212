"""An installation's keys as one file, of mode 0600, for a safe place that is not the backup's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.home import KEY_FILES, Home, refused_by_machine, write_whole
from counterfoil.proof.canonical import canonical
from counterfoil.proof.signing import PublicKey, SigningKey
from counterfoil.signer import LastSigned, encode_last_signed, read_last_signed

FORMAT: Final = "keys/v1"
MAX_BYTES: Final = 1 << 16


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The seeds of an agency's keys by use, 64 hexadecimal digits each, and what its checkpoint key signed last.

    `origin` is the ledger's whose keys they are. Nobody has signed `last_signed`: it counts where the keys are known to
    be the ledger's (`members.check_keys`).
    """

    origin: str
    seeds: dict[str, str]
    last_signed: LastSigned
    format: str = FORMAT

    def __repr__(self) -> str:
        return "Keys(...)"


def read_keys(home: Home, origin: str = "") -> Keys:
    """The keys of an installation that keeps the ledger of this origin.

    Raises `NotFound`, `Malformed` or `Damaged` where one cannot be read.
    """
    last = read_last_signed(home)
    return Keys(origin, {use: home.read_key(use).seed.hex() for use in KEY_FILES}, last)


def write_keys(path: Path, keys: Keys) -> None:
    """Write them to a file that only its owner can read. Raises `Unavailable`."""
    write_whole(path, canonical(msgspec.to_builtins(keys)) + b"\n", 0o600)


def load_keys(path: Path) -> Keys:
    """Read the file. Raises `NotFound`, `Unavailable`, or `Malformed` where it holds no keys; no message shows one."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
        keys = msgspec.json.decode(data, type=Keys)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed(f"{path} holds no keys; it is written by: counterfoil backup --with-keys") from None
    if (
        keys.format != FORMAT
        or keys.seeds.keys() != KEY_FILES.keys()
        or not all(map(_is_seed, keys.seeds.values()))
    ):
        raise Malformed(f"{path} holds no keys of the format {FORMAT}")
    return keys


def public_keys(keys: Keys) -> dict[str, PublicKey]:
    """The public halves by use."""
    return {
        use: SigningKey(algorithm, bytes.fromhex(keys.seeds[use])).public
        for use, (_, algorithm) in KEY_FILES.items()
    }


def put_keys(home: Home, keys: Keys) -> None:
    """Put the keys into an installation, and what they signed last before them."""
    with refused_by_machine(home.keys):
        home.keys.mkdir(mode=0o700, exist_ok=True)
    write_whole(home.last_signed, encode_last_signed(keys.last_signed), 0o600)
    for use, (name, _) in KEY_FILES.items():
        write_whole(home.keys / name, f"{keys.seeds[use]}\n".encode(), 0o600)


def _is_seed(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")
