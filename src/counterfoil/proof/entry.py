"""Proposals and entries: their fields, their canonical bytes, and how one gives the other.

An entry is a proposal with its place: `number`, `time`, `transaction` and `previous` (and `version`, in registers
that only append). Canonical JSON sorts its members, so the place can be spliced between four runs of a proposal's
bytes without writing them again; `Encoded` keeps those runs.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import orjson

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import MAX_INTEGER, Json, canonical, check_profile, unlabelled
from counterfoil.proof.instant import instant

OPERATIONS: Final = frozenset({"create", "amend", "correct", "annul", "close", "erase"})
WRITING: Final = frozenset({"create", "amend", "correct"})
"""Operations that state a record's content; the others may leave it out."""
ENDING: Final = frozenset({"annul", "close"})
"""Operations after which a record takes no other change than `erase`."""
MAX_ENTRY_BYTES: Final = 65_535
"""C2SP tlog-tiles: an entry bundle gives each entry a 16-bit length."""
MAX_BODY_DEPTH: Final = 16
"""How deep a body's fields may be nested."""


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A keyed digest that at most one live record may hold, under a name in a scope."""

    scope: str
    name: str
    digest: str


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another record that this one points to, and in which role."""

    role: str
    register: str
    record: str


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many items sealed at once: the RFC 9162 root over their bytes, and how many they are."""

    root: str
    size: int


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An entry as submitted and endorsed, before the ledger gives it its place.

    `version` is the compare-and-set: one more than the version the submitter saw; None in `append` registers.
    `body`, `item` (a commitment), `document` (a hash) and `tree` are the content, any of them. `control` is the
    endorsement policy of the record's next change.
    """

    register: str
    record: str
    operation: str
    version: int | None = None
    status: str | None = None
    body: Json | None = None
    item: str | None = None
    document: str | None = None
    tree: Tree | None = None
    claims: tuple[Claim, ...] = ()
    references: tuple[Reference, ...] = ()
    control: Json | None = None

    @property
    def fields(self) -> dict[str, Json]:
        """The fields in the clear; none where the content is not a body."""
        return dict(self.body["fields"]) if self.body else {}

    def encode(self) -> bytes:
        """The proposal's canonical bytes: a leaf of its transaction's tree. Raises `Malformed`."""
        return encode_proposal(self).proposal(self.version)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One immutable version of a record, as it stands in the log."""

    number: int
    time: str
    register: str
    record: str
    version: int
    operation: str
    transaction: str | None = None
    previous: str | None = None
    status: str | None = None
    body: Json | None = None
    item: str | None = None
    document: str | None = None
    tree: Tree | None = None
    claims: tuple[Claim, ...] = ()
    references: tuple[Reference, ...] = ()
    control: Json | None = None

    def proposal(self, *, append: bool = False) -> Proposal:
        """What was proposed: this entry without its place (`append`: the ledger gave the version too)."""
        return Proposal(
            self.register,
            self.record,
            self.operation,
            None if append else self.version,
            self.status,
            self.body,
            self.item,
            self.document,
            self.tree,
            self.claims,
            self.references,
            self.control,
        )

    def encode(self) -> bytes:
        """The entry's canonical bytes: a leaf of the log. Raises `Malformed`."""
        place = Place(self.number, self.time.encode(), self.transaction, self.previous)
        return encode_proposal(self.proposal()).entry(place, self.version)

    @property
    def fields(self) -> dict[str, Json]:
        """The fields in the clear; none where the content is not a body."""
        return dict(self.body["fields"]) if self.body else {}

    @property
    def circumstances(self) -> dict[str, Json]:
        """Who acted, why, on which basis, and the clocks of older books, as far as they stand in the clear."""
        return dict(self.body.get("circumstances", {})) if self.body else {}


class Place(NamedTuple):
    """Where the ledger put an entry: `transaction` and `previous` are labelled hashes."""

    number: int
    time: bytes
    transaction: str | None
    previous: str | None


class Encoded(NamedTuple):
    """A proposal's canonical bytes in the runs between which an entry's place is spliced."""

    head: bytes
    operation: bytes
    names: bytes
    tree: bytes

    def proposal(self, version: int | None) -> bytes:
        """The proposal's canonical bytes."""
        if version is None:
            return b"{%b}" % b"".join(self)[:-1]
        return b'{%b%b%b%b"version":%d}' % (*self, version)

    def entry(self, place: Place, version: int) -> bytes:
        """The entry's canonical bytes at `place`."""
        head, operation, names, tree = self
        number, time, transaction, previous = place
        return b'{%b"number":%d,%b%b%b"time":"%b",%b%b"version":%d}' % (
            head,
            number,
            operation,
            b'"previous":"%b",' % previous.encode() if previous else b"",
            names,
            time,
            b'"transaction":"%b",' % transaction.encode() if transaction else b"",
            tree,
            version,
        )


