"""Transactions that wait for endorsements or for their objection window: each is a record in `.transaction`.

Its entries name hashes only. A pending transaction reserves nothing: all is judged again on completion.
"""

from __future__ import annotations

from counterfoil.ledger.state import Pending
from counterfoil.ledger.system import TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, digest
from counterfoil.proof.entry import Proposal
from counterfoil.proof.transaction import Endorsement, Transaction, encode_endorsements

WAITING = "pending"
ENDORSED = "endorsed"
"""Fully endorsed, and waiting for the first block after its `not-before`."""
COMPLETED = "completed"
WITHDRAWN = "withdrawn"
REFUSED = "refused"
LAPSED = "lapsed"


def arrive(view: View, name: bytes, transaction: Transaction, *, complete: bool) -> None:
    """Keep a transaction and note its arrival with the endorsements it came with."""
    fields: dict[str, Json] = {"endorsements": [_digest(each) for each in transaction.endorsements]}
    _note(view, transaction.hash, "create", ENDORSED if complete else WAITING, fields)
    view.wait(transaction.hash, Pending(name, transaction, complete))


def collect(view: View, pending: Pending, endorsement: Endorsement, *, complete: bool) -> Pending:
    """Add one endorsement to a waiting transaction and note it."""
    transaction = pending.transaction.endorsed((*pending.transaction.endorsements, endorsement))
    _note(
        view,
        pending.hash,
        "amend",
        ENDORSED if complete else WAITING,
        {"endorsements": [_digest(endorsement)]},
    )
    later = Pending(pending.name, transaction, complete)
    view.wait(pending.hash, later)
    return later


def settle(view: View, pending: Pending, status: str, reason: str | None = None) -> None:
    """End a waiting transaction as completed, withdrawn, refused or lapsed, and let it go."""
    fields: dict[str, Json] = {} if reason is None else {"reason": reason}
    _note(view, pending.hash, "close", status, fields)
    view.wait(pending.hash, None)


def _note(view: View, transaction: str, operation: str, status: str, fields: dict[str, Json]) -> None:
    proposal = Proposal(TRANSACTION, transaction, operation, status=status, body={"fields": fields})
    view.write(proposal, transaction)


def _digest(endorsement: Endorsement) -> str:
    return digest(encode_endorsements((endorsement,)))
