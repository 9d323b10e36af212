"""A ledger that writes what it is told, honest or not, so that proofs of it can be judged.

It has the formats of a ledger and none of its rules: every test that needs a lie told writes it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from counterfoil.proof.bundle import (
    FORMAT,
    Beginning,
    Bundle,
    BundledTransaction,
    Disclosure,
    IndexClaim,
)
from counterfoil.proof.canonical import digest, labelled
from counterfoil.proof.checkpoint import Checkpoint, log_key, sign_as_log, sign_checkpoint
from counterfoil.proof.entry import Entry, Proposal, decode_entry
from counterfoil.proof.index import IndexTree, record_key
from counterfoil.proof.merkle import (
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    parents,
    root,
)
from counterfoil.proof.note import ED25519_COSIGNATURE, Note, VerifierKey, parse_note
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Endorsement, Header, Idempotency, endorse
from counterfoil.proof.trust import Trust, TrustedAgency

ORIGIN = "ledger.example/one"
START = "2026-11-23T10:00:00Z"
LATER = "2026-11-23T10:00:05Z"
DEADLINE = "2026-12-23T10:00:00Z"
REGISTRY = "EE/GOV/REGISTRY"
COURT = "EE/GOV/COURT"
STAMP = 1_795_000_000


def key(name: str, algorithm: str = "ed25519") -> SigningKey:
    """A key that every run of the tests makes alike."""
    return SigningKey(algorithm, sha256(f"{algorithm} {name}".encode()).digest())


REGISTRY_KEY = key("registry endorses")
COURT_KEY = key("court endorses")
LOG_KEY = key("registry signs the log")
COURT_LOG_KEY = key("court signs the log")
LOG_KEY_PQ = key("registry signs the log", "ml-dsa-44")


class Written(NamedTuple):
    """A transaction as the book keeps it."""

    first: int
    header: str
    endorsements: tuple[Endorsement, ...]
    proposals: list[bytes]


def fields(**values: Any) -> dict[str, Any]:
    """A body with these fields; `_` in a name stands for `-`."""
    return {"fields": {name.replace("_", "-"): value for name, value in values.items()}}


def nodes(leaves: Sequence[bytes]) -> Node:
    """The complete subtrees over these leaf hashes."""
    rows: list[Sequence[bytes]] = [leaves]
    while len(rows[-1]) > 1:
        rows.append(parents(rows[-1]))
    return lambda level, index: rows[level][index]


class Book:
    """The entries of a ledger, and the transactions that it says they came from."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self.origin = origin
        self.time = START
        self.entries: list[bytes] = []
        self.written: list[Written] = []
        self.genesis_size = 0
        self._latest: dict[tuple[str, str], tuple[int, str]] = {}

    @property
    def leaves(self) -> list[bytes]:
        """The leaf hash of every entry."""
        return leaf_hashes(self.entries)

    def write(self, proposal: Proposal, transaction: str | None = None, **place: Any) -> int:
        """Write a proposal as the next entry, with any member of its place as it is told; gives its number."""
        name = (proposal.register, proposal.record)
        version, before = self._latest.get(name, (0, None))
        said: dict[str, Any] = {
            "number": len(self.entries),
            "time": self.time,
            "version": proposal.version or version + 1,
            "previous": before,
            "transaction": transaction,
        } | place
        entry = Entry(
            register=proposal.register,
            record=proposal.record,
            operation=proposal.operation,
            status=proposal.status,
            body=proposal.body,
            item=proposal.item,
            control=proposal.control,
            **said,
        )
        data = entry.encode()
        self.entries.append(data)
        self._latest[name] = (entry.version, labelled(leaf_hash(data)))
        return len(self.entries) - 1

    def begin(
        self, governance: Any = f"agency:{REGISTRY}", agencies: Mapping[str, SigningKey] | None = None
    ) -> None:
        """Write the beginning: parameters at 0, members from 1 on (Registry at 1, and Court at 2 unless told)."""
        parameters = fields(origin=self.origin, state_machine=1, governance=governance)
        self.write(Proposal(".parameter", "ledger", "create", body=parameters))
        members = {REGISTRY: REGISTRY_KEY, COURT: COURT_KEY} if agencies is None else agencies
        for name, member in members.items():
            signs = [log_key(self.origin, LOG_KEY.public).text] if name == REGISTRY else []
            self.write(Proposal(".agency", name, "create", body=agency(member, checkpoint=signs)))
        self.genesis_size = len(self.entries)

    def take(
        self,
        proposals: Sequence[Proposal],
        keys: Iterable[SigningKey] = (REGISTRY_KEY,),
        *,
        write: Sequence[Proposal] | None = None,
        **header: Any,
    ) -> int:
        """Write a transaction's proposals (or what is to be written in their place); gives its first entry's number."""
        leaves = [proposal.encode() for proposal in proposals]
        stated: dict[str, Any] = {
            "origin": self.origin,
            "agency": REGISTRY,
            "count": len(leaves),
            "root": labelled(root(leaf_hashes(leaves))),
            "deadline": DEADLINE,
            "idempotency": Idempotency(f"request {len(self.entries)}", digest(b"")),
        } | header
        text = Header(**stated).encode()
        name = digest(text)
        first = len(self.entries)
        self.written.append(
            Written(first, text.decode(), tuple(endorse(name, each) for each in keys), leaves)
        )
        for proposal in proposals if write is None else write:
            self.write(proposal, name)
        return first

    def define(self, register: str, keys: Iterable[SigningKey] = (REGISTRY_KEY,), **more: Any) -> int:
        """Create a register, kept by the Registry unless told; gives its definition's number."""
        body = fields(**({"title": register, "authority": REGISTRY} | more))
        return self.take([Proposal(".register", register, "create", 1, body=body)], keys)

    def index(self, *, leave_out: Iterable[tuple[str, str]] = (), **told: Any) -> int:
        """Write an index entry over all entries before it, without the records to be left out; gives its number."""
        tree = self.tree(leave_out=leave_out)
        body = fields(**({"root": labelled(tree.root()), "size": len(self.entries)} | told))
        operation = "amend" if (".index", "root") in self._latest else "create"
        return self.write(Proposal(".index", "root", operation, body=body))

    def tree(self, size: int | None = None, *, leave_out: Iterable[tuple[str, str]] = ()) -> IndexTree:
        """The index over the first `size` entries."""
        tree = IndexTree()
        for data in self.entries[:size]:
            entry = decode_entry(data)
            if entry.register != ".index" and (entry.register, entry.record) not in set(leave_out):
                tree.put(record_key(entry.register, entry.record), leaf_hash(data))
        return tree

    def claim(self, register: str, record: str, as_of: int) -> IndexClaim:
        """What the index of entry `as_of` says about a record."""
        return index_claim(self.tree(as_of), register, record, as_of)

    def note(self, size: int | None = None, keys: Sequence[SigningKey] = (LOG_KEY,)) -> str:
        """A checkpoint of the log when it had `size` entries."""
        leaves = self.leaves[:size]
        return sign_as_log(Checkpoint(self.origin, len(leaves), root(leaves)), keys, STAMP).decode()

    def bundle(
        self,
        numbers: Iterable[int],
        claims: Iterable[tuple[str, str, int]] = (),
        *,
        note: str | None = None,
        transactions: Iterable[Written] | None = None,
        append: tuple[str, ...] = (),
        disclosures: tuple[Disclosure, ...] = (),
    ) -> Bundle:
        """A bundle of these entries, those that the claims rest on, and the transactions that proposed them."""
        index = tuple(self.claim(*claim) for claim in claims)
        wanted = sorted({*numbers, *(claim.as_of for claim in index)})
        told = self.written if transactions is None else transactions
        leaves = self.leaves
        node = nodes(leaves)
        begun = self.genesis_size
        return Bundle(
            format=FORMAT,
            checkpoint=self.note() if note is None else note,
            entries=tuple(self.entries[number].decode() for number in wanted),
            inclusion=tuple(inclusion_proof(wanted, len(leaves), node)),
            genesis=Beginning(
                begun, labelled(root(leaves[:begun])), tuple(consistency_proof(begun, len(leaves), node))
            ),
            append=append,
            transactions=tuple(_transaction(each, wanted) for each in told if _positions(each, wanted)),
            index=index,
            disclosures=disclosures,
        )

    def trust(self, **told: Any) -> Trust:
        """A policy that trusts the Registry's key and pins how the book began."""
        stated: dict[str, Any] = {
            "origin": self.origin,
            "agencies": (TrustedAgency(REGISTRY, (log_key(self.origin, LOG_KEY.public),)),),
            "require": 1,
            "genesis_root": labelled(root(self.leaves[: self.genesis_size])),
            "genesis_size": self.genesis_size,
        }
        return Trust(**(stated | told))


