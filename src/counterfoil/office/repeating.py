"""A request that an officer sends again: what became of it the first time, found before anything is judged anew."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Reused
from counterfoil.ledger.command import Standing
from counterfoil.ledger.idempotency import name_of
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.instant import instant
from counterfoil.proof.transaction import decode_header
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.personal.change import Filed, Waiting
from counterfoil.registry.personal.registrar import Terms
from counterfoil.store.store import Store

HALF: Final = 16
"""Hexadecimal digits of a case's id that come from the idempotency key; the other half comes from the request."""


def filed_before(node: Node, terms: Terms) -> Filed | None:
    """What became of a transaction under the same idempotency key; None where none is remembered.

    Raises `Reused` where that one asked for something else.
    """
    if terms.idempotency_key is None or terms.request is None:
        return None
    name, digest = name_of(node.agency, terms.idempotency_key), node.request_digest(terms.request)
    with node.reading() as store:
        taken = store.taken_as(name)
        if taken is not None:
            header = decode_header(taken.header)
            if instant(header.deadline) >= int(node.clock()):
                _check(header.idempotency.request, digest)
                receipt = Receipt(labelled(taken.hash), Standing.REPEATED, taken.first, taken.count)
                return Filed(_records(store, receipt), receipt)
        for pending in store.waiting():
            if pending.name == name:
                _check(pending.transaction.header.idempotency.request, digest)
                records = tuple((each.register, each.record) for each in pending.transaction.proposals)
                return Filed(records, Receipt(pending.hash, Standing.REPEATED, 0, 0))
    return None


def case_id(secret: bytes, terms: Terms) -> str | None:
    """The id under which a repeatable request lies on the desk: a keyed hash of its key, and one of the request."""
    if terms.idempotency_key is None:
        return None
    key = terms.idempotency_key.encode()
    named = hmac.new(secret, b"case-key/v1\n" + key, sha256).hexdigest()[:HALF]
    asked = hmac.new(secret, b"case-request/v1\n" + key + b"\n" + (terms.request or b""), sha256).hexdigest()[
        :HALF
    ]
    return named + asked


def laid_before(desk: Desk, case: str | None) -> Waiting | None:
    """The case that the same request has laid on the desk. Raises `Reused` where the key stands for another."""
    found = desk.beginning(case[:HALF]) if case is not None else None
    if found is None:
        return None
    if found.id != case:
        raise Reused("this idempotency key was used for another request; choose a new key for a new request")
    return Waiting(found.id, found.reasons)


def _records(store: Store, receipt: Receipt) -> tuple[tuple[str, str], ...]:
    entries = map(decode_entry, store.entries(receipt.first, receipt.first + receipt.count))
    return tuple((entry.register, entry.record) for entry in entries)


def _check(request: str, digest: str) -> None:
    if not hmac.compare_digest(request, digest):
        raise Reused("this idempotency key was used for another request; choose a new key for a new request")
