"""Documents of any size, in chunks, named by the SHA-256 of their bytes; entries name them by `document`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from counterfoil.errors import Damaged, NotFound
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.store.database import Database

CHUNK: Final = 1 << 18


def put_document(database: Database, parts: Iterable[bytes]) -> str:
    """Store a document given in parts, for good before this returns, and give its labelled hash."""
    hasher, size, number, waiting = sha256(), 0, 0, bytearray()
    staging = b""
    with database.transaction():
        for part in parts:
            hasher.update(part)
            size += len(part)
            waiting += part
            while len(waiting) >= CHUNK:
                _put_chunk(database, staging, number, bytes(waiting[:CHUNK]))
                del waiting[:CHUNK]
                number += 1
        if waiting or not number:
            _put_chunk(database, staging, number, bytes(waiting))
        name = hasher.digest()
        if database.row("SELECT 1 FROM document WHERE hash = ?", (name,)):
            database.execute("DELETE FROM chunk WHERE hash = ?", (staging,))
        else:
            database.execute("UPDATE chunk SET hash = ? WHERE hash = ?", (name, staging))
            database.execute("INSERT INTO document (hash, size) VALUES (?, ?)", (name, size))
    return labelled(name)


def document_size(database: Database, name: str) -> int | None:
    """How many bytes a stored document has; None where it is not here."""
    row = database.row("SELECT size FROM document WHERE hash = ?", (unlabelled(name),))
    return int(row[0]) if row else None


def read_document(database: Database, name: str) -> Iterator[bytes]:
    """The document's bytes, a chunk at a time. Raises `NotFound`, and `Damaged` at the end where its hash differs."""
    if document_size(database, name) is None:
        raise NotFound(f"the document {name} is not stored here")
    hasher = sha256()
    for (part,) in database.query(
        "SELECT bytes FROM chunk WHERE hash = ? ORDER BY number", (unlabelled(name),)
    ):
        hasher.update(part)
        yield part
    if labelled(hasher.digest()) != name:
        raise Damaged(f"the document {name} is not what was stored; run counterfoil audit")


def _put_chunk(database: Database, name: bytes, number: int, part: bytes) -> None:
    database.execute("INSERT INTO chunk (hash, number, bytes) VALUES (?, ?, ?)", (name, number, part))
