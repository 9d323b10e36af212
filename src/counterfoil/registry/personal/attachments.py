"""Documents attached to an entry (a scan, a medical certificate): encrypted apart, erased with the item.

An attachment has a key and a salt of its own, which stand in the item's circumstances with its hash; only ciphertext
is a document of the store, so that nothing of it can be read, and no guess at its content checked, once the item's key
is gone. The ciphertext is a STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, CRYPTO 2015, section 7) of AES-256-GCM: each chunk's nonce counts and says whether it is
the last, so that none can be left out, moved or added. A sealed chunk is 256 KiB, tag included, as is a piece of the
store. The content is never interpreted.
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Damaged, Malformed
from counterfoil.proof.canonical import Json, canonical, labelled

MAX_SIZE: Final = 50_000_000
"""Bytes of an attachment in plain."""
SEALED: Final = 1 << 18
"""Bytes of a sealed chunk; the last may be shorter."""
TAG: Final = 16
CHUNK: Final = SEALED - TAG
"""Bytes in plain of a chunk."""
MEDIA_TYPES: Final = frozenset(
    {
        "application/pdf",
        "application/vnd.etsi.asic-e+zip",
        "application/xml",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "text/plain",
    }
)
"""What may be attached: paper that was scanned, and documents signed electronically (ETSI EN 319 162-1)."""
_KIND: Final = re.compile(r"[a-z][a-z0-9-]{0,98}", re.ASCII)
_Hash = Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$", max_length=71)]


class Attachment(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"media_type": "media-type"}
):
    """What is attached, and what opens it: `size` in bytes, `hash` of salt and content, `document` of the ciphertext.

    Whoever holds it can read the attachment: it stands in items and nowhere else.
    """

    kind: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,98}$", max_length=99)]
    media_type: str
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_SIZE)]
    hash: _Hash
    salt: Annotated[str, msgspec.Meta(min_length=22, max_length=22)]
    key: Annotated[str, msgspec.Meta(min_length=43, max_length=43)]
    document: _Hash

    def __repr__(self) -> str:
        # Key and salt must not come into a log by way of a traceback.
        return f"Attachment(kind={self.kind!r}, media_type={self.media_type!r}, size={self.size})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("kind", self.kind), ("media_type", self.media_type), ("size", self.size)]


def seal_attachment(
    parts: Iterable[bytes], put: Callable[[Iterable[bytes]], str], media_type: str, kind: str
) -> Attachment:
    """Encrypt a document given in parts, and hand the ciphertext, a chunk at a time, to `put`, which gives its hash.

    Raises `Malformed` for a media type that is not listed, a kind that is no name, and a document that is empty or
    larger than 50 MB; `put` must then keep nothing.
    """
    if media_type not in MEDIA_TYPES:
        raise Malformed(f"documents of type {media_type!r:.80} cannot be attached; use {_listed()}")
    if not _KIND.fullmatch(kind):
        raise Malformed(
            f"{kind!r:.80} is no kind of document; use a-z, 0-9 and hyphens, as the register names it"
        )
    sealing = _Sealing(kind, media_type)
    document = put(sealing.seal(parts))
    return Attachment(
        kind, media_type, sealing.size, sealing.hash(), _text(sealing.salt), _text(sealing.key), document
    )


def open_attachment(attachment: Attachment, read: Callable[[str], Iterator[bytes]]) -> Iterator[bytes]:
    """The content of an attachment, a chunk at a time, each authentic; `read` gives a document's bytes in parts.

    Raises `Damaged` where a chunk is not what was sealed in its place, and before the last one where the whole is not
    what the attachment says. Until the last chunk has come, more may be missing.
    """
    key = AESGCM(_bytes(attachment.key, 32))
    hasher = sha256(_bytes(attachment.salt, 16))
    context = _context(attachment.kind, attachment.media_type)
    size = 0
    for number, (sealed, last) in enumerate(_chunks(_limited(read(attachment.document)), SEALED)):
        try:
            chunk = key.decrypt(_nonce(number, last), sealed, context)
        except InvalidTag:
            raise _damaged(attachment) from None
        hasher.update(chunk)
        size += len(chunk)
        if last and not (
            size == attachment.size and hmac.compare_digest(labelled(hasher.digest()), attachment.hash)
        ):
            raise _damaged(attachment)
        yield chunk
    if not size:
        raise _damaged(attachment)


def parse_attachment(value: Json) -> Attachment:
    """Read an attachment out of an item's circumstances. Raises `Malformed`, which repeats nothing of it."""
    try:
        attachment = msgspec.convert(value, Attachment)
    except msgspec.ValidationError:
        attachment = None
    if attachment is None or attachment.media_type not in MEDIA_TYPES:
        raise Malformed("an attachment is not in form; attach the document again")
    _bytes(attachment.key, 32)
    _bytes(attachment.salt, 16)
    return attachment


class _Sealing:
    """One document on its way into the store."""

    def __init__(self, kind: str, media_type: str):
        self.key = os.urandom(32)
        self.salt = os.urandom(16)
        self.size = 0
        self._context = _context(kind, media_type)
        self._hasher = sha256(self.salt)

    def seal(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        key = AESGCM(self.key)
        for number, (chunk, last) in enumerate(_chunks(self._counted(parts), CHUNK)):
            yield key.encrypt(_nonce(number, last), chunk, self._context)
        if not self.size:
            raise Malformed("the document is empty; attach one with content")

    def hash(self) -> str:
        return labelled(self._hasher.digest())

    def _counted(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        for part in parts:
            self.size += len(part)
            if self.size > MAX_SIZE:
                raise Malformed("the document is larger than 50 MB; split it, or scan it with fewer dots")
            self._hasher.update(part)
            yield part


def _chunks(parts: Iterable[bytes], length: int) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in chunks of `length`, each with whether it is the last, which is never empty."""
    waiting = bytearray()
    for part in parts:
        rest = memoryview(part)
        while (
            len(waiting) + len(rest) > length
        ):  # a full one waits: whether it is the last shows with what follows
            taken = length - len(waiting)
            waiting += rest[:taken]
            rest = rest[taken:]
            yield bytes(waiting), False
            waiting.clear()
        waiting += rest
    if waiting:
        yield bytes(waiting), True


def _limited(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What is read, no further than a sealed attachment can be."""
    left = MAX_SIZE + (MAX_SIZE // CHUNK + 1) * TAG
    for part in parts:
        left -= len(part)
        if left < 0:
            raise Damaged("an attachment is longer than any can be; run counterfoil audit")
        yield part


def _nonce(number: int, last: bool) -> bytes:
    """12 bytes: 7 of zero, since a key seals one document; the chunk's number in 4; 1 on the last one."""
    return bytes(7) + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def _context(kind: str, media_type: str) -> bytes:
    return canonical(["attachment/v1", kind, media_type])


def _damaged(attachment: Attachment) -> Damaged:
    return Damaged(
        f"the attachment stored as {attachment.document} is not what was sealed; run counterfoil audit, and bring it "
        "back from a backup"
    )


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str, length: int) -> bytes:
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = b""
    if len(data) != length or _text(data) != text:
        raise Malformed("an attachment's key or salt is not in form; bring the item back from a backup")
    return data


def _listed() -> str:
    return ", ".join(sorted(MEDIA_TYPES))
