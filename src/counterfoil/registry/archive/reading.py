"""Reading an archive: every part is checked, by the time the last one was given, against the checkpoint inside.

Nothing of it may be used before `ArchiveScan.items` has come to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import IO, Final

from counterfoil.errors import Malformed, Unverified
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.merkle import CompactRange, leaf_hash, leaf_hashes, verify_inclusion
from counterfoil.proof.tiles import TILE_WIDTH, Bundle, decode_bundle, parse_path
from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust, judge
from counterfoil.registry.archive import parts
from counterfoil.registry.archive.format import Part, read_parts
from counterfoil.registry.archive.parts import ArchiveHead, Chunk, Entries, Item, PublishedPart
from counterfoil.store.documents import CHUNK
from counterfoil.store.log import MAX_BUNDLE_BYTES

ORDER: Final = (
    (parts.ENTRIES, parts.TRANSACTIONS, parts.PROVED),
    (parts.PENDING,),
    (parts.PUBLISHED,),
    (parts.DOCUMENT,),
)
"""The kinds of parts after the first three, in their order."""
WHOLE_ONLY: Final = (parts.ENTRIES, parts.TRANSACTIONS, parts.PENDING, parts.PUBLISHED)
REGISTERS_ONLY: Final = (parts.PROVED,)
"""Those that only an archive of the whole ledger has, or only one of some registers."""


class ArchiveScan:
    """An archive's head, read and judged; `items` reads on, once.

    `trust` says whose signatures count, where it is known from elsewhere; else the policy inside is taken, by which the
    archive is consistent and no more. Raises `Malformed`, or `Unverified` where the checkpoint does not hold.
    """

    def __init__(self, file: IO[bytes], trust: Trust | None = None):
        self._parts = read_parts(file)
        self.head: ArchiveHead = parts.decode_head(self._first(parts.HEAD, parts.MAX_SMALL))
        self.trust = self._first(parts.TRUST, MAX_TRUST_BYTES)
        self.note = self._first(parts.CHECKPOINT, parts.MAX_SMALL)
        self.policy = trust or Trust.parse(self.trust)
        judgement = judge(self.policy, self.note, None)
        if judgement.agreed < judgement.require:
            raise Unverified(
                f"the checkpoint in the archive has the signatures of {judgement.agreed} agencies that count, "
                f"and {judgement.require} are required"
            )
        stated = judgement.signed.checkpoint
        if (self.head.origin, self.head.size, self.head.root) != (
            stated.origin,
            stated.size,
            labelled(stated.root),
        ):
            raise Unverified("the archive's head says something else than the checkpoint inside it")
        self._root = stated.root
        self._range = CompactRange()
        self._last = -1
        self._counts: dict[str, int] = {}

    def items(self) -> Iterator[Item]:
        """What the archive holds. Raises `Malformed` or `Unverified`, at the latest where it ends."""
        rank = 0
        documents = _Documents()
        for part in self._parts:
            kind = _kind(part.name)
            now = next(at for at, kinds in enumerate(ORDER) if kind in kinds)
            if now < rank or kind in (WHOLE_ONLY if not self.head.whole else REGISTERS_ONLY):
                raise Malformed(f"the archive's part {part.name[:80]!r} stands where none of its kind may")
            rank = now
            if kind == parts.DOCUMENT:
                yield from documents.take(part)
            else:
                yield from self._read(kind, part)
        yield from documents.end()
        if self.head.whole and (self._range.size, self._range.root()) != (self.head.size, self._root):
            raise Unverified("the entries in the archive are not those that its checkpoint is over")

    def _read(self, kind: str, part: Part) -> Iterator[Item]:
        match kind:
            case parts.ENTRIES:
                yield self._bundle(part)
            case parts.PROVED:
                self._check_number(kind, part)
                yield self._proved(part.data)
            case parts.TRANSACTIONS:
                self._check_number(kind, part)
                yield from parts.decode_taken(part.data)
            case parts.PENDING:
                self._check_number(kind, part)
                yield parts.decode_pending(part.data)
            case _:
                size = parts.number_of(part.name.removeprefix(parts.PUBLISHED), part.name)
                yield PublishedPart(size, part.data)

    def _bundle(self, part: Part) -> Entries:
        first = self._range.size
        place = parse_path(part.name)
        width = min(TILE_WIDTH, self.head.size - first)
        if place != Bundle(first // TILE_WIDTH, width) or len(part.data) > MAX_BUNDLE_BYTES:
            raise Malformed(f"the archive's part {part.name[:80]!r} is not the log's next entries")
        entries = decode_bundle(part.data, width)
        hashes = leaf_hashes(entries)
        self._check_genesis(hashes)
        self._range.extend(hashes)
        return Entries(tuple(range(first, first + width)), tuple(entries))

    def _proved(self, data: bytes) -> Entries:
        entries, proof = parts.decode_proved(data)
        decoded = [decode_entry(each) for each in entries]
        numbers = tuple(each.number for each in decoded)
        if not all(low < high for low, high in zip((self._last, *numbers), numbers, strict=False)):
            raise Malformed("the entries in the archive are not in the order of their numbers")
        self._last = numbers[-1]
        leaves = {number: leaf_hash(each) for number, each in zip(numbers, entries, strict=True)}
        verify_inclusion(leaves, self.head.size, proof, self._root)
        for entry in decoded:
            named = entry.record if entry.register == REGISTER else entry.register
            if named not in self.head.registers:
                raise Malformed(f"entry {entry.number} in the archive is of no register that it names")
        return Entries(numbers, tuple(entries))

    def _check_genesis(self, hashes: Sequence[bytes]) -> None:
        """Compare how the log began with what the trust policy pins, once it has come that far."""
        size, begun = self.policy.genesis_size or 0, self._range.copy()
        if begun.size < size <= begun.size + len(hashes):
            begun.extend(hashes[: size - begun.size])
            if labelled(begun.root()) != self.policy.genesis_root:
                raise Unverified("the log in the archive did not begin as the trust policy says")

    def _check_number(self, kind: str, part: Part) -> None:
        count = self._counts.get(kind, 0)
        if parts.number_of(part.name.removeprefix(kind), part.name) != count:
            raise Malformed(f"the archive's part {part.name[:80]!r} is not the next of its kind")
        self._counts[kind] = count + 1

    def _first(self, name: str, most: int) -> bytes:
        part = next(self._parts, None)
        if part is None or part.name != name or len(part.data) > most:
            raise Malformed(
                "this is no archive; one begins with the parts archive.json, trust.json, checkpoint"
            )
        return part.data


class _Documents:
    """Gives a document's pieces one behind, so that the last is known as such once its hash was compared."""

    def __init__(self) -> None:
        self._waiting: tuple[bytes, int, bytes] | None = None
        self._hasher = sha256()

    def take(self, part: Part) -> Iterator[Chunk]:
        document, _, number = part.name.removeprefix(parts.DOCUMENT).partition("/")
        try:
            name = bytes.fromhex(document)
        except ValueError:
            name = b""
        if len(name) != 32 or name.hex() != document or len(part.data) > CHUNK:
            raise Malformed(f"{part.name[:80]!r} is no part of an archive")
        at = parts.number_of(number, part.name)
        if self._waiting is not None and self._waiting[0] == name:
            yield Chunk(*self._waiting, last=False)
            expected = self._waiting[1] + 1
        else:
            before = self._waiting[0] if self._waiting is not None else b""
            yield from self.end()
            if name <= before:
                raise Malformed("the documents in the archive are not in the order of their names")
            self._hasher, expected = sha256(), 0
        if at != expected:
            raise Malformed(f"the archive's part {part.name[:80]!r} is not the next piece of its document")
        self._hasher.update(part.data)
        self._waiting = name, at, part.data

    def end(self) -> Iterator[Chunk]:
        if self._waiting is not None:
            if self._hasher.digest() != self._waiting[0]:
                raise Unverified(
                    f"the document {self._waiting[0].hex()} in the archive is not what its name says"
                )
            yield Chunk(*self._waiting, last=True)
            self._waiting = None


def _kind(name: str) -> str:
    for kinds in ORDER:
        for kind in kinds:
            if name.startswith(kind):
                return kind
    raise Malformed(f"{name[:80]!r} is no part of an archive")
