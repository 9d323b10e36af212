"""The leaf hashes of the log's last entries, which no tile holds yet, as other rows of the store tell them."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.index import HASH, PAIR
from counterfoil.proof.merkle import leaf_hash
from counterfoil.store.audit.logbook import NOT_AN_ENTRY, Logbook, decode
from counterfoil.store.audit.stored import Stored
from counterfoil.store.log import WIDTH
from counterfoil.store.pages import META_BYTES, decode_state


def told_otherwise(stored: Stored, book: Logbook) -> dict[int, bytes]:
    """The entries of the tail that have another hash than is told of them, by number, each with the hash that is told.

    The index's pages and the head tell that of each record's latest entry, the next version that of the one before it.
    All of these can be changed like the entries: what is told counts once the signed root confirms it.
    """
    start = book.bundles * WIDTH
    told = dict(_by_next_version(stored, book, start)) | dict(_by_index(stored, start))
    otherwise = {}
    for number, leaf in told.items():
        data = book.tail[number - start] if start <= number < book.size else None
        if data is not None and leaf_hash(data) != leaf:
            otherwise[number] = leaf
    return otherwise


def _by_index(stored: Stored, start: int) -> Iterator[tuple[int, bytes]]:
    for _, _, _, index_leaf, index_number, *_ in stored.rows("head"):
        if index_leaf is not None:
            yield index_number, index_leaf
    for *_, meta, pairs in stored.rows("page"):
        for at in range(min(len(meta) // META_BYTES, len(pairs) // PAIR)):
            pair = pairs[at * PAIR : (at + 1) * PAIR]
            state = decode_state(pair[HASH:], meta[at * META_BYTES : (at + 1) * META_BYTES])
            if state.number >= start:
                yield state.number, state.leaf


def _by_next_version(stored: Stored, book: Logbook, start: int) -> Iterator[tuple[int, bytes]]:
    for number, previous in stored.rows("prior", "WHERE number > ? AND previous >= ?", (start, start)):
        data = book.tail[number - start] if number < book.size else None
        try:
            named = None if data is None else decode(data).previous
            if named is not None:
                yield previous, unlabelled(named)
        except (*NOT_AN_ENTRY, Malformed):
            continue
