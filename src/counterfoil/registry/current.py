"""Quick proofs that a record's latest entry stands in the log and is the latest: what they share is kept.

Such a proof is a proof bundle (`proof.bundle`) without the transaction, so that `proof.verify` checks it, and says that
who endorsed the entry is not shown. Between two checkpoints most of its bytes are the same for every record.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable
from threading import Lock
from typing import Final, NamedTuple

import orjson

from counterfoil.errors import Unavailable
from counterfoil.ledger.system import INDEX
from counterfoil.proof.bundle import FORMAT
from counterfoil.proof.canonical import canonical, labelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.index import record_key
from counterfoil.proof.merkle import consistency_proof, inclusion_proof
from counterfoil.proof.note import parse_note
from counterfoil.proof.tiles import TileReader
from counterfoil.registry.record_name import missing
from counterfoil.store.log import Log
from counterfoil.store.store import Store

_FORMAT: Final = canonical(FORMAT)


class Current(NamedTuple):
    """A quick proof: the version and number of the entry, and the bundle's canonical bytes."""

    version: int
    number: int
    bundle: bytes


class _Shared(NamedTuple):
    """What all proofs under one checkpoint and one index entry have alike, as bytes of JSON."""

    log: Log
    note: bytes
    indexed: int
    size: int
    reader: TileReader
    checkpoint: bytes
    index_entry: bytes
    genesis: bytes


class CurrentProofs:
    """Makes quick proofs of one log, of which a trust policy pins the first `genesis_size` entries."""

    def __init__(self, genesis_size: int | None):
        self._genesis_size = genesis_size
        self._shared: _Shared | None = None
        self._turn = Lock()

    def prove(self, store: Store, register: str, record: str) -> Current:
        """Prove a record's latest entry, and that the index has no later one.

        Raises `NotFound` where there is no such record, `Unavailable` where the index does not know its last change.
        """
        key = record_key(register, record)
        state = store.record(key)
        if state is None or register == INDEX:
            raise missing(store, register, record, " that the index could prove")
        with self._turn:
            shared = self._share(store)
        if state.number >= shared.indexed:
            raise Unavailable("the record's last change is not in the index yet; ask again in a second")
        proof = store.prove_index(key)
        numbers = [state.number, shared.indexed]
        # Members in the order of canonical JSON, so that nothing is sorted or written twice.
        bundle = b'{"checkpoint":%b,"entries":[%b,%b],"format":%b,%b"inclusion":%b,"index":[%b]}' % (
            shared.checkpoint,
            orjson.dumps(store.entry(state.number).decode()),
            shared.index_entry,
            _FORMAT,
            shared.genesis,
            _hashes(inclusion_proof(numbers, shared.size, shared.reader.node)),
            b'{"as-of":%d,"bucket":"%b","key":"%b","record":%b,"register":%b,"siblings":%b}'
            % (
                shared.indexed,
                b2a_base64(proof.bucket, newline=False),
                b2a_base64(key, newline=False),
                orjson.dumps(record),
                orjson.dumps(register),
                _hashes(proof.siblings),
            ),
        )
        return Current(state.version, state.number, bundle)

    def _share(self, store: Store) -> _Shared:
        indexed = store.head.index.number if store.head.index is not None else 0
        note = store.published(indexed + 1)
        if note is None or not indexed:
            raise Unavailable("no published checkpoint covers the index yet; ask again in a second")
        shared = self._shared
        # A store that has read itself anew has another log: what the one before it kept may never have been stored.
        if shared is None or shared.log is not store.log or (shared.note, shared.indexed) != (note, indexed):
            shared = self._shared = self._make(store, note, indexed)
        return shared

    def _make(self, store: Store, note: bytes, indexed: int) -> _Shared:
        size = Checkpoint.parse(parse_note(note).text).size
        if size > store.head.size:
            raise Unavailable("the log is being written at this moment; ask again in a second")
        reader = store.reader(size)
        genesis = b""
        if self._genesis_size is not None:
            proof = consistency_proof(self._genesis_size, size, reader.node)
            root = canonical(labelled(store.root_at(self._genesis_size)))
            genesis = b'"genesis":{"proof":%b,"root":%b,"size":%d},' % (
                _hashes(proof),
                root,
                self._genesis_size,
            )
        checkpoint, entry = orjson.dumps(note.decode()), orjson.dumps(store.entry(indexed).decode())
        return _Shared(store.log, note, indexed, size, reader, checkpoint, entry, genesis)


def _hashes(hashes: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join([b'"%b"' % b2a_base64(each, newline=False) for each in hashes])
