"""The stored documents: the bytes of each must be those that its name says, and each that an entry names be there."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.stored import Stored, shown
from counterfoil.store.documents import CHUNK


def check_documents(stored: Stored, logbook: Logbook, named: Mapping[bytes, int], findings: Findings) -> None:
    """Hash every document. `named` has the number of the first entry that names each, by its hash."""
    if not stored.broken.isdisjoint({"document", "chunk"}):
        findings.leave("the documents, because their tables cannot be read")
        return
    sizes = {row[0]: row[1] for row in stored.rows("document")}
    hashed = _Hashed(stored)
    for name in sorted(sizes.keys() | hashed.sizes.keys() | named.keys()):
        what = _fault(name, sizes, hashed, named=name in named)
        if what and not (stored.is_named("document", name) or stored.is_named("chunk", name)):
            number = named.get(name)
            entry = None if number is None else logbook.describe(number)
            findings.add(what, f"document {shown(name)}", entry, number=number)
    unnamed = len(sizes.keys() - named.keys())
    if unnamed:
        findings.leave(f"why documents are stored that no entry names ({unnamed})")


class _Hashed:
    """The chunks read through once: each document's size and hash, and which do not follow each other as written."""

    def __init__(self, stored: Stored):
        self.sizes: dict[bytes, int] = {}
        self.right: set[bytes] = set()
        self.broken: set[bytes] = set()
        hasher, before = sha256(), 0
        for name, number, part in stored.rows("chunk"):
            if name not in self.sizes:
                hasher, before = sha256(), CHUNK
                self.sizes[name] = 0
                expected = 0
            # Every chunk but the last is full, and only that of an empty document is empty.
            if number != expected or before != CHUNK or len(part) > CHUNK or (number and not part):
                self.broken.add(name)
            hasher.update(part)
            self.sizes[name] += len(part)
            expected, before = number + 1, len(part)
            (self.right.add if hasher.digest() == name else self.right.discard)(name)


def _fault(name: bytes, sizes: Mapping[bytes, int], hashed: _Hashed, *, named: bool) -> str | None:
    if name not in sizes:
        return "an entry names it, and it is not stored" if named else "a chunk belongs to no document"
    if name not in hashed.sizes:
        return "its bytes are missing"
    if name not in hashed.right:
        return "its bytes are not those that its name says"
    if name in hashed.broken:
        return "its chunks are not as they were written"
    if sizes[name] != hashed.sizes[name]:
        return f"its size is {hashed.sizes[name]} bytes, and not the {sizes[name]} stored"
    return None
