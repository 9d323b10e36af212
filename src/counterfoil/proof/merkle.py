"""RFC 9162 Merkle trees: hashes, the batch builder, compact ranges, inclusion and consistency proofs.

Leaves and nodes are 32-byte SHA-256 hashes, indices count from 0, and a tree of `size` leaves splits at the
largest power of two below `size` (section 2.1.1). Nothing here keeps a tree: proofs are made from a function
of the caller's that gives the hashes of complete subtrees. A subtree is named by its leaves, [start, end).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from counterfoil.errors import Malformed, Unverified

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63
EMPTY_ROOT: Final = sha256().digest()
"""The root of the tree without leaves (RFC 9162 section 2.1.1)."""

Node: TypeAlias = Callable[[int, int], bytes]
"""`(level, index)` to the hash of the complete subtree over the 2**level leaves from index * 2**level."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data): the hash of one leaf (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right): the hash of an inner node (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """The leaf hashes of many leaves at once, in their order."""
    # Hot: calling `leaf_hash` for each would cost a twentieth more.
    return [sha256(b"\x00" + data).digest() for data in leaves]


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above: the node hash of each pair, in order. A last hash without a partner is left out."""
    # Hot: of eight ways to walk the pairs, two slices and `zip` measured fastest.
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes, built level by level (RFC 9162 section 2.1.1)."""
    if not hashes:
        return EMPTY_ROOT
    while len(hashes) > 1:
        above = parents(hashes)
        if len(hashes) & 1:
            above.append(hashes[-1])
        hashes = above
    return hashes[0]


class CompactRange:
    """The right edge of a growing tree: what it takes to append and to give the root, 64 hashes at most."""

    __slots__ = ("_edge", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Go on from a tree of `size` with these `hashes`. Raises `Malformed` where the two do not fit."""
        if not 0 <= size <= MAX_SIZE or len(hashes) != size.bit_count():
            raise Malformed(
                f"{len(hashes)} hashes are not the edge of a tree of {size}; give one for each bit set"
            )
        if any(len(each) != HASH_BYTES for each in hashes):
            raise Malformed(f"the edge of the tree of {size} has a hash that is not {HASH_BYTES} bytes long")
        left = list(hashes)
        self._size = size
        self._edge = [left.pop() if size >> level & 1 else None for level in range(size.bit_length())]

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees side by side that are the tree, the largest first."""
        return tuple(each for each in reversed(self._edge) if each is not None)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the right, in order. Many at once cost little more than their node hashes."""
        row = list(leaves)
        self._size += len(row)
        level = 0
        while row:
            if level == len(self._edge):
                self._edge.append(None)
            waiting = self._edge[level]
            if waiting is not None:
                row.insert(0, waiting)
            self._edge[level] = row.pop() if len(row) & 1 else None
            row = parents(row)
            level += 1

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        return _join(self.hashes)

    def copy(self) -> CompactRange:
        """The same edge again, to append to apart from this one."""
        return CompactRange(self._size, self.hashes)


def inclusion_proof(indices: Sequence[int], size: int, node: Node) -> list[bytes]:
    """The proof that the leaves at `indices` (at least one, in any order) stand in the tree of `size`.

    For one index it is that of RFC 9162 section 2.1.3.1. For several, by the same recursion: a subtree
    without a wanted leaf gives its hash; where both halves hold one, the left half's part stands before the
    right's; where one does, its part stands before the other's hash; a subtree of wanted leaves only gives
    nothing. Raises `Unverified` where there is no such proof: no index, one outside the tree, a size out of
    range.
    """
    wanted = sorted(set(indices))
    _check_indices(wanted, size)
    return [_subtree(start, end, node) for start, end in _missing(wanted, len(wanted), size)]


def root_from_inclusion(leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes]) -> bytes:
    """The root to which leaf hashes (by index) and their inclusion proof lead.

    Raises `Unverified` where they do not fit each other or the size.
    """
    wanted = sorted(leaves)
    _check_indices(wanted, size)
    hashes = [leaves[index] for index in wanted]
    _check_hashes(hashes, "the leaves to be proved")
    _check_hashes(proof, "the inclusion proof")
    rest = iter(proof)
    try:
        result = _rebuild(wanted, hashes, 0, len(wanted), 0, size, rest)
    except StopIteration:
        raise Unverified(
            f"the inclusion proof is too short: {len(proof)} hashes for a tree of {size}"
        ) from None
    if next(rest, None) is not None:
        raise Unverified(f"the inclusion proof is too long: {len(proof)} hashes for a tree of {size}")
    return result


