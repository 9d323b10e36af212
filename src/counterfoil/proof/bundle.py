"""Proof bundles: one JSON file with all that is needed to check entries of a ledger offline.

`docs/proof-bundle.md` says what each member is and how to check it by hand; `bundle.schema.json` beside this
module is the form as a JSON Schema. Here a bundle is read, written and held to its form. What it proves is
judged by `counterfoil.proof.verify`.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import MAX_INTEGER, Json, canonical, parse
from counterfoil.proof.entry import MAX_ENTRY_BYTES
from counterfoil.proof.merkle import HASH_BYTES
from counterfoil.proof.note import MAX_NOTE_BYTES, encode_base64
from counterfoil.proof.transaction import Endorsement

FORMAT: Final = "proof-bundle/v1"
TLOG_PROOF: Final = "c2sp.org/tlog-proof@v1"
MAX_BUNDLE_BYTES: Final = 64 << 20
MAX_HEADER_BYTES: Final = 1 << 20
MAX_SIGNATURES: Final = 50_000
"""How many endorsements all transactions of a bundle may have together: each costs a tenth of a millisecond."""

Hash: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
"""32 bytes; in JSON as padded base64 (RFC 4648 section 4)."""
Hashes: TypeAlias = Annotated[tuple[Hash, ...], msgspec.Meta(max_length=1 << 20)]
"""The hashes of a proof, in its order."""
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
"""An entry's number, or a log's size."""
Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=255)]


class Beginning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the log began: size and labelled root, and the RFC 9162 consistency proof from there to the checkpoint."""

    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
    root: str
    proof: Hashes


class BundledTransaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction that wrote some of the entries.

    `first`: the number of its first entry, so that the proposal of entry n stands at n - `first`. `header`: its
    canonical text. `inclusion`: the proof of those proposals under the header's root.
    """

    first: Number
    header: Annotated[str, msgspec.Meta(max_length=MAX_HEADER_BYTES)]
    endorsements: Annotated[tuple[Endorsement, ...], msgspec.Meta(max_length=256)]
    inclusion: Hashes


class IndexClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"as_of": "as-of"}):
    """What the index says about one record: its bucket and siblings (see `proof.index`).

    `as_of` is the number of the `.index` entry whose root the proof leads to. `key` is the record's key in the
    index: it follows from the two names, and stands here so that no change to them makes another claim.
    """

    as_of: Number
    register: Name
    record: Name
    key: Hash
    bucket: Annotated[bytes, msgspec.Meta(max_length=1024)]
    siblings: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=256)]


class Disclosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some fields of the item that entry `number` commits to, and the digests of the others (`proof.disclosure`)."""

    number: Number
    shown: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)]
    hidden: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=1000)]


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A proof bundle. Members that would be empty are left out.

    - `checkpoint`: the signed checkpoint, as the text of its C2SP note.
    - `entries`: the canonical text of each entry, in the order of their numbers.
    - `inclusion`: the proof that all of them stand in the checkpoint's log (`merkle.inclusion_proof`).
    - `genesis`: how the log began, for a trust policy that pins it.
    - `append`: the registers among the entries' in which the ledger, not the submitter, gives the version.
    - `transactions`: what was endorsed, in the order of `first`.
    - `index`, `disclosures`: claims about records and shown fields of items.
    - `seal`: kept for a later version, and not checked by this one.
    """

    format: str
    checkpoint: Annotated[str, msgspec.Meta(max_length=MAX_NOTE_BYTES)]
    entries: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=250_000)]
    inclusion: Hashes = ()
    genesis: Beginning | None = None
    append: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)] = ()
    transactions: Annotated[tuple[BundledTransaction, ...], msgspec.Meta(max_length=50_000)] = ()
    index: Annotated[tuple[IndexClaim, ...], msgspec.Meta(max_length=10_000)] = ()
    disclosures: Annotated[tuple[Disclosure, ...], msgspec.Meta(max_length=10_000)] = ()
    seal: Json | None = None

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """Read a bundle's JSON, canonical or not. Raises `Malformed`.

        Apart from white space, the order of members and escapes in text, a bundle has one form: base64 is
        canonical, and what would be empty is not there.
        """
        if len(data) > MAX_BUNDLE_BYTES:
            raise Malformed(f"the proof bundle has {len(data)} bytes; at most {MAX_BUNDLE_BYTES} are read")
        value = parse(data, "the proof bundle")
        stated = value.get("format") if isinstance(value, dict) else None
        if stated != FORMAT:
            raise Malformed(f"this is no proof bundle of format {FORMAT}; its format is {str(stated)[:40]!r}")
        try:
            bundle = msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            raise Malformed(f"the proof bundle is not in form: {error}") from None
        form = canonical(msgspec.to_builtins(bundle))
        if form not in (data, canonical(value)):
            raise Malformed(
                "the proof bundle writes a hash or an empty member in another form than the one it has"
            )
        _check_counts(bundle)
        return bundle

    def encode(self) -> bytes:
        """The bundle's canonical JSON. Raises `Malformed` where it cannot be written or would be too large."""
        data = canonical(msgspec.to_builtins(self))
        if len(data) > MAX_BUNDLE_BYTES:
            raise Malformed(
                f"the proof bundle would have {len(data)} bytes and may have {MAX_BUNDLE_BYTES}; prove less at a time"
            )
        return data


def to_tlog_proof(bundle: Bundle) -> bytes:
    """The proof file of C2SP tlog-proof for a bundle of one entry, for tools by others.

    Raises `Malformed` for a bundle of several entries: their proof is one proof, not one each.
    """
    if len(bundle.entries) != 1:
        raise Malformed(
            f"a .tlog-proof is about one entry, and this bundle has {len(bundle.entries)}; prove the entry alone"
        )
    number = parse(bundle.entries[0].encode(), "the entry").get("number")
    hashes = [encode_base64(each) for each in bundle.inclusion]
    return "\n".join([TLOG_PROOF, f"index {number}", *hashes, "", bundle.checkpoint]).encode()


def _check_counts(bundle: Bundle) -> None:
    for text in bundle.entries:
        if len(text) > MAX_ENTRY_BYTES or (not text.isascii() and len(text.encode()) > MAX_ENTRY_BYTES):
            raise Malformed(f"an entry of the proof bundle has over {MAX_ENTRY_BYTES} bytes, which none has")
    if sum(len(each.endorsements) for each in bundle.transactions) > MAX_SIGNATURES:
        raise Malformed(f"the proof bundle has over {MAX_SIGNATURES} endorsements; ask for less at a time")
