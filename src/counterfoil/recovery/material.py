"""What can be read of a store that may be damaged: its rows one by one, as far as each holds by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path

from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.proof.canonical import digest, unlabelled
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.signing import ED25519, ML_DSA_44
from counterfoil.proof.tiles import decode_bundle, split_hashes
from counterfoil.proof.transaction import decode_endorsements, decode_header
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.audit.structure import check_tables
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Value
from counterfoil.store.log import WIDTH
from counterfoil.store.sqlite import Sqlite


class Material:
    """A store's rows. One that cannot be opened, or is not there, has none."""

    def __init__(self, path: Path):
        self._database: Sqlite | None = None
        self._stored: Stored | None = None
        findings = Findings()
        try:
            if path.is_file():
                self._database = Sqlite(path, read_only=True, untouched=True)
                structure = check_tables(self._database, findings, path.name)
                if structure is not None:
                    self._stored = Stored(self._database, findings, structure.missing, structure.version)
        except CounterfoilError:
            self.close()
        self._book = Logbook(self._stored) if self._stored else None

    @property
    def holds_items(self) -> bool:
        """Whether the store is there, and of a version that has tables for items."""
        return self._stored is not None and self._stored.holds_items

    def close(self) -> None:
        """Let go of the store."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def rows(self, table: str, condition: str = "", values: Collection[Value] = ()) -> Iterator[Row]:
        """The well-typed rows of a table, as many as can be read."""
        return self._stored.rows(table, condition, tuple(values)) if self._stored else iter(())

    def row(self, table: str, key: Value) -> Row | None:
        """The row of a table with this key."""
        return self._stored.row(table, key) if self._stored else None

    def bundle(self, number: int) -> list[bytes]:
        """The entries of a full bundle; none where they cannot be read."""
        if self._book is None:
            return []
        return self._book.expand(self.row("bundle", number))[0]

    def tile(self, number: int) -> list[bytes] | None:
        """The leaf hashes of a full bundle, as its tile has them."""
        row = self.row("tile", number)
        try:
            return split_hashes(row[1], WIDTH) if row is not None else None
        except Malformed:
            return None

    def tail(self, start: int) -> list[bytes]:
        """The entries from `start` on that follow each other in the tail, or in a bundle that begins there."""
        tail: list[bytes] = []
        for first, stored in self.rows("tail", "WHERE first >= ?", (start,)):
            if first != start + len(tail):
                break
            try:
                tail += decode_bundle(stored, _count(stored))
            except Malformed:
                break
        return tail or self.bundle(start // WIDTH)

    def taken(self, *, strict: bool) -> Iterator[tuple[int, bytes, bytes]]:
        """First entry, header and endorsements of each transaction that can be read; `strict`: whose sums fit too."""
        for first, _, hash_, _, header, endorsements, sum_ in self.rows("taken"):
            try:
                decode_header(header)
                decode_endorsements(endorsements)
            except CounterfoilError:
                continue
            fits = unlabelled(digest(header)) == hash_ and sum_ == checksum(first, endorsements)
            if fits or not strict:
                yield first, header, endorsements

    def checkpoints(self, keys: Collection[VerifierKey]) -> Iterator[tuple[Checkpoint, bytes]]:
        """The published checkpoints that hold by these keys, each at its own size."""
        for size, note in self.rows("checkpoint"):
            stated = held(note, keys, ML_DSA_44.name)
            if stated is not None and stated.size == size:
                yield stated, note

    def latest(self, keys: Collection[VerifierKey]) -> tuple[Checkpoint, bytes] | None:
        """The checkpoint that the log ends with, if it holds by these keys."""
        row = self.row("head", 0)
        stated = held(row[9], keys, ED25519.name) if row is not None else None
        return (stated, row[9]) if row is not None and stated is not None else None

    def documents(self) -> Iterator[bytes]:
        """The hash of each document whose bytes are all here, and are those that it names."""
        hasher, name, expected = sha256(), b"", 0
        for document, number, part in self.rows("chunk"):
            if document != name:
                if name and hasher.digest() == name:
                    yield name
                hasher, name, expected = sha256(), document, 0
            if number == expected:
                hasher.update(part)
                expected += 1
        if name and hasher.digest() == name:
            yield name

    def document(self, name: bytes) -> Iterator[bytes]:
        """A document's bytes, a chunk at a time."""
        return (part for _, _, part in self.rows("chunk", "WHERE hash = ?", (name,)))


def held(note: bytes, keys: Collection[VerifierKey], algorithm: str) -> Checkpoint | None:
    """What a note states, if one of these keys has signed it in Ed25519 and in `algorithm`; None else."""
    try:
        opened = open_checkpoint(note, keys)
    except CounterfoilError:
        return None
    signed = {line.key.public.algorithm for line in opened.lines}
    return opened.checkpoint if {ED25519.name, algorithm} <= signed else None


def _count(bundle: bytes) -> int:
    count = at = 0
    while at < len(bundle):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
        count += 1
    return count