def encode_proposal(proposal: Proposal) -> Encoded:
    """The runs of a proposal's canonical bytes. Raises `Malformed` where a value cannot be written."""
    if proposal.version is not None and not 0 < proposal.version <= MAX_INTEGER:
        raise Malformed("a proposal's version must be from 1 up to 2^53 - 1, or be left out")
    head = b""
    if proposal.body is not None:
        head = b'"body":%b,' % canonical(proposal.body)
    if proposal.claims:
        head += b'"claims":%b,' % canonical(msgspec.to_builtins(proposal.claims))
    if proposal.control is not None:
        head += b'"control":%b,' % canonical(proposal.control)
    if proposal.document is not None:
        head += b'"document":%b,' % canonical(proposal.document)
    if proposal.item is not None:
        head += b'"item":%b,' % canonical(proposal.item)
    references = b""
    if proposal.references:
        references = b'"references":%b,' % canonical(msgspec.to_builtins(proposal.references))
    try:
        names = b'"record":%b,%b"register":%b,' % (
            orjson.dumps(proposal.record),
            references,
            orjson.dumps(proposal.register),
        )
        if proposal.status is not None:
            names += b'"status":%b,' % orjson.dumps(proposal.status)
        operation = b'"operation":%b,' % orjson.dumps(proposal.operation)
    except orjson.JSONEncodeError as error:
        raise Malformed(f"a name in the proposal cannot be written as JSON: {error}") from None
    tree = b""
    if proposal.tree is not None:
        tree = b'"tree":%b,' % canonical(msgspec.to_builtins(proposal.tree))
    return Encoded(head, operation, names, tree)


def check_body(body: Json) -> None:
    """Raise `Malformed` unless `body` holds "fields" and at most "circumstances" beside, in the register profile."""
    if type(body) is not dict or type(body.get("fields")) is not dict:
        raise Malformed('a body must be an object with "fields", which is an object too')
    check_profile(body["fields"], "the body", MAX_BODY_DEPTH)
    if len(body) > 1:
        circumstances = body.get("circumstances")
        if len(body) > 2 or type(circumstances) is not dict:
            raise Malformed('a body has "fields" and "circumstances", both objects, and nothing else')
        check_profile(circumstances, "the circumstances", MAX_BODY_DEPTH)


def _check_content(content: Entry | Proposal) -> None:
    if content.operation not in OPERATIONS:
        raise Malformed(
            f"{content.operation[:40]!r} is no operation; use one of {', '.join(sorted(OPERATIONS))}"
        )
    if content.body is not None:
        check_body(content.body)
    if content.control is not None:
        check_profile(content.control, "the control", MAX_BODY_DEPTH)


def _check_place(entry: Entry) -> None:
    if not 0 <= entry.number <= MAX_INTEGER or not 0 < entry.version <= MAX_INTEGER:
        raise Malformed("an entry's number is from 0, and its version from 1, up to 2^53 - 1")
    instant(entry.time)
    for name in (entry.transaction, entry.previous):
        if name is not None:
            unlabelled(name)


_decode_entry = msgspec.json.Decoder(Entry).decode
_decode_proposal = msgspec.json.Decoder(Proposal).decode


def decode_entry(data: bytes) -> Entry:
    """Read an entry's canonical bytes; any other bytes, also of the same JSON value, raise `Malformed`."""
    try:
        entry = _decode_entry(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"these bytes are not an entry: {error}") from None
    _check_place(entry)
    _check_content(entry)
    if entry.encode() != data:
        raise Malformed("these bytes are an entry, but not its canonical form")
    return entry


def decode_proposal(data: bytes) -> Proposal:
    """Read a proposal's canonical bytes; any other bytes, also of the same JSON value, raise `Malformed`."""
    try:
        proposal = _decode_proposal(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"these bytes are not a proposal: {error}") from None
    _check_content(proposal)
    if proposal.encode() != data:
        raise Malformed("these bytes are a proposal, but not its canonical form")
    return proposal
