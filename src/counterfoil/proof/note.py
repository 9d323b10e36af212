"""C2SP signed notes: their bytes, the keys that verify them, and the three types of signatures used.

A note is text and, after an empty line, signature lines. Each names its key by a name and a 4-byte key id.
Lines of the two cosignature types also say when they were signed, in whole seconds since 1970.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NamedTuple

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.merkle import HASH_BYTES, MAX_SIZE
from counterfoil.proof.signing import ED25519, ML_DSA_44, PublicKey, SigningKey

ED25519_NOTE: Final = 0x01
"""Ed25519 over the note's text (signed-note)."""
ED25519_COSIGNATURE: Final = 0x04
"""Ed25519 over a time and the note's text (tlog-cosignature)."""
ML_DSA_44_COSIGNATURE: Final = 0x06
"""ML-DSA-44 over what a checkpoint says and a time, not over the text (tlog-cosignature)."""
TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {0x01: ED25519.name, 0x04: ED25519.name, 0x06: ML_DSA_44.name}
)
"""The signature types used, and the algorithm of each."""

MAX_NOTE_BYTES: Final = 1 << 20
MAX_SIGNATURES: Final = 100
MAX_NAME_BYTES: Final = 255
MAX_TIME: Final = 2**63 - 1
KEY_ID_BYTES: Final = 4
TIME_BYTES: Final = 8
DASH: Final = "—"

# Unicode's White_Space is spelt out: what Python calls a space grows with its version.
_NOT_IN_NAME: Final = re.compile(
    "[\x00- +\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]"
)
_NOT_IN_TEXT: Final = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name, its 4-byte id, and the bytes that its type makes of a signature.

    Raises `Malformed` where the line would not be one (signed-note, Signatures).
    """

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise Malformed(
                f"the signature of {self.name[:80]!r} must be a 4-byte key id and at least one byte"
            )

    @property
    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"{DASH} {self.name} {encode_base64(self.key_id + self.signature)}\n"

    @property
    def label(self) -> str:
        """Name and key id, as a verifier key begins."""
        return f"{self.name}+{self.key_id.hex()}"


@dataclass(frozen=True)
class Note:
    """A signed note: its text, which ends with a newline, and 1 to 100 signatures (signed-note, Format).

    Raises `Malformed` where there is no such note.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise Malformed(
                f"a signed note has 1 to {MAX_SIGNATURES} signatures; this one has {len(self.signatures)}"
            )

    def encode(self) -> bytes:
        """The bytes of the note. Raises `Malformed` where they are more than is read again."""
        data = f"{self.text}\n{''.join(signature.line for signature in self.signatures)}".encode()
        _check_length(data)
        return data


def parse_note(data: bytes) -> Note:
    """Read a signed note (signed-note, Format). What is read encodes to the same bytes again.

    Nothing is verified here. Raises `Malformed`.
    """
    _check_length(data)
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the note is not UTF-8: {error.reason} at byte {error.start}") from None
    text, empty_line, lines = whole.rpartition("\n\n")
    if not empty_line or not lines.endswith("\n"):
        raise Malformed("the note must be text, an empty line and signature lines, each ended by a newline")
    if lines.count("\n") > MAX_SIGNATURES:
        raise Malformed(f"the note has more than {MAX_SIGNATURES} signature lines; keep those that matter")
    return Note(text + "\n", tuple(_parse_line(line) for line in lines[:-1].split("\n")))


