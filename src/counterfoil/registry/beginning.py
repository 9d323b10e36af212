"""How a ledger began, read from its first entries: what a trust policy pins, and whose keys it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from counterfoil.errors import Damaged
from counterfoil.ledger.system import (
    AGENCY,
    INDEX,
    LEDGER_PARAMETERS,
    PARAMETER,
    AgencyFields,
    ParameterFields,
)
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.trust import Trust, TrustedAgency
from counterfoil.store.store import Store


def first_trust(entries: Iterable[bytes], root_at: Callable[[int], bytes]) -> Trust:
    """The trust policy that follows from a log's first entries: its members with their keys, all of them required.

    `entries` is the log from its beginning, read no further than the first index entry; `root_at` gives the log's root
    at a size. Raises `Damaged` where the log does not begin as a ledger does.
    """
    origin = ""
    agencies: list[TrustedAgency] = []
    for size, data in enumerate(entries, 1):
        entry = decode_entry(data)
        try:
            if entry.register == INDEX:
                return Trust(
                    origin=origin,
                    agencies=tuple(agencies),
                    require=len(agencies),
                    genesis_root=labelled(root_at(size)),
                    genesis_size=size,
                )
            if (entry.register, entry.record) == (PARAMETER, LEDGER_PARAMETERS):
                origin = msgspec.convert(entry.fields, ParameterFields).origin
            if entry.register == AGENCY:
                keys = msgspec.convert(entry.fields, AgencyFields).checkpoint
                agencies.append(TrustedAgency(entry.record, tuple(map(VerifierKey.parse, keys))))
        except msgspec.ValidationError:
            break
    raise Damaged("the log does not begin as a ledger does; run counterfoil audit")


def genesis_size(store: Store) -> int | None:
    """How many entries a store's log began with, as a trust policy pins it. Raises `Damaged` as `first_trust` does."""
    return first_trust(store.entries(), store.root_at).genesis_size
