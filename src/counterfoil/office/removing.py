"""Removing what an `erase` entry says is gone: parts and tokens from the store, keys from the keyring, then every byte.

Each step can be repeated, and finds what an interrupted one has left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from counterfoil.ledger.idempotency import name_of
from counterfoil.node import Node
from counterfoil.proof.instant import instant_text
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.leftover import leftover
from counterfoil.registry.personal.opening import entries_back
from counterfoil.registry.personal.registrar import Registrar


class Finished(NamedTuple):
    """What was brought to its end of approved erasures; `left`: what could not be, by case, each with the reason."""

    erased: tuple[Erased, ...]
    left: Mapping[str, str]


def entered_as(node: Node, idempotency_key: str) -> int | None:
    """The number of the entry that this agency's transaction under a key has made; None where there is none."""
    with node.reading() as store:
        taken = store.taken_as(name_of(node.agency, idempotency_key))
    return None if taken is None else taken.first


def remove(node: Node, registrar: Registrar, erasure: Erasure, number: int) -> Erased:
    """Remove what there still is of what an erasure is about, whose entry has this number.

    Raises `Busy` where somebody reads the store or keyring as it was; then the content is gone, and bytes of it are
    not: repeat it.
    """
    slot, entry, remains = registrar.remains(erasure, number)
    store, keyring = node.store, node.keyring
    with store.turn:
        store.erase_parts(remains.rows, remains.tokens, waiting=remains.waiting, digests=remains.digests)
    with node.reading():
        versions = [each for each in entries_back(store, entry) if each.item is not None]
        drawn = keyring.drawn_for({each.transaction for each in versions if each.transaction})
        keys = {*remains.keys, *leftover(store, versions, drawn)}
    keyring.destroy(keys, f"entry {number}")
    with store.turn:
        store.scrub()
    until = keyring.last_backup_until(registrar.now())
    complete = None if until is None else instant_text(until)[:10]
    return Erased(entry.register, entry.record, slot.name, number, len(keys), complete)