def index_claim(tree: IndexTree, register: str, record: str, as_of: int) -> IndexClaim:
    """What an index says about a record."""
    key_ = record_key(register, record)
    proof = tree.prove(key_)
    return IndexClaim(as_of, register, record, key_, proof.bucket, proof.siblings)


def agency(*endorse_with: SigningKey, checkpoint: Sequence[str] = ()) -> dict[str, Any]:
    """The body of a member's entry."""
    return fields(
        name="A member", endorse=[each.public.text for each in endorse_with], checkpoint=list(checkpoint)
    )


def cosigned(note: str, name: str, signer: SigningKey, time: int = STAMP) -> tuple[str, VerifierKey]:
    """A checkpoint with one more line, by a witness."""
    read = parse_note(note.encode())
    line = sign_checkpoint(Checkpoint.parse(read.text), signer, name, ED25519_COSIGNATURE, time)
    return Note(read.text, (*read.signatures, line)).encode().decode(), VerifierKey(
        name, ED25519_COSIGNATURE, signer.public
    )


def land(record: str, version: int, *, operation: str | None = None, **told: Any) -> Proposal:
    """A version of a title in the register `land`."""
    said = operation or ("create" if version == 1 else "amend")
    told.setdefault("body", fields(id=record, holder=f"holder {version}"))
    return Proposal("land", record, said, version, **told)


def _positions(written: Written, wanted: Iterable[int]) -> list[int]:
    return [
        number - written.first for number in wanted if 0 <= number - written.first < len(written.proposals)
    ]


def _transaction(written: Written, wanted: Iterable[int]) -> BundledTransaction:
    leaves = leaf_hashes(written.proposals)
    proof = inclusion_proof(_positions(written, wanted), len(leaves), nodes(leaves))
    return BundledTransaction(written.first, written.header, written.endorsements, tuple(proof))
