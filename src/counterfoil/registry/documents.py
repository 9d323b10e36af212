"""Reading stored documents so that nothing of a damaged one is given away."""

from __future__ import annotations

from counterfoil.errors import Damaged, NotFound
from counterfoil.proof.canonical import unlabelled
from counterfoil.store.store import Store


def check_document(store: Store, name: str) -> int:
    """Read a document to its end, and give its size.

    Raises `NotFound` where it is not stored, `Damaged` where it is another than was stored, `Malformed` for no hash.
    """
    return sum(len(part) for part in store.read_document(name))


def document_exists(store: Store, name: str) -> int:
    """A document's size, as it is stated. Raises `NotFound`, or `Malformed` for what is no hash."""
    size = store.document_size(name)
    if size is None:
        raise NotFound(f"the document {name} is not stored here")
    return size


def read_piece(store: Store, name: str, number: int) -> bytes | None:
    """A document's piece, 256 KiB each but the last, from 0; None after it. Raises `Damaged` where one is missing."""
    size = document_exists(store, name)
    row = store.database.row(
        "SELECT bytes FROM chunk WHERE hash = ? AND number = ?", (unlabelled(name), number)
    )
    if row is not None:
        return bytes(row[0])
    if number << 18 < size:
        raise Damaged(f"a piece of the document {name} is missing; run counterfoil audit")
    return None
