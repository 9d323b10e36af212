"""What has to be known of an archive before anything of it is entered into another ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from counterfoil.errors import Malformed
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import ENDING, Entry, decode_entry
from counterfoil.proof.trust import Trust
from counterfoil.registry.archive.format import open_archive
from counterfoil.registry.archive.parts import ArchiveHead, Chunk, Entries, Item
from counterfoil.registry.archive.reading import ArchiveScan

Progress = Callable[[int, int], None]


def verify_archive(
    path: Path, trust: Trust | None = None, progress: Progress = lambda done, total: None
) -> ArchiveHead:
    """Read an archive to its end; gives its head. Raises `Malformed` or `Unverified` where it does not hold.

    That every entry was written by the ledger's rules is not asked: a store made from it is audited for that.
    """
    head = read_head(path, trust)
    for _, item in scan_archive(path, trust):
        if isinstance(item, Entries):
            progress(item.numbers[-1] + 1, head.size)
    return head


def read_head(path: Path, trust: Trust | None = None) -> ArchiveHead:
    """An archive's head, held against the checkpoint inside it and nothing else."""
    with open_archive(path) as file:
        return ArchiveScan(file, trust).head


def scan_archive(path: Path, trust: Trust | None = None) -> Iterator[tuple[ArchiveScan, Item]]:
    """What an archive holds, with its head. Nothing of it may be used before the end: see `ArchiveScan`."""
    with open_archive(path) as file:
        scan = ArchiveScan(file, trust)
        for item in scan.items():
            yield scan, item


class Survey:
    """What has to be known of an archive before its first entry is entered."""

    def __init__(self, registers: Collection[str]):
        self._only = frozenset(registers)
        self.definitions: dict[str, Entry] = {}
        """The latest definition of each register."""
        self.documents: set[bytes] = set()
        self.controlled: dict[tuple[str, str], tuple[int, ...]] = {}
        """Of each record with a `control` the number of its latest entry; before one that ends it, the one before."""

    def see(self, entries: Entries) -> None:
        """Note what these entries say. Raises `Malformed` for one that stands elsewhere than it says."""
        for number, data in zip(entries.numbers, entries.data, strict=True):
            entry = decode_entry(data)
            if entry.number != number:
                raise Malformed(f"entry {number} in the archive says that it is entry {entry.number}")
            if entry.register == REGISTER and self._wants(entry.record) and entry.body is not None:
                self.definitions[entry.record] = entry
            if entry.register.startswith(".") or not self._wants(entry.register):
                continue
            if entry.document is not None:
                self.documents.add(unlabelled(entry.document))
            name = entry.register, entry.record
            if entry.control is not None or name in self.controlled:
                before = self.controlled.get(name, ())[:1] if entry.operation in ENDING else ()
                self.controlled[name] = (*before, number)

    def _wants(self, register: str) -> bool:
        return not self._only or register in self._only

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is one that is to be entered."""
        if entry.register.startswith(".") or entry.register not in self.definitions:
            return False
        only = self.controlled.get((entry.register, entry.record))
        return only is None or entry.number in only


def pieces(first: Chunk, items: Iterator[Item]) -> Iterator[bytes]:
    """The pieces of a document, from its first one on."""
    chunk: Item = first
    while isinstance(chunk, Chunk):
        yield chunk.data
        if chunk.last:
            return
        chunk = next(items)