def verify_inclusion(leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the tree of `size` with `root` has these leaf hashes at these indices.

    `proof` is what `inclusion_proof` gives for the same indices; for one index the check is that of RFC 9162
    section 2.1.3.2. Raises `Unverified`, and says what failed.
    """
    if root_from_inclusion(leaves, size, proof) != root:
        raise Unverified(f"the inclusion proof does not lead to the root of the tree of {size}")


def consistency_proof(first: int, second: int, node: Node) -> list[bytes]:
    """The proof that the tree of `first` is a prefix of the tree of `second` (RFC 9162 section 2.1.4.1).

    Raises `Unverified` where there is none: `first` is 0 or above `second`, or a size is out of range.
    """
    _check_prefix(first, second)
    start = 0 if first == second else first & (first - 1)
    proof = [_subtree(*part, node) for part in _missing(range(start, first), first - start, second)]
    return proof if start == 0 else [_subtree(start, first, node), *proof]


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `first` is a prefix of the tree of `second` (RFC 9162 section 2.1.4.2).

    Equal sizes need equal roots and an empty proof. `first` is not 0: the empty tree is a prefix of every
    tree, and there is nothing to prove. Raises `Unverified`, and says what failed.
    """
    _check_prefix(first, second)
    _check_hashes(proof, "the consistency proof")
    complete = first == second or first & (first - 1) == 0
    sides = [] if first == second else _sides(first - 1, (first & -first).bit_length() - 1, second)
    needed = len(sides) if complete else len(sides) + 1
    if len(proof) != needed:
        raise Unverified(
            f"the consistency proof has {len(proof)} hashes; from {first} to {second} it has {needed}"
        )
    rest = iter(proof)
    old = new = first_root if complete else next(rest)
    for left, sibling in zip(sides, rest, strict=True):
        new = node_hash(sibling, new) if left else node_hash(new, sibling)
        old = node_hash(sibling, old) if left else old
    if old != first_root:
        raise Unverified(f"the consistency proof does not lead to the root of the tree of {first}")
    if new != second_root:
        raise Unverified(f"the consistency proof does not lead to the root of the tree of {second}")


def _missing(wanted: Sequence[int], count: int, size: int) -> Iterator[tuple[int, int]]:
    """The largest subtrees that hold none of the `count` sorted indices, in the order of a proof."""
    todo = [(0, count, 0, size)]
    while todo:
        low, high, start, end = todo.pop()
        if low == high:
            yield start, end
        while 0 < high - low < end - start:
            middle = start + _split(end - start)
            cut = bisect_left(wanted, middle, low, high)
            if cut == low:
                todo.append((low, low, start, middle))
                start = middle
            else:
                todo.append((cut, high, middle, end))
                high, end = cut, middle


def _subtree(start: int, end: int, node: Node) -> bytes:
    """The hash of the subtree [start, end), joined from complete ones where the tree's end cuts it off."""
    level = (end - start).bit_length() - 1
    middle = start + (1 << level)
    left = node(level, start >> level)
    return left if middle == end else node_hash(left, _subtree(middle, end, node))


def _join(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def _rebuild(
    wanted: list[int], hashes: list[bytes], low: int, high: int, start: int, end: int, rest: Iterator[bytes]
) -> bytes:
    """The hash of the subtree [start, end) from its leaves hashes[low:high] and the rest of a proof."""
    if high - low == 1:
        return _climb(hashes[low], wanted[low] - start, end - start, rest)
    if high - low == end - start:
        return root(hashes[low:high])
    middle = start + _split(end - start)
    cut = bisect_left(wanted, middle, low, high)
    left = _rebuild(wanted, hashes, low, cut, start, middle, rest) if cut > low else None
    right = _rebuild(wanted, hashes, cut, high, middle, end, rest) if cut < high else next(rest)
    return node_hash(next(rest) if left is None else left, right)


def _climb(result: bytes, index: int, size: int, rest: Iterator[bytes]) -> bytes:
    """The hash of a tree of `size` from one leaf's and the rest of a proof."""
    for left in _sides(index, 0, size):
        sibling = next(rest)
        result = sha256(b"\x01" + (sibling + result if left else result + sibling)).digest()
    return result


def _sides(leaf: int, level: int, size: int) -> list[int]:
    """Going up from the complete subtree at `level` that holds `leaf`: does the sibling stand at the left?"""
    shared = (leaf ^ (size - 1)).bit_length()
    return [leaf >> bit & 1 for bit in range(level, shared)] + [1] * (leaf >> shared).bit_count()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _check_indices(wanted: list[int], size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise Unverified(f"{size} is not a tree size; it must be from 0 to 2^63")
    if not wanted:
        raise Unverified("an inclusion proof must be about one leaf at least")
    outermost = wanted[0] if wanted[0] < 0 else wanted[-1]
    if not 0 <= outermost < size:
        raise Unverified(f"the leaf {outermost} is outside the tree of {size}")


def _check_prefix(first: int, second: int) -> None:
    if not 0 < first <= second <= MAX_SIZE:
        raise Unverified(
            f"no consistency proof leads from {first} to {second}; it needs 1 <= first <= second <= 2^63"
        )


def _check_hashes(hashes: Sequence[bytes], where: str) -> None:
    if not {HASH_BYTES}.issuperset(map(len, hashes)):
        raise Unverified(f"a hash of {where} is not {HASH_BYTES} bytes long")
