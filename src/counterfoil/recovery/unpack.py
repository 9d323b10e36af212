"""A store from an archive of the whole ledger, checked as it is read and audited once it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from counterfoil.errors import Damaged, Unavailable, Unverified
from counterfoil.ledger.idempotency import request_name
from counterfoil.ledger.state import Pending
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import decode_proposal
from counterfoil.proof.transaction import Transaction, decode_endorsements, decode_header
from counterfoil.proof.trust import Trust
from counterfoil.recovery.rebuild import Rebuild
from counterfoil.registry.archive.parts import Chunk, Entries, Item, PendingPart, PublishedPart, TakenPart
from counterfoil.registry.archive.reading import ArchiveScan
from counterfoil.registry.archive.survey import pieces
from counterfoil.store.audit.audit import Audited, audit_store
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.waiting import encode_pending

Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Tells nobody how far it is."""


def unpack(
    file: IO[bytes], path: Path, trust: Trust | None = None, progress: Progress = silent
) -> ArchiveScan:
    """Make a store at `path` from an archive, and audit it; gives the archive's head, trust policy and checkpoint.

    Raises `Malformed`, `Unverified` or `Damaged` for an archive that does not hold, `Unavailable` for one that does not
    hold the whole ledger; what is at `path` then is no store.
    """
    scan = ArchiveScan(file, trust)
    if not scan.head.whole:
        raise Unavailable(
            f"the archive holds the registers {', '.join(scan.head.registers)} and not the whole ledger; "
            "they can be entered into another one: counterfoil archive enter"
        )
    total = scan.head.size
    with Rebuild(path) as rebuild:
        _fill(rebuild, scan.items(), lambda done: progress(done // 3, total))
        # An archive is public, and holds no item.
        rebuild.finish(scan.note, lambda done, _: progress((total + done) // 3, total), elsewhere=True)
    audited = audit_closed(path, lambda done, _: progress((2 * total + done) // 3, total))
    if audited.findings:
        raise Damaged(f"the archive does not make a sound store: {audited.findings[0].sentence}")
    if (audited.entries, labelled(audited.root)) != (scan.head.size, scan.head.root):
        raise Unverified("the store made from the archive has another root than the archive's checkpoint")
    return scan


def audit_closed(path: Path, progress: Progress = silent) -> Audited:
    """Audit a store that nobody has open, without touching it."""
    with closing(Sqlite(path, read_only=True, untouched=True)) as database:
        return audit_store(database, path, progress)


def _fill(rebuild: Rebuild, items: Iterator[Item], tell: Callable[[int], None]) -> None:
    for item in items:
        match item:
            case Entries(_, data):
                rebuild.put_entries(data)
                tell(rebuild.size)
            case TakenPart():
                rebuild.put_taken(item.first, bytes(item.header), bytes(item.endorsements))
            case PendingPart():
                rebuild.put_pending(_waiting(item))
            case PublishedPart(size, note):
                rebuild.put_checkpoint(size, note)
            case Chunk():
                rebuild.put_document(pieces(item, items))


def _waiting(part: PendingPart) -> tuple[bytes, bytes, int, bytes, bytes, bytes]:
    proposals = [decode_proposal(bytes(each)) for each in part.proposals]
    endorsements = decode_endorsements(bytes(part.endorsements))
    transaction = Transaction(decode_header(bytes(part.header)), proposals, endorsements)
    return encode_pending(Pending(request_name(transaction), transaction, part.complete))
