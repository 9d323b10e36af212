"""A request that is repeated gets the first answer: each submitter's keys are remembered until their deadlines."""

from __future__ import annotations

from hashlib import sha256

from counterfoil.errors import Refused, Reused
from counterfoil.ledger.command import Outcome, Standing
from counterfoil.ledger.state import Taken
from counterfoil.ledger.system import TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import canonical, labelled
from counterfoil.proof.instant import instant
from counterfoil.proof.transaction import Transaction, decode_header


def request_name(transaction: Transaction) -> bytes:
    """The name under which a submitter's request is remembered: a hash of agency and idempotency key."""
    header = transaction.header
    return name_of(header.agency, header.idempotency.key)


def name_of(agency: str, key: str) -> bytes:
    """The same of the agency that submits and its idempotency key."""
    return sha256(canonical([agency, key])).digest()


def repeated(view: View, name: bytes, transaction: Transaction) -> Outcome | None:
    """What became of an earlier transaction under the same name; None where none is remembered.

    Raises `Reused` where the earlier one asked for something else, `Refused` where this very transaction has waited
    and ended without being taken.
    """
    for taken in (*reversed(view.changes.taken), view.state.taken_as(name)):
        if taken is not None and taken.name == name and (same := _same(view, transaction, taken)):
            return same
    for pending in (*view.state.waiting(), *view.changes.pending.values()):
        if pending is not None and pending.name == name and view.pending(pending.hash) is not None:
            _check_request(transaction, pending.transaction.header.idempotency.request)
            return Outcome(Standing.REPEATED, pending.hash)
    ended = view.latest(TRANSACTION, transaction.hash)
    if ended is not None:
        raise Refused(
            f"this transaction has waited, and ended as {ended.status}; submit the request as a new one"
        )
    return None


def _same(view: View, transaction: Transaction, earlier: Taken) -> Outcome | None:
    header = decode_header(earlier.header)
    if instant(header.deadline) < view.time:
        return None
    _check_request(transaction, header.idempotency.request)
    return Outcome(Standing.REPEATED, labelled(earlier.hash), earlier.first, earlier.count)


def _check_request(transaction: Transaction, request: str) -> None:
    if transaction.header.idempotency.request != request:
        raise Reused("this idempotency key was used for another request; choose a new key for a new request")
