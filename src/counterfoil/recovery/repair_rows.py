"""The rows beside the log that nothing else tells, from two stores: each as it holds, ours first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from counterfoil.errors import CounterfoilError
from counterfoil.ledger.system import INDEX, TRANSACTION
from counterfoil.proof.canonical import digest, unlabelled
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.signing import ML_DSA_44
from counterfoil.recovery.material import Material, held
from counterfoil.recovery.rebuild import Rebuild
from counterfoil.recovery.repair_anchors import Anchors
from counterfoil.recovery.repair_log import Choice
from counterfoil.store.waiting import decode_pending


def fill_rows(
    rebuild: Rebuild, own: Material, other: Material, anchors: Anchors, *, prefer_own: bool
) -> None:
    """Put in transactions, checkpoints and documents; `prefer_own`: where both stores have one that can be read."""
    order = (other, own) if prefer_own else (own, other)
    for first, header, endorsements in _taken(own, order):
        if _belongs(rebuild, first, digest(header)):
            rebuild.put_taken(first, header, endorsements)
    for material in order:
        for row in material.rows("pending"):
            with suppress(CounterfoilError):
                if unlabelled(decode_pending(row[1:]).hash) == row[0]:
                    rebuild.put_pending(row)
    for material in (other, own):
        # Where the log ends with a published checkpoint, it is kept twice.
        latest = material.latest(anchors.keys)
        if latest and latest[0] == anchors.target and held(latest[1], anchors.keys, ML_DSA_44.name):
            rebuild.put_checkpoint(latest[0].size, latest[1])
        for stated, note in material.checkpoints(anchors.keys):
            if stated.size <= rebuild.size and rebuild.root_at(stated.size) == stated.root:
                rebuild.put_checkpoint(stated.size, note)
    names: set[bytes] = set()
    for material in (own, other):
        for name in material.documents():
            if name not in names:
                names.add(name)
                rebuild.put_document(material.document(name))


def _taken(own: Material, order: Sequence[Material]) -> Iterator[tuple[int, bytes, bytes]]:
    """The transactions; each takes the place of an earlier one of the same number."""
    yield from own.taken(strict=False)
    for material in order:
        yield from material.taken(strict=True)


def _belongs(rebuild: Rebuild, first: int, transaction: str) -> bool:
    """Whether the entry of this number is the first one of the transaction."""
    return _is_of(rebuild, first, transaction) and not _is_of(rebuild, first - 1, transaction)


def _is_of(rebuild: Rebuild, number: int, transaction: str) -> bool:
    if not 0 <= number < rebuild.size:
        return False
    entry = decode_entry(rebuild.entry(number))
    return entry.transaction == transaction and entry.register != TRANSACTION


def keep_damaged(rebuild: Rebuild, own: Material, choice: Choice) -> None:
    """Keep what is damaged of ours and has no healthy copy, so that it can still be repaired from a later found one.

    That is a document that an entry names, and the checkpoint published where an index entry ends.
    """
    for entries in choice.entries():
        for data in entries:
            if b'"document":' in data and (name := decode_entry(data).document):
                hash_ = unlabelled(name)
                if not rebuild.has("document", hash_):
                    for table in ("document", "chunk"):
                        for row in own.rows(table, "WHERE hash = ?", (hash_,)):
                            rebuild.put_row(table, row)
    for row in own.rows("checkpoint"):
        lacks = 0 < row[0] <= rebuild.size and not rebuild.has("checkpoint", row[0])
        if lacks and decode_entry(rebuild.entry(row[0] - 1)).register == INDEX:
            rebuild.put_row("checkpoint", row)
