"""Repairing the files beside a store: the trust policy follows from the log, the others come from the source."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import msgspec

from counterfoil.errors import CounterfoilError
from counterfoil.home import Home, refused_by_machine, write_whole
from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust
from counterfoil.recovery.kept import copy_kept
from counterfoil.recovery.source import Source
from counterfoil.recovery.still import still_store
from counterfoil.registry.beginning import first_trust

LISTS = ("witnesses.json", "access.json")


def repair_files(home: Home, source: Source | None) -> tuple[str, ...]:
    """Replace what is missing or cannot be what it was; gives the names of the files that were replaced."""
    replaced = []
    beside = source.beside if source is not None else {}
    with still_store(home.store) as store:
        policy = first_trust(store.entries(), store.root_at)
    if not _follows(_read(home, home.trust.name), policy):
        copy = beside.get(home.trust.name, b"")
        write_whole(home.trust, copy if _follows(copy, policy) else policy.encode())
        replaced.append(home.trust.name)
    for name in LISTS:
        copy = beside.get(name, b"")
        if _is_json(copy) and not _is_json(_read(home, name)):
            write_whole(home.folder / name, copy, 0o600)
            replaced.append(name)
    kept = copy_kept(source.home, home) if source is not None else ()
    return (*replaced, *kept)


def _read(home: Home, name: str) -> bytes:
    path = home.folder / name
    with refused_by_machine(path):
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(MAX_TRUST_BYTES + 1)


def _follows(data: bytes, policy: Trust) -> bool:
    """Whether these bytes are the policy that follows from the log, with whatever witnesses its keeper has chosen."""
    with suppress(CounterfoilError):
        read = Trust.parse(data)
        return read.encode() == data and replace(read, witnesses=(), require_witnesses=0) == policy
    return False


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(data), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
