"""Transactions: the header that describes proposals and is signed, and the endorsements over it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Final

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import canonical, labelled, unlabelled
from counterfoil.proof.entry import Encoded, Proposal, encode_proposal
from counterfoil.proof.merkle import leaf_hashes, root
from counterfoil.proof.signing import PublicKey, SigningKey

ENDORSEMENT: Final = b"endorsement/v1\n"
WITHDRAWAL: Final = b"withdrawal/v1\n"
"""What is signed is one of these and the 32 bytes of the header's hash."""
MAX_PROPOSALS: Final = 1_000
MAX_TRANSACTION_BYTES: Final = 1 << 20


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a transaction relied on: a record at a version, a record absent (`version` 0), a claim held or free."""

    register: str | None = None
    record: str | None = None
    version: int | None = None
    claim: str | None = None
    held: bool | None = None


class Idempotency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A submitter's name for its request, and a keyed digest of what it asked."""

    key: str
    request: str


class Header(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"not_before": "not-before"},
):
    """What describes a transaction and is signed: times are RFC 3339 in UTC, hashes are labelled."""

    origin: str
    agency: str
    count: int
    root: str
    deadline: str
    idempotency: Idempotency
    expectations: tuple[Expectation, ...] = ()
    not_before: str | None = None

    def encode(self) -> bytes:
        """The header's canonical bytes; `transaction` in an entry is their hash."""
        return canonical(msgspec.to_builtins(self))


class Endorsement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature over a transaction's header: the signer's key as text, the signature in unpadded base64url."""

    key: str
    signature: str

    def verify(self, transaction: str, domain: bytes = ENDORSEMENT) -> None:
        """Raise `Unverified` unless the signature is over this transaction; `Malformed` where it is none."""
        try:
            signature = urlsafe_b64decode(self.signature + "=" * (-len(self.signature) % 4))
        except (Base64Error, ValueError):
            raise Malformed("an endorsement's signature is not base64url") from None
        if _base64(signature) != self.signature:
            raise Malformed("an endorsement's signature is not in the one form that base64url gives it")
        PublicKey.parse(self.key).verify(signature, domain + unlabelled(transaction))


def endorse(transaction: str, key: SigningKey, domain: bytes = ENDORSEMENT) -> Endorsement:
    """Sign a transaction, given the labelled hash of its header."""
    return Endorsement(key.public.text, _base64(key.sign(domain + unlabelled(transaction))))


class Transaction:
    """Proposals in one or more registers that take effect together or not at all, with header and endorsements."""

    def __init__(
        self, header: Header, proposals: Sequence[Proposal], endorsements: Sequence[Endorsement] = ()
    ):
        self.header = header
        self.proposals = tuple(proposals)
        self.endorsements = tuple(endorsements)

    @cached_property
    def header_bytes(self) -> bytes:
        """The header's canonical bytes."""
        return self.header.encode()

    @cached_property
    def hash(self) -> str:
        """The transaction's name: the labelled SHA-256 of its header."""
        return labelled(sha256(self.header_bytes).digest())

    @cached_property
    def encoded(self) -> list[Encoded]:
        """Each proposal's canonical bytes, in the runs that an entry is made of."""
        return [encode_proposal(proposal) for proposal in self.proposals]

    @cached_property
    def proposal_bytes(self) -> list[bytes]:
        """Each proposal's canonical bytes."""
        return [
            encoded.proposal(proposal.version)
            for encoded, proposal in zip(self.encoded, self.proposals, strict=True)
        ]

    @cached_property
    def root(self) -> str:
        """The labelled RFC 9162 root over the proposals, which the header must state."""
        return labelled(root(leaf_hashes(self.proposal_bytes)))

    def endorsed(self, endorsements: Sequence[Endorsement]) -> Transaction:
        """The same transaction with other endorsements; what was computed of it is kept."""
        copy = Transaction(self.header, self.proposals, endorsements)
        for name in ("header_bytes", "hash", "encoded", "proposal_bytes", "root"):
            if name in self.__dict__:
                copy.__dict__[name] = self.__dict__[name]
        return copy


def draft(
    header: Header,
    proposals: Sequence[Proposal],
    request: Callable[[Transaction], str],
    keys: Sequence[SigningKey] = (),
) -> Transaction:
    """A transaction whose header states its proposals' number and root, endorsed with `keys`.

    `request` gives the keyed digest of what was asked, once the proposals' root is known.
    """
    transaction = Transaction(header, proposals)
    transaction.header = msgspec.structs.replace(
        header,
        count=len(transaction.proposals),
        root=transaction.root,
        idempotency=Idempotency(header.idempotency.key, request(transaction)),
    )
    return transaction.endorsed([endorse(transaction.hash, key) for key in keys])


_decode_header = msgspec.json.Decoder(Header).decode


def decode_header(data: bytes) -> Header:
    """Read a header's canonical bytes; any other bytes raise `Malformed`."""
    try:
        header = _decode_header(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"these bytes are not a transaction's header: {error}") from None
    if header.encode() != data:
        raise Malformed("these bytes are a header, but not its canonical form")
    return header


def encode_endorsements(endorsements: Sequence[Endorsement]) -> bytes:
    """Endorsements as canonical bytes, in the order in which they came."""
    return canonical(msgspec.to_builtins(tuple(endorsements)))


def decode_endorsements(data: bytes) -> tuple[Endorsement, ...]:
    """Read what `encode_endorsements` wrote; any other bytes raise `Malformed`."""
    try:
        endorsements = msgspec.json.decode(data, type=tuple[Endorsement, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"these bytes are not endorsements: {error}") from None
    if encode_endorsements(endorsements) != data:
        raise Malformed("these bytes are endorsements, but not their canonical form")
    return endorsements


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
