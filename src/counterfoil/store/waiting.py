"""Pending transactions as rows: header, proposals and endorsements in their canonical bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from counterfoil.errors import Damaged, Malformed
from counterfoil.ledger.state import Pending
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import decode_proposal
from counterfoil.proof.transaction import Transaction, decode_endorsements, decode_header, encode_endorsements

LENGTH_BYTES: Final = 4


def encode_pending(pending: Pending) -> tuple[bytes, bytes, int, bytes, bytes, bytes]:
    """The row of a waiting transaction; each proposal stands after its length in 4 bytes, big-endian."""
    transaction = pending.transaction
    proposals = b"".join(
        len(each).to_bytes(LENGTH_BYTES, "big") + each for each in transaction.proposal_bytes
    )
    return (
        unlabelled(pending.hash),
        pending.name,
        int(pending.complete),
        transaction.header_bytes,
        proposals,
        encode_endorsements(transaction.endorsements),
    )


def decode_pending(row: Sequence[Any]) -> Pending:
    """Read name, complete, header, proposals and endorsements as stored. Raises `Damaged`."""
    name, complete, header, proposals, endorsements = row
    try:
        parts = [decode_proposal(each) for each in _split(proposals)]
        transaction = Transaction(decode_header(header), parts, decode_endorsements(endorsements))
    except Malformed as error:
        raise Damaged(f"a pending transaction cannot be read ({error}); run counterfoil audit") from None
    return Pending(bytes(name), transaction, bool(complete))


def _split(data: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        at += LENGTH_BYTES
        parts.append(data[at : at + length])
        if len(parts[-1]) != length:
            raise Malformed("its proposals are cut off")
        at += length
    return parts
