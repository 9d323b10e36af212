"""Writing an archive: the whole ledger, or some registers with proofs, ended by a checkpoint that everything hangs on.

It is streamed: what is in memory at a time is a bundle of entries, whatever the size of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO, Final

from counterfoil.errors import NotFound, Unavailable
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.merkle import inclusion_proof
from counterfoil.proof.note import parse_note
from counterfoil.proof.tiles import TILE_WIDTH, bundle_path, encode_bundle
from counterfoil.registry.archive import parts
from counterfoil.registry.archive.format import PartWriter
from counterfoil.registry.archive.parts import ArchiveHead
from counterfoil.store.store import Store
from counterfoil.store.waiting import decode_pending

Progress = Callable[[int, int], None]
MAX_LINES: Final = 1 << 18
"""How many bytes of transactions are gathered in one part, unless a single one has more."""


def write_archive(
    store: Store,
    trust: bytes,
    file: IO[bytes],
    registers: Sequence[str] = (),
    progress: Progress = lambda done, total: None,
) -> ArchiveHead:
    """Write the ledger as it stands, or only these registers, to an open file; `trust` is its trust policy.

    `store` must stand still meanwhile (a snapshot does). Raises `NotFound` for a register that is not there,
    `Unavailable` where there is no checkpoint to end at, `Damaged` where the store cannot be read.
    """
    for register in registers:
        if store.record(record_key(REGISTER, register)) is None:
            raise NotFound(f"there is no register {register!r}; counterfoil register lists those there are")
    if not store.note:
        raise Unavailable("the ledger has no checkpoint yet, so that nothing could be proved; begin it first")
    checkpoint = Checkpoint.parse(parse_note(store.note).text)
    head = ArchiveHead(
        parts.FORMAT, checkpoint.origin, checkpoint.size, labelled(checkpoint.root), tuple(sorted(registers))
    )
    writer = PartWriter(file)
    writer.put(parts.HEAD, head.encode())
    writer.put(parts.TRUST, trust)
    writer.put(parts.CHECKPOINT, store.note)
    if head.whole:
        documents = _write_whole(store, writer, progress)
    else:
        documents = _write_registers(store, writer, frozenset(registers), progress)
    for name in sorted(documents):
        _write_document(store, writer, name)
    writer.finish()
    return head


def _write_whole(store: Store, writer: PartWriter, progress: Progress) -> set[str]:
    size = store.head.size
    lines = _Lines(writer)
    documents: set[str] = set()
    for index in range(-(-size // TILE_WIDTH)):
        first = index * TILE_WIDTH
        progress(first, size)
        entries = store.log.bundle(index)
        documents.update(_documents(entries))
        writer.put(bundle_path(index, len(entries)), encode_bundle(entries))
        rows = store.database.query(
            "SELECT first, header, endorsements FROM taken WHERE first >= ? AND first < ? ORDER BY first",
            (first, first + TILE_WIDTH),
        )
        for row in rows:
            lines.put(parts.encode_taken(*row))
        lines.flush()
    progress(size, size)
    for pending in store.waiting():
        documents.update(each.document for each in pending.transaction.proposals if each.document)
    _write_pending(store, writer)
    for at, note in store.database.query("SELECT size, note FROM checkpoint ORDER BY size"):
        writer.put(f"{parts.PUBLISHED}{at:09}", note)
    return documents


def _write_pending(store: Store, writer: PartWriter) -> None:
    rows = store.database.query(
        "SELECT name, complete, header, proposals, endorsements FROM pending ORDER BY hash"
    )
    for number, row in enumerate(rows):
        proposals = decode_pending(row).transaction.proposal_bytes
        part = parts.encode_pending(bool(row[1]), row[2], proposals, row[4])
        writer.put(f"{parts.PENDING}{number:09}", part)


def _write_registers(
    store: Store, writer: PartWriter, registers: Collection[str], progress: Progress
) -> set[str]:
    """The entries of some registers, and of their definitions, each part with one proof for all its entries."""
    size, documents, number = store.head.size, set[str](), 0
    numbers: list[int] = []
    entries: list[bytes] = []
    markers = [b'"register":"%b"' % name.encode() for name in (REGISTER, *registers)]

    def flush() -> None:
        nonlocal number
        if entries:
            proof = inclusion_proof(numbers, size, store.reader(size).node)
            writer.put(f"{parts.PROVED}{number:09}", parts.encode_proved(entries, proof))
            number += 1
            numbers.clear()
            entries.clear()

    for at, data in enumerate(store.entries()):
        if not at % TILE_WIDTH:
            progress(at, size)
        # To read every entry of a large ledger for the few of a small register would take much longer.
        if any(marker in data for marker in markers):
            entry = decode_entry(data)
            of_one = entry.register in registers or (entry.register == REGISTER and entry.record in registers)
            if of_one:
                documents.update([entry.document] if entry.document else [])
                numbers.append(at)
                entries.append(data)
                if len(entries) == TILE_WIDTH:
                    flush()
    flush()
    progress(size, size)
    return documents


def _write_document(store: Store, writer: PartWriter, name: str) -> None:
    if store.document_size(name) is None:
        raise Unavailable(
            f"the document {name} is not stored here, and an entry names it; run counterfoil audit"
        )
    for number, data in enumerate(store.read_document(name)):
        writer.put(f"{parts.DOCUMENT}{name.partition(':')[2]}/{number:09}", data)


def _documents(entries: Sequence[bytes]) -> Iterator[str]:
    for data in entries:
        if b'"document":' in data:
            name = decode_entry(data).document
            if name:
                yield name


class _Lines:
    """Gathers lines into parts that are numbered through."""

    def __init__(self, writer: PartWriter):
        self._writer = writer
        self._waiting = bytearray()
        self._number = 0

    def put(self, line: bytes) -> None:
        if self._waiting and len(self._waiting) + len(line) > MAX_LINES:
            self.flush()
        self._waiting += line

    def flush(self) -> None:
        if self._waiting:
            self._writer.put(f"{parts.TRANSACTIONS}{self._number:09}", bytes(self._waiting))
            self._number += 1
            self._waiting.clear()
