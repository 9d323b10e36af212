"""Who holds the key to the master key: a passphrase or a key file. (A security module: see pkcs11.py.)"""

from __future__ import annotations

import os
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from counterfoil.errors import Damaged, Malformed, NotFound, Unverified
from counterfoil.keyring.private_files import read_private, write_private
from counterfoil.keyring.wrapping import KEY_BYTES, NONCE_BYTES

SCRYPT_LOG_N: Final = 17
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
MAX_LOG_N: Final = 20
SALT_BYTES: Final = 16
LEAST_PASSPHRASE: Final = 8
_SCRYPT_HEAD: Final = struct.Struct(f">BBB{SALT_BYTES}s{NONCE_BYTES}s")
KEYS_IN_FILE: Final = 8
_KEY_LINES: Final = re.compile(rb"(?:[0-9a-f]{64}\n){1,%d}" % KEYS_IN_FILE)
_ABOUT: Final = b"master/v1"


class Protector(Protocol):
    """Wraps a keyring's master key. What `wrap` gives holds all that `unwrap` needs beside the secret itself."""

    @property
    def name(self) -> str:
        """The kind: `passphrase`, `file` or `pkcs11`."""
        ...

    def wrap(self, key: bytes) -> bytes:
        """The 32 bytes of a master key, wrapped."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The master key. Raises `Unverified` where this protector is not the one that wrapped it."""
        ...


class PassphraseProtector:
    """A passphrase by scrypt (RFC 7914), N = 2^17, r = 8, p = 1: 128 MiB and about half a second for each guess.

    Wrapped: log2 of N, r, p (a byte each), salt (16 bytes), nonce (12), AES-256-GCM ciphertext and tag (48).
    `cost` is log2 of N for what is wrapped anew. Raises `Malformed` for a passphrase under eight bytes.
    """

    name: Final = "passphrase"

    def __init__(self, passphrase: bytes, *, cost: int = SCRYPT_LOG_N):
        if len(passphrase) < LEAST_PASSPHRASE:
            raise Malformed(f"a passphrase has at least {LEAST_PASSPHRASE} bytes; take a longer one")
        self._passphrase = passphrase
        self._cost = cost

    def wrap(self, key: bytes) -> bytes:
        """See `Protector.wrap`."""
        salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
        head = _SCRYPT_HEAD.pack(self._cost, SCRYPT_R, SCRYPT_P, salt, nonce)
        return head + self._cipher(self._cost, salt).encrypt(nonce, key, head)

    def unwrap(self, wrapped: bytes) -> bytes:
        """See `Protector.unwrap`. Raises `Damaged` where the parameters are none that this program writes."""
        head = wrapped[: _SCRYPT_HEAD.size]
        if len(head) < _SCRYPT_HEAD.size:
            raise Damaged("the keyring's master row is too short; restore the keyring from a backup")
        cost, r, p, salt, nonce = _SCRYPT_HEAD.unpack(head)
        if not 1 <= cost <= MAX_LOG_N or (r, p) != (SCRYPT_R, SCRYPT_P):
            raise Damaged(
                "the keyring's master row names a cost that is never used; restore it from a backup"
            )
        try:
            return self._cipher(cost, salt).decrypt(nonce, wrapped[_SCRYPT_HEAD.size :], head)
        except InvalidTag:
            raise Unverified(
                "this passphrase does not open the keyring; give the one that it was protected with last"
            ) from None

    def _cipher(self, cost: int, salt: bytes) -> AESGCM:
        kdf = Scrypt(salt=salt, length=KEY_BYTES, n=1 << cost, r=SCRYPT_R, p=SCRYPT_P)
        return AESGCM(kdf.derive(self._passphrase))


class FileProtector:
    """A key file of mode 0600, made at first use: lines of 64 hexadecimal digits (32 bytes), the newest key first.

    Each `wrap` puts a new key into it, and keeps the ones before: where a rotation is interrupted, one of these still
    opens the keyring. Whoever copies the folder with its keys has the master key: the weakest of the three.
    """

    name: Final = "file"

    def __init__(self, path: Path):
        self._path = path

    def wrap(self, key: bytes) -> bytes:
        """See `Protector.wrap`. Makes the file where there is none."""
        try:
            before = self._read()
        except NotFound:
            before = []
        keys = [os.urandom(KEY_BYTES), *before][:KEYS_IN_FILE]
        write_private(self._path, "".join(f"{each.hex()}\n" for each in keys).encode())
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(keys[0]).encrypt(nonce, key, _ABOUT)

    def unwrap(self, wrapped: bytes) -> bytes:
        """See `Protector.unwrap`. Raises `NotFound` without the file, `Unavailable` where others may read it."""
        for each in self._read():
            with suppress(InvalidTag, ValueError):
                return AESGCM(each).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _ABOUT)
        raise Unverified(
            f"the key file {self._path} does not open the keyring; put back the one that it was protected with"
        )

    def _read(self) -> list[bytes]:
        text = read_private(self._path, "the keyring's key file")
        if not _KEY_LINES.fullmatch(text):
            raise Malformed(f"the keyring's key file {self._path} is damaged; put back a copy of it")
        return [bytes.fromhex(line.decode("ascii")) for line in text.split()]
