"""What stands in an archive: its head, and what each part says. `docs/archive.md` describes it for others."""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Final, NamedTuple, TypeAlias, TypeVar

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import MAX_INTEGER, canonical, parse_canonical
from counterfoil.proof.note import encode_base64

FORMAT: Final = "archive/v1"
HEAD: Final = "archive.json"
TRUST: Final = "trust.json"
CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "tile/entries/"
TRANSACTIONS: Final = "transactions/"
PROVED: Final = "proved/"
PENDING: Final = "pending/"
PUBLISHED: Final = "checkpoints/"
DOCUMENT: Final = "document/"
MAX_SMALL: Final = 1 << 20
"""The most bytes of the head and of the checkpoint."""

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]


class ArchiveHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an archive says of itself: the ledger's origin, and the size and labelled root of the log that it ends at.

    `registers` are those that it holds; without them it holds the whole ledger.
    """

    format: str
    origin: Annotated[str, msgspec.Meta(max_length=255)]
    size: Number
    root: str
    registers: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)] = ()

    @property
    def whole(self) -> bool:
        """Whether it holds the whole ledger."""
        return not self.registers

    def encode(self) -> bytes:
        """Its canonical JSON."""
        return canonical(msgspec.to_builtins(self))


class Entries(NamedTuple):
    """Entries that stand in the log: the number of each and its canonical bytes."""

    numbers: tuple[int, ...]
    data: tuple[bytes, ...]


class TakenPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction in the log: the number of its first entry, its header, its endorsements, both canonical."""

    endorsements: msgspec.Raw
    first: Number
    header: msgspec.Raw


class PendingPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction that waits: for endorsements, or (`complete`) for its objection window to end."""

    complete: bool
    endorsements: msgspec.Raw
    header: msgspec.Raw
    proposals: tuple[msgspec.Raw, ...]


class PublishedPart(NamedTuple):
    """A checkpoint that was published at a size."""

    size: int
    note: bytes


class Chunk(NamedTuple):
    """A piece of the document with this 32-byte hash; `last` where it is the last one, and then all is checked."""

    document: bytes
    number: int
    data: bytes
    last: bool


Item: TypeAlias = Entries | TakenPart | PendingPart | PublishedPart | Chunk


class _Proved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entries: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=256)]
    inclusion: Annotated[tuple[str, ...], msgspec.Meta(max_length=1 << 16)]


Form = TypeVar("Form", ArchiveHead, _Proved)


def encode_proved(entries: list[bytes], inclusion: list[bytes]) -> bytes:
    """Entries with the one RFC 9162 proof (`merkle.inclusion_proof`) that all of them stand in the log."""
    texts = [data.decode() for data in entries]
    return canonical({"entries": texts, "inclusion": [encode_base64(each) for each in inclusion]})


def decode_proved(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Entries and proof. Raises `Malformed`."""
    proved = _convert(data, _Proved, "a part with entries")
    try:
        hashes = [b64decode(each, validate=True) for each in proved.inclusion]
    except ValueError:
        raise Malformed("a proof in the archive is not written in base64") from None
    return [text.encode() for text in proved.entries], hashes


def encode_taken(first: int, header: bytes, endorsements: bytes) -> bytes:
    """A line of the part that holds transactions."""
    return b'{"endorsements":%b,"first":%d,"header":%b}\n' % (endorsements, first, header)


def decode_taken(data: bytes) -> list[TakenPart]:
    """The transactions of a part. Raises `Malformed`."""
    try:
        lines = data.split(b"\n")
        if lines.pop():
            raise Malformed("a part with transactions does not end with its line")
        return [msgspec.json.decode(line, type=TakenPart) for line in lines]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"a transaction in the archive cannot be read: {error}") from None


def encode_pending(complete: bool, header: bytes, proposals: list[bytes], endorsements: bytes) -> bytes:
    """The part of a waiting transaction."""
    return b'{"complete":%b,"endorsements":%b,"header":%b,"proposals":[%b]}' % (
        b"true" if complete else b"false",
        endorsements,
        header,
        b",".join(proposals),
    )


def decode_pending(data: bytes) -> PendingPart:
    """A waiting transaction. Raises `Malformed`."""
    try:
        return msgspec.json.decode(data, type=PendingPart)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"a waiting transaction in the archive cannot be read: {error}") from None


def decode_head(data: bytes) -> ArchiveHead:
    """The head. Raises `Malformed`, also for one of another format."""
    head = _convert(data, ArchiveHead, "the archive's head")
    if head.format != FORMAT:
        raise Malformed(f"the archive is of format {head.format[:40]!r}; this program reads {FORMAT}")
    return head


def number_of(text: str, where: str) -> int:
    """A number as part names have it: decimal, padded to nine digits. Raises `Malformed`."""
    if text.isascii() and text.isdigit() and f"{int(text[:20]):09}" == text:
        return int(text)
    raise Malformed(f"{where[:80]!r} is no part of an archive")


def _convert(data: bytes, kind: type[Form], where: str) -> Form:
    try:
        return msgspec.convert(parse_canonical(data, where), kind)
    except msgspec.ValidationError as error:
        raise Malformed(f"{where} is not in form: {error}") from None
