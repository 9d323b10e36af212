"""A witness's name and its two secret keys, in files that their owner alone can read.

name              the key name under which it cosigns; one pair of keys serves one name for ever
keys/             a file each for Ed25519 and ML-DSA-44: the 32-byte seed as one line of hexadecimal digits
verifier-keys     what others know it by, one a line: a seed that was changed or put in its place is found by it
state.db          what it has cosigned (see witness_state.py)
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from counterfoil.errors import Damaged, Malformed, Unavailable
from counterfoil.home import refused_by_machine, write_whole
from counterfoil.proof.note import ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE, VerifierKey
from counterfoil.proof.signing import ED25519, ML_DSA_44, SigningKey

ALGORITHMS: Final = (ED25519.name, ML_DSA_44.name)
COSIGNATURE_TYPES: Final[Mapping[str, int]] = MappingProxyType(
    {ED25519.name: ED25519_COSIGNATURE, ML_DSA_44.name: ML_DSA_44_COSIGNATURE}
)
"""The signature type of a witness's line, by the algorithm of its key (tlog-cosignature)."""


class WitnessKeys(NamedTuple):
    """A witness's key name, and its secret keys."""

    name: str
    keys: tuple[SigningKey, ...]

    @property
    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """The public halves, as trust policies list them."""
        return tuple(cosigner_key(self.name, key) for key in self.keys)


def cosigner_key(name: str, key: SigningKey) -> VerifierKey:
    """What verifies a witness's lines by this key. Raises `Malformed` where the name cannot name a key."""
    return VerifierKey(name, COSIGNATURE_TYPES[key.algorithm], key.public)


def create_keys(folder: Path, name: str) -> WitnessKeys:
    """Make the files of a new witness. What an interrupted call has left is gone on with."""
    made = WitnessKeys(name, tuple(map(SigningKey.generate, ALGORITHMS)))
    if not made.verifier_keys[0].name.isprintable():
        raise Malformed(f"{name[:80]!r} cannot be read on a screen; a witness's name must be")
    with refused_by_machine(folder):
        (folder / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
    for key in made.keys:
        write_whole(_key_file(folder, key.algorithm), f"{key.seed.hex()}\n".encode(), 0o600)
    write_whole(folder / "verifier-keys", _lines(made).encode(), 0o600)
    # The name comes last: where it stands, the keys are whole.
    write_whole(folder / "name", f"{name}\n".encode(), 0o600)
    return made


def is_created(folder: Path) -> bool:
    """Whether the files of a witness are there."""
    with refused_by_machine(folder):
        return (folder / "name").exists()


def read_keys(folder: Path, name: str) -> WitnessKeys:
    """The keys in a folder.

    Raises `Malformed` where they are another name's, `Damaged` where they are not those that were made, `Unavailable`
    where they cannot be read, or others may read them.
    """
    kept = _read(folder / "name", 1 << 10).removesuffix("\n")
    if kept != name:
        raise Malformed(
            f"the witness in {folder} is called {kept[:80]!r}, and its keys serve no other name; "
            f"call it so, or take a new folder for {name[:80]!r}"
        )
    keys = WitnessKeys(name, tuple(_read_key(folder, algorithm) for algorithm in ALGORITHMS))
    if _read(folder / "verifier-keys", 1 << 14) != _lines(keys):
        raise Damaged(
            f"the key files in {folder / 'keys'} are not those of which {folder / 'verifier-keys'} has the verifier "
            "keys; restore what was changed from where you keep a copy of your keys"
        )
    return keys


def _lines(keys: WitnessKeys) -> str:
    return "".join(f"{key.text}\n" for key in keys.verifier_keys)


def _read_key(folder: Path, algorithm: str) -> SigningKey:
    path = _key_file(folder, algorithm)
    with refused_by_machine(path):
        mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Unavailable(
            f"others than its owner may get at the key file {path} (mode {mode:o}), and whoever has read it can "
            f"cosign as this witness; if nobody has: chmod go= {path}"
        )
    text = _read(path, 66)
    if len(text) != 65 or text.strip("0123456789abcdef") != "\n":
        raise Damaged(f"the key file {path} is damaged; restore it from where you keep a copy of your keys")
    return SigningKey(algorithm, bytes.fromhex(text))


def _read(path: Path, limit: int) -> str:
    try:
        with refused_by_machine(path), path.open("rb") as file:
            return file.read(limit).decode()
    except UnicodeDecodeError:
        raise Damaged(f"{path} is damaged; restore it from a copy") from None


def _key_file(folder: Path, algorithm: str) -> Path:
    return folder / "keys" / f"cosign.{algorithm}"
