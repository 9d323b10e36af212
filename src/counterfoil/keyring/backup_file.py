"""A keyring's backup as a file: a line that says what it is, then encrypted chunks of rows.

The first line is canonical JSON. `sealed` holds the file's key and the master key, encrypted to the recovery key
(libsodium's sealed box: X25519, XSalsa20-Poly1305); `tag` is the HMAC-SHA256 of the line's other members under a key
that only the keyring and the recovery key's holders have. Each chunk is its length (4 bytes, big endian) and
AES-256-GCM under the file's key: nonce the chunk's number from 0, additional data the SHA-256 of the first line. A
chunk's plaintext is MessagePack; the last one says that it is the last, so that a shortened file is known.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO, Final, Literal, TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from counterfoil.errors import Malformed, Unverified
from counterfoil.keyring.rows import Total
from counterfoil.keyring.shares import RecoveryKey, recovery_key
from counterfoil.keyring.wrapping import KEY_BYTES, NONCE_BYTES
from counterfoil.proof.canonical import canonical, parse_canonical

FORMAT: Final = "keyring-backup/v1"
MAX_LINE: Final = 4096
MAX_CHUNK: Final = 1 << 26
_LENGTH_BYTES: Final = 4


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a backup says of itself in the clear. Times are Unix times; bytes are in hexadecimal digits."""

    format: Literal["keyring-backup/v1"]
    epoch: int
    time: int
    keep_until: int
    recovery: str
    sealed: str
    tag: str = ""


class Beginning(msgspec.Struct, frozen=True, tag="beginning", array_like=True):
    """The keyring's totals: how many rows follow, and the generation of the master key that wraps them."""

    total: tuple[int, ...]


class Keys(msgspec.Struct, frozen=True, tag="key", array_like=True):
    """Rows of the table `key`."""

    rows: list[tuple[int, bytes]]


class Batches(msgspec.Struct, frozen=True, tag="batch", array_like=True):
    """Rows of the table `batch`."""

    rows: list[tuple[int, int, bytes, int | None, bytes]]


class Secrets(msgspec.Struct, frozen=True, tag="secret", array_like=True):
    """Rows of the table `secret`."""

    rows: list[tuple[str, bytes]]


class Erasures(msgspec.Struct, frozen=True, tag="destroyed", array_like=True):
    """Rows of the table `destroyed`."""

    rows: list[tuple[int, str, str, int, bytes]]


class Backups(msgspec.Struct, frozen=True, tag="backup", array_like=True):
    """Rows of the table `backup`."""

    rows: list[tuple[int, int, int, int, int | None, bytes]]


class End(msgspec.Struct, frozen=True, tag="end", array_like=True):
    """Nothing follows."""


Chunk: TypeAlias = Beginning | Keys | Batches | Secrets | Erasures | Backups | End

_CHUNKS: Final[msgspec.msgpack.Decoder[Chunk]] = msgspec.msgpack.Decoder(Chunk)


class Writer:
    """Writes a backup to an open file."""

    def __init__(self, file: BinaryIO, header: Header, recovery: RecoveryKey, master: bytes):
        key = os.urandom(KEY_BYTES)
        sealed = SealedBox(PublicKey(recovery.public)).encrypt(key + master).hex()
        header = msgspec.structs.replace(header, recovery=recovery.public.hex(), sealed=sealed, tag="")
        tagged = msgspec.structs.replace(header, tag=_tag(recovery.tag, header))
        line = canonical(msgspec.to_builtins(tagged))
        self._file = file
        self._cipher = AESGCM(key)
        self._about = sha256(line).digest()
        self._number = 0
        file.write(line + b"\n")

    def write(self, chunk: Chunk) -> None:
        """Append one chunk."""
        nonce = self._number.to_bytes(NONCE_BYTES, "big")
        sealed = self._cipher.encrypt(nonce, msgspec.msgpack.encode(chunk), self._about)
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._number += 1


class Reader:
    """Reads a backup with the private half of its recovery key.

    Raises `Malformed` for another file, `Unverified` where the recovery key is another one or the file was changed.
    """

    def __init__(self, file: BinaryIO, private: bytes):
        self.header, line = read_header(file)
        own = recovery_key(private)
        if not hmac.compare_digest(own.public.hex(), self.header.recovery):
            raise Unverified(
                "these shares are those of another recovery key; take the ones handed out before this backup"
            )
        untagged = msgspec.structs.replace(self.header, tag="")
        if not hmac.compare_digest(_tag(own.tag, untagged), self.header.tag):
            raise Unverified(_CHANGED)
        key, self.master = _unseal(private, self.header.sealed)
        self._cipher = AESGCM(key)
        self._about = sha256(line).digest()
        self._file = file

    def chunks(self) -> Iterator[Chunk]:
        """Every chunk, each checked, up to the last."""
        number = 0
        chunk: Chunk | None = None
        while not isinstance(chunk, End):
            chunk = self._read(number)
            number += 1
            yield chunk
        if self._file.read(1):
            raise Unverified(_CHANGED)

    def _read(self, number: int) -> Chunk:
        length = int.from_bytes(self._file.read(_LENGTH_BYTES), "big")
        if length > MAX_CHUNK:
            raise Unverified(_CHANGED)
        sealed = self._file.read(length)
        if len(sealed) != length:
            raise Unverified(_CHANGED)
        try:
            data = self._cipher.decrypt(number.to_bytes(NONCE_BYTES, "big"), sealed, self._about)
            chunk: Chunk = _CHUNKS.decode(data)
        except (InvalidTag, ValueError, msgspec.DecodeError):
            raise Unverified(_CHANGED) from None
        return chunk


_CHANGED: Final = "this backup is damaged or cut short; take another copy of it, or another backup"


def read_header(file: BinaryIO) -> tuple[Header, bytes]:
    """A backup's first line, and its bytes. Nothing vouches for it yet. Raises `Malformed`."""
    line = file.readline(MAX_LINE)
    if not line.endswith(b"\n"):
        raise Malformed("this file is not a keyring's backup")
    line = line[:-1]
    try:
        return msgspec.convert(parse_canonical(line, "the backup's first line"), Header), line
    except msgspec.ValidationError as error:
        raise Malformed(
            f"this file is not a keyring's backup of a kind that is known here: {error}"
        ) from None


def totals(chunk: Chunk) -> Total:
    """The totals with which a backup begins. Raises `Unverified` where it begins otherwise."""
    if not isinstance(chunk, Beginning) or len(chunk.total) != len(Total._fields):
        raise Unverified(_CHANGED)
    return Total(*chunk.total)


def _tag(key: bytes, header: Header) -> str:
    return hmac.digest(key, canonical(msgspec.to_builtins(header)), "sha256").hex()


def _unseal(private: bytes, sealed: str) -> tuple[bytes, bytes]:
    try:
        both = SealedBox(PrivateKey(private)).decrypt(bytes.fromhex(sealed))
    except (CryptoError, ValueError):
        raise Unverified(_CHANGED) from None
    if len(both) != 2 * KEY_BYTES:
        raise Unverified(_CHANGED)
    return both[:KEY_BYTES], both[KEY_BYTES:]
