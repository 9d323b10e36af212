"""The index: a Merkle trie from every record to its latest entry, which proves presence and absence alike.

This is the format's definition. All hashes are SHA-256.

- A record's *key* is the hash of canonical JSON `["register","record"]`: 32 bytes, read as 256 bits, most
  significant first.
- A *pair* is a key and the RFC 9162 leaf hash of the record's latest entry: 64 bytes.
- The *subtree* at depth d holds the pairs that share one prefix of d bits, sorted by key. With at most 16
  pairs it is a *bucket*, whose hash is SHA-256(0x02 ‖ pairs). With more it is split by bit d into a left
  subtree (bit 0) and a right one (bit 1), both at depth d + 1, and its hash is SHA-256(0x03 ‖ left ‖ right).
  A subtree without pairs is the bucket without pairs. The *root* is the hash of the subtree at depth 0.

The shape follows from the set of pairs alone, so one set has one root, whatever the order of arrival. A
*proof* is one bucket and the hashes of the siblings from it up to the root: the key's pair stands in that
bucket, or there is none. RFC 9162 uses the prefixes 0x00 and 0x01: no index node is ever one of the log's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final, TypeAlias

import orjson

from counterfoil.errors import Malformed, Unverified

HASH: Final = 32
PAIR: Final = 64
BITS: Final = 256
BUCKET: Final = 16
PAGE: Final = 96  # of `IndexTree`, no part of the format
_BUCKET_BYTES: Final = BUCKET * PAIR

Page: TypeAlias = tuple[bytes, bytes]
"""The pairs of one trie node, concatenated in order, and likewise their side column."""


def record_key(register: str, record: str) -> bytes:
    """The 32-byte key of a record. Raises `Malformed` where a name is no Unicode text."""
    try:
        return sha256(orjson.dumps([register, record])).digest()
    except orjson.JSONEncodeError as error:
        raise Malformed(f"the record's name cannot be written as JSON: {error}") from None


def subtree_root(pairs: bytes, depth: int) -> bytes:
    """The hash of the subtree at `depth` that holds `pairs`: concatenated, sorted by key, no key twice.

    All of them share the first `depth` bits. That and their order are not checked, but different bytes have
    different hashes. Raises `Malformed` where a pair is cut short, or over 16 pairs have one key.
    """
    if len(pairs) <= _BUCKET_BYTES:
        return sha256(b"\x02" + pairs).digest()
    if depth >= BITS or len(pairs) % PAIR:
        raise Malformed("the index has a pair cut short, or one key many times; rebuild it from the log")
    return _split_root(pairs, 0, len(pairs) >> 6, depth, pairs[depth >> 3 :: PAIR])


def _split_root(pairs: bytes, low: int, high: int, depth: int, column: bytes) -> bytes:
    # The index's hottest loop. `column` is the byte of every key that holds bit `depth`: sorted, as the keys
    # from `low` to `high` share all before it, so one bisection in C finds the split and no pair is copied.
    bit = 0x80 >> (depth & 7)
    middle = bisect_left(column, (column[low] | bit) & -bit, low, high)
    depth += 1
    if not depth & 7:
        left = subtree_root(pairs[low << 6 : middle << 6], depth)
        return sha256(b"\x03" + left + subtree_root(pairs[middle << 6 : high << 6], depth)).digest()
    if middle - low <= BUCKET:
        left = sha256(b"\x02" + pairs[low << 6 : middle << 6]).digest()
    else:
        left = _split_root(pairs, low, middle, depth, column)
    if high - middle <= BUCKET:
        right = sha256(b"\x02" + pairs[middle << 6 : high << 6]).digest()
    else:
        right = _split_root(pairs, middle, high, depth, column)
    return sha256(b"\x03" + left + right).digest()


def subtree_path(pairs: bytes, depth: int, key: bytes) -> tuple[bytes, list[bytes]]:
    """The bucket that `key` falls in, and the sibling hashes from that bucket up to `depth`, lowest first.

    `pairs` is as for `subtree_root`; the key shares their first `depth` bits.
    """
    siblings = []
    while len(pairs) > _BUCKET_BYTES:
        middle = _boundary(pairs, depth)
        left, right = pairs[:middle], pairs[middle:]
        pairs, other = (right, left) if key[depth >> 3] & 0x80 >> (depth & 7) else (left, right)
        depth += 1
        siblings.append(subtree_root(other, depth))
    siblings.reverse()
    return pairs, siblings


def root_of(leaves: Mapping[bytes, bytes]) -> bytes:
    """The root over a whole set: leaf hash by key."""
    return subtree_root(b"".join(key + leaf for key, leaf in sorted(leaves.items())), 0)


@dataclass(frozen=True, slots=True)
class IndexProof:
    """What an index root says about one key: the bucket's pairs, and the siblings from it up to the root."""

    bucket: bytes
    siblings: tuple[bytes, ...]


