"""C2SP checkpoints: signed statements of a log's size and root.

A log signs under its own origin as key name: a line of type 0x01 by an Ed25519 key, one of type 0x06 by an
ML-DSA-44 key. Several agencies may keep one log and sign under its origin, each with keys of its own.
Witnesses cosign under names of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.proof.note import (
    ED25519_NOTE,
    ML_DSA_44_COSIGNATURE,
    Note,
    NoteSignature,
    TreeHead,
    VerifierKey,
    encode_base64,
    parse_note,
    parse_tree_head,
    sign_note,
    verify_signature,
)
from counterfoil.proof.signing import ED25519, ML_DSA_44, PublicKey, SigningKey

LOG_TYPES: Final[Mapping[str, int]] = MappingProxyType(
    {ED25519.name: ED25519_NOTE, ML_DSA_44.name: ML_DSA_44_COSIGNATURE}
)
"""The signature type of a log's own line, by the algorithm of its key."""


@dataclass(frozen=True)
class Checkpoint:
    """A log's origin, its size in entries, and the 32-byte RFC 9162 root at that size.

    Raises `Malformed` where they have no text that says so.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if parse_tree_head(self.text) != TreeHead(self.origin, self.size, self.root):
            raise Malformed(f"{self.origin[:80]!r} cannot be a log's origin; it is one line of text")

    @cached_property
    def text(self) -> str:
        """The text of a note that states this (tlog-checkpoint, Note text), without extension lines."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note (tlog-checkpoint, Note text). Extension lines are passed over.

        Raises `Malformed`.
        """
        head = parse_tree_head(text)
        return cls(head.origin, head.size, head.root)


@dataclass(frozen=True)
class VerifiedLine:
    """A signature line that holds: its key, and in a cosignature its time in seconds since 1970."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as it was read: its note, what verified of it, and the lines of keys nobody named."""

    checkpoint: Checkpoint
    note: Note
    lines: tuple[VerifiedLine, ...]
    ignored: tuple[NoteSignature, ...]


def log_key(origin: str, public: PublicKey) -> VerifierKey:
    """What verifies a log's own lines by this key. Raises `Malformed` where the origin cannot name a key."""
    return VerifierKey(origin, LOG_TYPES[public.algorithm], public)


def sign_checkpoint(
    checkpoint: Checkpoint, key: SigningKey, name: str, kind: int, time: int
) -> NoteSignature:
    """Sign a checkpoint, in a line of signature type `kind` under the key name `name`.

    `time`: seconds since 1970, stated by the cosignature types. Raises `Malformed` where name, type and key
    do not fit each other.
    """
    return sign_note(checkpoint.text, key, name, kind, time)


def sign_as_log(checkpoint: Checkpoint, keys: Iterable[SigningKey], time: int) -> bytes:
    """The note of a checkpoint with a line by each of the log's own keys, in order. Raises `Malformed`."""
    origin = checkpoint.origin
    lines = (sign_checkpoint(checkpoint, key, origin, LOG_TYPES[key.algorithm], time) for key in keys)
    return Note(checkpoint.text, tuple(lines)).encode()


def open_checkpoint(data: bytes, keys: Collection[VerifierKey]) -> SignedCheckpoint:
    """Read a signed checkpoint and verify every line whose name and key id are those of one of `keys`.

    A line of another key is ignored; where all are, nothing is verified, and the caller decides. One bad line
    of a known key makes the whole note invalid (signed-note, Signatures): raises `Unverified`, and names the
    key. Raises `Malformed` where the bytes are no checkpoint, or where two of `keys` share name and id.
    """
    known = {(key.name, key.key_id): key for key in keys}
    if len(known) < len(set(keys)):
        raise Malformed(
            "two of the keys given share name and key id, so lines cannot be told apart; replace one"
        )
    note = parse_note(data)
    checkpoint = Checkpoint.parse(note.text)
    lines, ignored = [], []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            ignored.append(signature)
        else:
            lines.append(VerifiedLine(key, verify_signature(note, signature, key)))
    return SignedCheckpoint(checkpoint, note, tuple(lines), tuple(ignored))
