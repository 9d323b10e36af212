"""Routes that prove: that a record's latest entry is what it is, that there is no record, that an entry stands here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET, UnsetType

from counterfoil.errors import Malformed, Unavailable
from counterfoil.node import Node
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.index import record_key
from counterfoil.registry.beginning import genesis_size
from counterfoil.registry.current import Current, CurrentProofs
from counterfoil.registry.prove import prove_absent, prove_entry, prove_record
from counterfoil.registry.transactions import prove_entries
from counterfoil.store.store import Store
from counterfoil.web.api.answers import Answer, answer, stated
from counterfoil.web.api.asking import Asked, NoQuery, query
from counterfoil.web.api.places import Place
from counterfoil.web.api.versions import etag
from counterfoil.web.service import Service

LONG: Final = 100
"""From how many versions on proving them all takes longer than other readers should wait."""
LONGER: Final = 5_000
"""From how many versions on proving one of them does: all are gone through to find it."""
_QUICK: Final[WeakKeyDictionary[Node, CurrentProofs]] = WeakKeyDictionary()


class ProofQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which versions of a record to prove: `latest`, `all` or a number; or that there is no such record."""

    versions: str = "latest"
    absent: Literal["1"] | UnsetType = UNSET


async def show_proof(request: Asked, service: Service, place: Place) -> Answer:
    """A proof bundle about a record, made with all that shows who endorsed it."""
    asked = query(request, ProofQuery)
    if stated(asked.absent) is not None and asked.versions != "latest":
        raise Malformed(
            "ask for versions or for absence, not for both: a record that is absent has no versions"
        )
    versions: Literal["latest", "all"] | int
    if asked.versions in ("latest", "all"):
        versions = asked.versions  # type: ignore[assignment]  # it is one of the two
    elif asked.versions.isascii() and asked.versions.isdecimal() and len(asked.versions) < 16:
        versions = int(asked.versions)
    else:
        raise Malformed(f"versions is latest, all or a number, and not {asked.versions[:40]!r}")
    register, record = place.register, place.record

    def prove(store: Store) -> Bundle:
        size = genesis_size(store)
        if stated(asked.absent) is not None:
            return prove_absent(store, register, record, genesis_size=size)
        return prove_record(store, register, record, versions=versions, genesis_size=size)

    most = LONG if versions == "all" else LONGER
    # A view of its own first takes in what the index lacks, which takes seconds where much has changed.
    long = await service.read(lambda store: _versions(store, place)) > most
    return await _proof(service, prove, long=long)


async def show_inclusion(request: Asked, service: Service, place: Place) -> Answer:
    """A quick proof bundle: the record's latest entry, where it stands, and the index's word that it is the latest."""
    if request.scope["query_string"]:
        query(request, NoQuery)
    found = await quick_proof(service, place)
    return answer(found.bundle, headers={"etag": etag(found.version)})


async def quick_proof(service: Service, place: Place) -> Current:
    """The quick proof of a record's latest entry."""
    proofs = await quick_proofs(service)

    def prove(store: Store) -> Current:
        return proofs.prove(store, place.register, place.record)

    try:
        return await service.read(prove)
    except Unavailable:
        return await service.proved(prove)


async def quick_proofs(service: Service) -> CurrentProofs:
    """What makes the quick proofs of this node's log."""
    quick = _QUICK.get(service.node)
    if quick is None:
        quick = _QUICK[service.node] = CurrentProofs(await service.read(genesis_size))
    return quick


async def prove_number(service: Service, number: int) -> Answer:
    """A proof bundle that an entry stands in the log, with who endorsed it."""
    return await _proof(service, lambda store: prove_entry(store, number, genesis_size=genesis_size(store)))


async def transaction_bundle(service: Service, first: int, count: int) -> Bundle:
    """The proof bundle of a transaction's entries."""
    return await service.proved(
        lambda store: prove_entries(store, first, count, genesis_size=genesis_size(store))
    )


async def _proof(service: Service, prove: Callable[[Store], Bundle], *, long: bool = False) -> Answer:
    return answer(await service.proved(lambda store: prove(store).encode(), long=long))


def _versions(store: Store, place: Place) -> int:
    state = store.record(record_key(place.register, place.record))
    return state.version if state else 0