def verify_index(proof: IndexProof, key: bytes, root: bytes) -> bytes | None:
    """The leaf hash of the latest entry of the record with this key; None: it is proved that there is none.

    Raises `Unverified` unless the proof leads to `root` in the form that the format gives it.

    For one root and one key at most one answer verifies, even under a root that no well-formed trie has:
    each hash opens to one node, 0x02 and 0x03 tell bucket from split, and the key's bits choose the side. So
    a proof need not show that every split holds more than 16 pairs: a trie that was split too early cannot
    give two answers either, and its root is not the one that nodes and audits compute from the log.
    """
    bucket, siblings = proof.bucket, proof.siblings
    depth = len(siblings)
    if len(key) != HASH or depth > BITS or any(len(sibling) != HASH for sibling in siblings):
        raise Unverified("the index proof has a key, path or sibling of the wrong length; ask for it again")
    _check_bucket(bucket, key, depth)
    path = int.from_bytes(key, "big") >> (BITS - depth)
    digest = sha256(b"\x02" + bucket).digest()
    for sibling in siblings:
        digest = sha256(b"\x03" + sibling + digest if path & 1 else b"\x03" + digest + sibling).digest()
        path >>= 1
    if digest != root:
        raise Unverified("the index proof does not lead to the index root; ask for the proof as of this root")
    at = _find(bucket, key)
    return bucket[at + HASH : at + PAIR] if at >= 0 else None


def _check_bucket(bucket: bytes, key: bytes, depth: int) -> None:
    if len(bucket) % PAIR or len(bucket) > _BUCKET_BYTES:
        raise Unverified(f"the index proof's bucket has over {BUCKET} pairs, or half a one; ask for it again")
    keys = [bucket[at : at + HASH] for at in range(0, len(bucket), PAIR)]
    if any(low >= high for low, high in pairwise(keys)):
        raise Unverified("the index proof's bucket is not sorted, or has a record twice; ask for it again")
    shift = BITS - depth
    prefix = int.from_bytes(key, "big") >> shift
    if any(int.from_bytes(end, "big") >> shift != prefix for end in keys[:1] + keys[-1:]):
        raise Unverified("the index proof's bucket holds a record that belongs elsewhere; ask for it again")


