"""Transactions by their hash: what became of them, who endorsed them, and a proof of all that one wrote."""

from __future__ import annotations

import msgspec

from counterfoil.errors import NotFound, Unavailable
from counterfoil.ledger.state import Pending
from counterfoil.ledger.system import INDEX, TRANSACTION
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.entry import Proposal, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.transaction import Endorsement, Header, decode_endorsements, decode_header
from counterfoil.registry.gathering import Gathering
from counterfoil.store.store import Store


class Known(msgspec.Struct, frozen=True):
    """A transaction that is or was here.

    `standing`: taken, pending, or how one ended that waited and was not taken (withdrawn, refused, lapsed); `first` and
    `count` say which entries a taken one wrote. `complete`: it is fully endorsed, and waits for its time. `proposals`
    are shown while it waits; of one that ended without being taken only its end is known.
    """

    transaction: str
    standing: str
    first: int | None = None
    count: int = 0
    complete: bool | None = None
    header: Header | None = None
    endorsements: tuple[Endorsement, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    reason: Json = None


def find_transaction(store: Store, transaction: str, first: int | None) -> Known:
    """What became of a transaction, by its labelled hash; `first` is its first entry, where the catalogue has one.

    Raises `NotFound`, `Malformed` for what is no hash.
    """
    taken = store.taken_at(first) if first is not None else None
    if taken is not None and taken.hash == unlabelled(transaction):
        return Known(
            transaction,
            "taken",
            taken.first,
            taken.count,
            header=decode_header(taken.header),
            endorsements=decode_endorsements(taken.endorsements),
        )
    pending = store.pending(transaction)
    if pending is not None:
        return known_pending(pending)
    state = store.record(record_key(TRANSACTION, transaction))
    if state is None:
        raise NotFound(f"no transaction {transaction} is known here")
    end = decode_entry(store.entry(state.number))
    return Known(transaction, end.status or "", reason=end.fields.get("reason"))


def known_pending(pending: Pending) -> Known:
    """A transaction that waits."""
    transaction = pending.transaction
    return Known(
        pending.hash,
        "pending",
        complete=pending.complete,
        header=transaction.header,
        endorsements=transaction.endorsements,
        proposals=transaction.proposals,
    )


def prove_entries(store: Store, first: int, count: int, *, genesis_size: int | None = None) -> Bundle:
    """Prove the entries of a transaction, and of which records they are the latest ones.

    Raises `Unavailable` where the index does not know them yet.
    """
    gathering = Gathering(store)
    if gathering.indexed < first + count:
        raise Unavailable("the entries are not in the index yet; ask for their proof again in a second")
    for number in range(first, first + count):
        entry = gathering.hold(number)
        gathering.add(number)
        if entry.register != INDEX and gathering.versions(entry.register, entry.record)[-1] == number:
            gathering.claim(entry.register, entry.record)
    return gathering.bundle(genesis_size)
