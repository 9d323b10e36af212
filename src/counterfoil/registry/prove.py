"""Making proof bundles from a store: that an entry stands in the log, is a record's latest, or that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from counterfoil.errors import NotFound, Unavailable
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.rules import INDEX, LEDGER_ONLY, REGISTER, governed_by
from counterfoil.registry.gathering import Gathering
from counterfoil.registry.record_name import missing, record_name
from counterfoil.store.store import Store

Versions: TypeAlias = Literal["latest", "all"] | int
"""Which versions of a record to prove: the latest, all of them, or the one with this number."""


def prove_record(
    store: Store,
    register: str,
    record: str,
    *,
    versions: Versions = "latest",
    genesis_size: int | None = None,
    at: int | None = None,
) -> Bundle:
    """Prove versions of a record, and for "latest" and "all" that the last of them is the record's latest.

    `genesis_size` is how many entries the log began with, as a trust policy pins it; `at` the size of the published
    checkpoint to prove under. Raises `NotFound` where there is no such record, version or checkpoint, `Unavailable`
    where the index does not know its last change yet.
    """
    gathering = Gathering(store, at)
    found = gathering.versions(register, record)
    if not found:
        raise missing(store, register, record, "; that there is none can be proved instead")
    if isinstance(versions, int):
        if not 1 <= versions <= len(found):
            raise NotFound(
                f"{register} {record!r} has the versions 1 to {len(found)}, and no version {versions}"
            )
        gathering.add(found[versions - 1])
    else:
        _require_index(gathering, found)
        for number in found if versions == "all" else found[-1:]:
            gathering.add(number)
        gathering.claim(register, record)
    return gathering.bundle(genesis_size)


def prove_absent(store: Store, register: str, record: str, *, genesis_size: int | None = None) -> Bundle:
    """Prove that a register has no such record. Raises `NotFound` where it has one or there is no such register.

    The record is named as `record_name` has it: where all are pseudonyms, nothing is proved of another name.
    Raises `Unavailable` where the index does not cover the log's last entries yet.
    """
    record = record_name(store, register, record)
    gathering = Gathering(store)
    _require_index(gathering, ())
    if gathering.versions(register, record):
        raise NotFound(f"there is a record {record!r} in {register}, so its absence cannot be proved")
    if register == INDEX:
        raise NotFound("the index holds no .index entries, so nothing about them can be proved by it")
    if register not in LEDGER_ONLY:
        definition = gathering.in_force(*governed_by(register), before=store.head.size)
        if definition is None:
            raise NotFound(f"there is no register {register!r}; that is a record absent from {REGISTER}")
        gathering.add(definition)
    gathering.claim(register, record)
    return gathering.bundle(genesis_size)


def prove_entry(
    store: Store, number: int, *, genesis_size: int | None = None, at: int | None = None
) -> Bundle:
    """Prove that an entry stands in the log, and who endorsed it. Raises `NotFound` where there is none.

    `at` is the size of the published checkpoint to prove under, where it is to be a certain one.
    """
    gathering = Gathering(store, at)
    gathering.add(number)
    return gathering.bundle(genesis_size)


def prove_inclusion(store: Store, number: int, *, genesis_size: int | None = None) -> Bundle:
    """Prove that an entry stands in the log, and no more: with one path only, as `to_tlog_proof` takes it."""
    gathering = Gathering(store)
    gathering.hold(number)
    return gathering.bundle(genesis_size)


def _require_index(gathering: Gathering, numbers: Sequence[int]) -> None:
    """Raise `Unavailable` where the index does not know the last of a record's entries yet."""
    if gathering.bygone:
        raise NotFound(
            "the log has grown since that checkpoint, and what was the latest under it cannot be proved any more; "
            "prove one version or one entry under it, or the latest under a newer one"
        )
    if not gathering.indexed or (numbers and numbers[-1] >= gathering.indexed):
        raise Unavailable(
            "the record's last change is not in the index yet, so nothing can be proved to be current; the next write "
            "a second later settles it, and so does closing the node"
        )