class IndexTree:
    """A trie that takes changes and rehashes, when asked for its root, only what they touched.

    A trie node is known by its id `(1 << depth) | prefix`, the root by 1. A *page* is the highest node with
    at most `PAGE` pairs, so the pages too follow from the set of pairs. Beside each pair stand `meta_width`
    bytes that are not hashed, `meta`. Records never leave. A subclass may keep pages elsewhere: it overrides
    `_load`, `_keep` and `_drop`, and hands the roots of pages kept earlier to `_resume`. The pages' roots and
    the hashes above them stay in memory.
    """

    def __init__(self, meta_width: int = 0) -> None:
        self._width = meta_width
        self._pages: dict[int, Page] = {1: (b"", b"")}
        self._hashes: dict[int, bytes] = {}
        self._stale = {1}
        self._starts = [bytes(HASH)]
        self._nodes = [1]

    def get(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The leaf hash and side column of a key; None where it is not there."""
        pairs, meta = self._load(self._page_of(key))
        at = _find(pairs, key)
        if at < 0:
            return None
        return pairs[at + HASH : at + PAIR], meta[(at >> 6) * self._width :][: self._width]

    def put(self, key: bytes, leaf: bytes, meta: bytes = b"") -> None:
        """Set the leaf hash (32 bytes) and side column of a key. Raises `Malformed` for any other length."""
        width = self._width
        if len(leaf) != HASH or len(meta) != width:
            raise Malformed(f"an index entry is a leaf hash of {HASH} bytes with {width} bytes beside it")
        node = self._page_of(key)
        self._settle(node, *_insert(*self._load(node), key, leaf, meta))

    def put_all(self, changes: Mapping[bytes, tuple[bytes, bytes]]) -> None:
        """Set the leaf hash and side column of many keys, given as they are to `put`, each page once."""
        keys = sorted(changes)
        at, last = 0, len(keys)
        while at < last:
            place = bisect_right(self._starts, keys[at])
            node = self._nodes[place - 1]
            end = bisect_left(keys, self._starts[place], at) if place < len(self._starts) else last
            pairs, metas = self._load(node)
            for key in keys[at:end]:
                pairs, metas = _insert(pairs, metas, key, *changes[key])
            self._settle(node, pairs, metas)
            at = end

    def update(self, changes: Mapping[bytes, bytes]) -> None:
        """Set many leaf hashes by key, in a tree without side column. Raises `Malformed` as `put` does."""
        for key, leaf in changes.items():
            self.put(key, leaf)

    def root(self) -> bytes:
        """The root over all that was put, as `root_of` gives it."""
        if self._stale:
            for node in self._stale:
                self._hashes[node] = subtree_root(self._load(node)[0], node.bit_length() - 1)
            self._rehash_above(self._stale)
            self._stale = set()
        return self._hashes[1]

    def prove(self, key: bytes) -> IndexProof:
        """The proof of a key's presence or absence under `root()`."""
        self.root()
        node = self._page_of(key)
        bucket, siblings = subtree_path(self._load(node)[0], node.bit_length() - 1, key)
        while node > 1:
            siblings.append(self._hashes[node ^ 1])
            node >>= 1
        return IndexProof(bucket, tuple(siblings))

    def pages(self) -> Iterator[tuple[int, Page]]:
        """Every page by its node id, in the order of keys."""
        return ((node, self._load(node)) for node in self._nodes)

    def below(self, node: int) -> Page:
        """The pairs below a trie node, and what stands beside them, whatever pages hold them."""
        first = max(bisect_right(self._starts, _start(node).to_bytes(HASH, "big")) - 1, 0)
        end = _start(node) + (1 << BITS - node.bit_length() + 1)
        last = bisect_left(self._starts, end.to_bytes(HASH, "big")) if end < 1 << BITS else len(self._starts)
        pages = [self._load(each) for each in self._nodes[first:last]]
        return b"".join(pairs for pairs, _ in pages), b"".join(metas for _, metas in pages)

    def _load(self, node: int) -> Page:
        """The page of a node, as it was last kept."""
        return self._pages[node]

    def _keep(self, node: int, page: Page) -> None:
        """Keep a new or changed page."""
        self._pages[node] = page

    def _drop(self, node: int) -> None:
        """Let go of a page that is split; it need not have been kept."""
        self._pages.pop(node, None)

    def _resume(self, roots: Mapping[int, bytes]) -> None:
        """Begin with pages that were kept earlier, given their `subtree_root` by node id.

        Raises `Malformed` unless every key falls in exactly one of them.
        """
        spans = sorted((_start(node), node) for node in roots if 0 < node < 2 << BITS)
        ends = [start + (1 << BITS - node.bit_length() + 1) for start, node in spans]
        if len(spans) != len(roots) or [0, *ends] != [*(start for start, _ in spans), 1 << BITS]:
            raise Malformed("the index's pages overlap or leave a gap; rebuild them from the log")
        self._starts = [start.to_bytes(HASH, "big") for start, _ in spans]
        self._nodes = [node for _, node in spans]
        self._pages, self._stale, self._hashes = {}, set(), dict(roots)
        self._rehash_above(roots)

    def _page_of(self, key: bytes) -> int:
        if len(key) != HASH:
            raise Malformed(f"an index key has {HASH} bytes, not {len(key)}; make it with record_key")
        return self._nodes[bisect_right(self._starts, key) - 1]

    def _settle(self, node: int, pairs: bytes, metas: bytes) -> None:
        """Keep a page, or where it is too full two in its place, and so on where all went to one side."""
        if len(pairs) <= PAGE * PAIR:
            self._stale.add(node)
            self._keep(node, (pairs, metas))
            return
        self._stale.discard(node)
        self._drop(node)
        left, right = 2 * node, 2 * node + 1
        place = bisect_left(self._starts, _start(node).to_bytes(HASH, "big"))
        self._nodes[place : place + 1] = [left, right]
        self._starts.insert(place + 1, _start(right).to_bytes(HASH, "big"))
        middle = _boundary(pairs, node.bit_length() - 1)
        slot = (middle >> 6) * self._width
        self._settle(left, pairs[:middle], metas[:slot])
        self._settle(right, pairs[middle:], metas[slot:])

    def _rehash_above(self, nodes: Iterable[int]) -> None:
        above = set()
        for node in nodes:
            parent = node >> 1
            while parent and parent not in above:
                above.add(parent)
                parent >>= 1
        hashes = self._hashes
        for node in sorted(above, reverse=True):  # deeper nodes have greater ids: children come first
            hashes[node] = sha256(b"\x03" + hashes[2 * node] + hashes[2 * node + 1]).digest()


def _start(node: int) -> int:
    """The lowest key below a trie node, as a number."""
    return (node << BITS - node.bit_length() + 1) - (1 << BITS)


def _boundary(pairs: bytes, depth: int) -> int:
    """Where in some pairs, which share the first `depth` bits, those with the next bit set begin."""
    column = pairs[depth >> 3 :: PAIR]
    bit = 0x80 >> (depth & 7)
    return bisect_left(column, (column[0] | bit) & -bit) << 6


def _find(pairs: bytes, key: bytes) -> int:
    """Where the pair of `key` begins; -1 where there is none. (Bisecting takes three times as long.)"""
    at = pairs.find(key)
    while at > 0 and at % PAIR:  # a match that is not a key: in a leaf hash, or across two
        at = pairs.find(key, at + 1)
    return at


def _insert(pairs: bytes, metas: bytes, key: bytes, leaf: bytes, meta: bytes) -> Page:
    """A page with one more pair, or with another leaf hash in the pair of `key`."""
    at = _find(pairs, key)
    after = at + PAIR
    if at < 0:
        at = after = _place(pairs, key)
    width = len(meta)
    return (
        b"".join((pairs[:at], key, leaf, pairs[after:])),
        b"".join((metas[: (at >> 6) * width], meta, metas[(after >> 6) * width :])),
    )


def _place(pairs: bytes, key: bytes) -> int:
    """Where the pair of an absent `key` belongs."""
    return bisect_left(range(0, len(pairs), PAIR), key, key=lambda at: pairs[at : at + HASH]) << 6
