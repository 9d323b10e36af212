"""Steps of a verification about transactions: that entries are what was proposed, and all of it was shown.

Each step returns what it showed, or raises: `Unverified` or `Malformed` where it failed, `NotFound` where the
bundle does not bring what it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from counterfoil.errors import NotFound, Unverified
from counterfoil.proof.bundle import Bundle, BundledTransaction
from counterfoil.proof.canonical import digest, unlabelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.entry import encode_proposal
from counterfoil.proof.evidence import Evidence, Leaf
from counterfoil.proof.instant import instant
from counterfoil.proof.merkle import leaf_hash, verify_inclusion
from counterfoil.proof.report import entries, quoted
from counterfoil.proof.transaction import Endorsement, Header, decode_header


class Taken(NamedTuple):
    """A transaction shown to have proposed some of the entries."""

    first: int
    hash: str
    header: Header
    endorsements: tuple[Endorsement, ...]
    leaves: list[Leaf]


def check_transactions(bundle: Bundle, evidence: Evidence, checkpoint: Checkpoint) -> tuple[str, list[Taken]]:
    """Check that entries are what the transactions proposed, once the ledger's own members are taken away."""
    append = frozenset(bundle.append)
    taken = [_check_transaction(each, evidence, checkpoint, append) for each in bundle.transactions]
    known = {each.hash for each in taken}
    if len(known) < len(taken) or any(later.first <= earlier.first for earlier, later in pairwise(taken)):
        raise Unverified("a transaction stands twice in the bundle, or after a later one")
    shown = sum(len(each.leaves) for each in taken)
    return f"entries that are what a transaction proposed: {shown}; transactions: {len(taken)}", taken


def check_complete(taken: Sequence[Taken], evidence: Evidence) -> tuple[str, None]:
    """Check that each entry has its transaction here, or is here only as the neighbour of one that has.

    A version that names the one before it, or shows until when that was the latest, needs no more than to be there.
    """
    known = {each.hash for each in taken}
    lacking = {
        leaf.number
        for transaction, group in evidence.by_transaction.items()
        if transaction not in known
        for leaf in group
    }
    neighbours = {number for number, earlier in evidence.before.items() if earlier.number not in lacking}
    neighbours |= {earlier.number for number, earlier in evidence.before.items() if number not in lacking}
    if bare := lacking - neighbours:
        raise NotFound(f"{entries(sorted(bare))} without the transaction, so who endorsed it is not shown")
    if lacking:
        beside = entries(sorted(lacking))
        return f"each entry stands with its transaction, but {beside}, here only beside another version", None
    return "each entry that was proposed stands with its transaction", None


def _check_transaction(
    transaction: BundledTransaction, evidence: Evidence, checkpoint: Checkpoint, append: Collection[str]
) -> Taken:
    data = transaction.header.encode()
    header, name = decode_header(data), digest(data)
    if header.origin != checkpoint.origin:
        raise Unverified(
            f"the transaction {name} is for the ledger {quoted(header.origin)}, not for the checkpoint's"
        )
    group = evidence.by_transaction.get(name)
    if group is None:
        raise Unverified(f"no entry of the bundle names the transaction {name}")
    # Hot: ten thousand versions of one record pass here.
    proposals = {
        entry.number - transaction.first: leaf_hash(
            encode_proposal(entry.proposal()).proposal(None if entry.register in append else entry.version)
        )
        for entry, _ in group
    }
    try:
        verify_inclusion(proposals, header.count, transaction.inclusion, unlabelled(header.root))
    except Unverified as error:
        which = entries(leaf.number for leaf in group)
        raise Unverified(f"{which} cannot be what the transaction {name} proposed: {error}") from None
    _check_time(header, name, group)
    return Taken(transaction.first, name, header, transaction.endorsements, group)


def _check_time(header: Header, name: str, group: Sequence[Leaf]) -> None:
    times = {leaf.entry.time for leaf in group}
    if len(times) != 1:
        raise Unverified(
            f"the entries of the transaction {name} have different times, and one block wrote them"
        )
    time = instant(times.pop())
    if time > instant(header.deadline) or (
        header.not_before is not None and time < instant(header.not_before)
    ):
        raise Unverified(f"the transaction {name} was taken outside the times that its endorsers signed")