@dataclass(frozen=True)
class VerifierKey:
    """What verifies a note's lines: the key's name (1 to 255 bytes), its signatures' type, the public key.

    Raises `Malformed` for a type that is not used or not of the key's algorithm, or for a wrong name.
    """

    name: str
    type: int
    public: PublicKey

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.name.encode()) > MAX_NAME_BYTES:
            raise Malformed(f"the key name {self.name[:80]!r} has over {MAX_NAME_BYTES} bytes; shorten it")
        if TYPES.get(self.type) != self.public.algorithm:
            raise Malformed(
                f"signature type 0x{self.type:02x} does not go with an {self.public.algorithm} key; "
                "ed25519 has the types 0x01 and 0x04, ml-dsa-44 has 0x06"
            )

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read what `text` writes. Raises `Malformed`, also where the key id is not that of the key."""
        name, _, rest = text.partition("+")
        _, plus, encoded = rest.partition("+")
        if not plus:
            raise Malformed(f"{text[:80]!r} is no verifier key; it must be name+key id+base64(type and key)")
        material = decode_base64(encoded, f"the key material of {name[:80]!r}")
        if not material or material[0] not in TYPES:
            raise Malformed(f"the verifier key {text[:80]!r} is of a signature type that is not used here")
        key = cls(name, material[0], PublicKey(TYPES[material[0]], material[1:]))
        if key.text != text:
            raise Malformed(
                f"the verifier key {text[:80]!r} has a wrong key id; that of this key is {key.key_id.hex()}"
            )
        return key

    @cached_property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name, newline, type, public key) (signed-note, Signature types)."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.type, self.public.raw)).digest()[:KEY_ID_BYTES]

    @cached_property
    def text(self) -> str:
        """The key as text: name, key id in hexadecimal, and type and raw key in base64, joined by `+`."""
        return f"{self.label}+{encode_base64(bytes([self.type]) + self.public.raw)}"

    @property
    def label(self) -> str:
        """Name and key id, as the text begins: how messages and reports name the key."""
        return f"{self.name}+{self.key_id.hex()}"


def sign_note(text: str, key: SigningKey, name: str, kind: int, time: int) -> NoteSignature:
    """Sign a note's text with the key that verifiers know by `name`, in a line of signature type `kind`.

    `time`: seconds since 1970, which a cosignature states and signs, and a plain signature leaves out. Raises
    `Malformed` where text, key, name, type and time do not fit each other.
    """
    _check_text(text)
    verifier = VerifierKey(name, kind, key.public)
    if not 0 <= time <= MAX_TIME:
        raise Malformed(f"a signature's time must be 0 to 2^63-1 seconds since 1970, not {time}")
    stamp = b"" if kind == ED25519_NOTE else time.to_bytes(TIME_BYTES, "big")
    return NoteSignature(name, verifier.key_id, stamp + key.sign(_signed_bytes(text, verifier, time)))


def verify_signature(note: Note, signature: NoteSignature, key: VerifierKey) -> int | None:
    """Check one signature of a note with the key that it names; gives a cosignature's time, else None.

    Raises `Unverified`, naming the key.
    """
    if signature.name != key.name or signature.key_id != key.key_id:
        raise Unverified(f"the signature line of {signature.label} is not one of the key {key.label}")
    raw, time = signature.signature, 0
    if key.type != ED25519_NOTE:
        raw, time = raw[TIME_BYTES:], int.from_bytes(raw[:TIME_BYTES], "big")
    if time > MAX_TIME:
        raise Unverified(
            f"the signature line of {key.label} states a time above 2^63-1, which no clock gives"
        )
    try:
        key.public.verify(raw, _signed_bytes(note.text, key, time))
    except (Malformed, Unverified) as error:
        raise Unverified(f"the signature line of {key.label} does not hold: {error}") from None
    return None if key.type == ED25519_NOTE else time


class TreeHead(NamedTuple):
    """What the text of a checkpoint says: origin, size, 32-byte root, and extension lines, if any."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def parse_tree_head(text: str) -> TreeHead:
    """Read the text of a checkpoint (tlog-checkpoint, Note text). Raises `Malformed`.

    It stands here because one signature type signs what the text says, not the text.
    """
    _check_text(text)
    origin, *lines = text[:-1].split("\n")
    if len(lines) < 2 or not origin or not all(lines):
        raise Malformed("a checkpoint is three or more lines, none empty: origin, size, root")
    size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise Malformed(f"a checkpoint's size is decimal without leading zeros, to 2^63, not {size[:40]!r}")
    raw = decode_base64(root, "the checkpoint's root")
    if len(raw) != HASH_BYTES:
        raise Malformed(f"the checkpoint's root must have {HASH_BYTES} bytes; it has {len(raw)}")
    return TreeHead(origin, int(size), raw, tuple(extensions))


def cosigned_message(cosigner: str, time: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    """What an ML-DSA-44 cosignature signs: the subtree [start, end) of a log (tlog-cosignature).

    A checkpoint is the subtree from 0 to its size. Raises `Malformed` where a name is not 1 to 255 bytes.
    """
    names = [cosigner.encode(), origin.encode()]
    if not all(1 <= len(name) <= MAX_NAME_BYTES for name in names):
        raise Malformed(f"cosigner and log origin must be 1 to {MAX_NAME_BYTES} bytes long for ML-DSA-44")
    first, second = (bytes([len(name)]) + name for name in names)
    numbers = [number.to_bytes(8, "big") for number in (time, start, end)]
    return b"subtree/v1\n\x00" + first + numbers[0] + second + numbers[1] + numbers[2] + root


def decode_base64(text: str, where: str) -> bytes:
    """Read base64 with padding in its one canonical form (RFC 4648 section 4). Raises `Malformed`."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError:
        data = b""
    if encode_base64(data) != text:
        raise Malformed(f"{where} must be padded base64 in its canonical form, not {text[:80]!r}")
    return data


def encode_base64(data: bytes) -> str:
    """Bytes as base64 with padding (RFC 4648 section 4)."""
    return b2a_base64(data, newline=False).decode()


def _signed_bytes(text: str, key: VerifierKey, time: int) -> bytes:
    if key.type == ED25519_NOTE:
        return text.encode()
    if key.type == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    head = parse_tree_head(text)
    if head.extensions:
        raise Malformed("ML-DSA-44 does not sign the extension lines that this checkpoint has: take them out")
    return cosigned_message(key.name, time, head.origin, 0, head.size, head.root)


def _parse_line(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH:
        raise Malformed(f"a signature line must be: {DASH} name base64, not {line[:80]!r}")
    data = decode_base64(parts[2], f"the signature of {parts[1][:80]!r}")
    return NoteSignature(parts[1], data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _check_name(name: str) -> None:
    if not name or _NOT_IN_NAME.search(name):
        raise Malformed(f"{name[:80]!r} is no key name; it must be text without spaces, controls and +")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise Malformed("a note's text must end with a newline")
    found = _NOT_IN_TEXT.search(text)
    if found:
        raise Malformed(f"a note's text may not hold the character {found[0]!r}; newline is the only control")


def _check_length(data: bytes) -> None:
    if len(data) > MAX_NOTE_BYTES:
        raise Malformed(f"the note has {len(data)} bytes; {MAX_NOTE_BYTES} are the most that a note may have")
