"""RFC 9162 trees against the vectors of transparency-dev/merkle, and against the RFC's definitions."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    node_hash,
    parents,
    root,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.shared_data import SHARED, shared

MERKLE = SHARED / "tlog-data" / "merkle"
LEAVES = leaf_hashes(str(number).encode() for number in range(600))

# ---- The RFC's definitions, word for word ----------------------------------------------------------


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: Sequence[bytes]) -> bytes:
    """Section 2.1.1, over leaf hashes."""
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Sequence[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(d) == 1:
        return []
    k = split(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Sequence[bytes], known: bool) -> list[bytes]:
    """Section 2.1.4.1."""
    if m == len(d):
        return [] if known else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], known), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def paths(wanted: set[int], d: Sequence[bytes]) -> list[bytes]:
    """Section 2.1.3.1 for several leaves: as `inclusion_proof` defines it."""
    if not wanted:
        return [mth(d)]
    if len(d) == 1:
        return []
    k = split(len(d))
    left, right = {m for m in wanted if m < k}, {m - k for m in wanted if m >= k}
    return paths(left, d[:k]) + paths(right, d[k:]) if left else paths(right, d[k:]) + paths(left, d[:k])


def nodes(d: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """The complete subtrees of a tree, each built anew."""

    def node(level: int, index: int) -> bytes:
        leaves = d[index << level : (index + 1) << level]
        assert len(leaves) == 1 << level, "asked for a subtree that is not complete"
        return mth(leaves)

    return node


# ---- Hashes and roots ------------------------------------------------------------------------------


def test_hashes_and_roots_are_those_of_the_certificate_transparency_test_tree() -> None:
    data = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    hashes = leaf_hashes(bytes.fromhex(leaf) for leaf in data)
    assert hashes[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert [root(hashes[:size]).hex() for size in range(9)] == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    assert root([]) == EMPTY_ROOT


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_many_hashes_at_once_are_the_single_ones(data: list[bytes]) -> None:
    hashes = leaf_hashes(data)
    assert hashes == [leaf_hash(each) for each in data] == [sha256(b"\0" + each).digest() for each in data]
    assert parents(hashes) == [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes) - 1, 2)]


def test_the_batch_builder_gives_the_root_that_the_rfc_defines_and_keeps_its_input() -> None:
    for size in range(200):
        hashes = LEAVES[:size]
        assert root(hashes) == mth(LEAVES[:size])
        assert hashes == LEAVES[:size]


# ---- Compact ranges --------------------------------------------------------------------------------


def test_a_compact_range_has_the_root_at_every_size_however_the_leaves_come() -> None:
    chunks = random.Random(9162)
    for size in range(601):
        edge, done = CompactRange(), 0
        while done < size:
            step = chunks.choice([0, 1, 2, 3, 64, 255, 256, size - done])
            edge.extend(LEAVES[done : min(size, done + step)])
            done = min(size, done + step)
        assert (edge.size, edge.root()) == (size, root(LEAVES[:size]))


@given(st.integers(0, 600), st.integers(0, 600))
def test_a_compact_range_goes_on_from_its_size_and_hashes(first: int, second: int) -> None:
    first, second = sorted((first, second))
    before = CompactRange()
    before.extend(LEAVES[:first])
    taken_up = CompactRange(before.size, before.hashes)
    taken_up.extend(LEAVES[first:second])
    assert (taken_up.size, taken_up.root()) == (second, root(LEAVES[:second]))


def test_appending_one_by_one_leaves_a_copy_as_it_was() -> None:
    edge = CompactRange()
    for number, leaf in enumerate(LEAVES[:70]):
        before = edge.copy()
        edge.append(leaf)
        assert (before.size, before.root()) == (number, root(LEAVES[:number]))
        assert (edge.size, edge.root()) == (number + 1, root(LEAVES[: number + 1]))


def test_the_hashes_of_a_compact_range_are_its_complete_subtrees_from_the_left() -> None:
    edge = CompactRange()
    edge.extend(LEAVES[:13])
    assert edge.hashes == (mth(LEAVES[:8]), mth(LEAVES[8:12]), LEAVES[12])


@pytest.mark.parametrize(
    ("size", "hashes", "why"),
    [
        (3, LEAVES[:1], "1 hashes are not the edge of a tree of 3"),
        (4, LEAVES[:2], "2 hashes are not the edge of a tree of 4"),
        (-1, LEAVES[:1], "not the edge of a tree of -1"),
        (2**64, LEAVES[:1], "not the edge of a tree of 18446744073709551616"),
        (1, [LEAVES[0][:31]], "not 32 bytes long"),
    ],
)
def test_an_edge_that_does_not_fit_its_size_is_refused(size: int, hashes: list[bytes], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        CompactRange(size, hashes)


# ---- Vectors by others -----------------------------------------------------------------------------


Vector = dict[str, Any]


def vectors(kind: str, wanted: Callable[[Vector], bool] = lambda vector: True) -> list[Path]:
    """The vectors of a folder; a missing file, whose test is skipped, where the folder is not there."""
    files = sorted((MERKLE / kind).rglob("*.json")) or [MERKLE / kind / "missing.json"]
    return [file for file in files if not file.exists() or wanted(read(file))]


def case(file: Path) -> str:
    return str(file.relative_to(MERKLE))


def read(file: Path) -> Vector:
    """A vector with its hashes as bytes; `proof` is null where it is empty."""
    vector: Vector = json.loads(shared(str(file.relative_to(SHARED))).read_bytes())
    hashes = {"root", "root1", "root2", "leafHash"} & vector.keys()
    proof = [base64.b64decode(each) for each in vector["proof"] or []]
    return {**vector, **{name: base64.b64decode(vector[name]) for name in hashes}, "proof": proof}


def judge(vector: Vector, verify: Callable[[], None]) -> None:
    if vector["wantErr"]:
        with pytest.raises(Unverified):
            verify()
    else:
        verify()


@pytest.mark.parametrize("file", vectors("inclusion"), ids=case)
def test_inclusion_vectors_get_their_verdict(file: Path) -> None:
    v = read(file)
    judge(v, lambda: verify_inclusion({v["leafIdx"]: v["leafHash"]}, v["treeSize"], v["proof"], v["root"]))


@pytest.mark.parametrize("file", vectors("subtreeinclusion"), ids=case)
def test_inclusion_in_a_subtree_is_inclusion_in_a_tree_of_its_leaves(file: Path) -> None:
    v = read(file)
    index, size = v["leafIdx"] - v["start"], v["end"] - v["start"]
    judge(v, lambda: verify_inclusion({index: v["leafHash"]}, size, v["proof"], v["root"]))


@pytest.mark.parametrize("file", vectors("consistency"), ids=case)
def test_consistency_vectors_get_their_verdict(file: Path) -> None:
    v = read(file)
    judge(v, lambda: verify_consistency(v["size1"], v["size2"], v["root1"], v["root2"], v["proof"]))


@pytest.mark.parametrize(
    "file", vectors("subtreeconsistency", lambda v: v["start"] == 0 and v["end"] > 0), ids=case
)
def test_consistency_of_a_subtree_at_the_left_is_consistency_of_a_prefix(file: Path) -> None:
    v = read(file)
    judge(v, lambda: verify_consistency(v["end"], v["size"], v["root1"], v["root2"], v["proof"]))


# ---- Inclusion -------------------------------------------------------------------------------------


def test_the_proof_for_one_leaf_is_that_of_the_rfc_and_verifies() -> None:
    for size in range(1, 40):
        tree = LEAVES[:size]
        for index in range(size):
            proof = inclusion_proof([index], size, nodes(tree))
            assert proof == path(index, tree)
            verify_inclusion({index: tree[index]}, size, proof, mth(tree))


def test_the_rfc_example_of_seven_leaves() -> None:
    """Section 2.1.5: the audit paths for d0, d3, d4 and d6."""
    a, b, c, d, e, f, j = LEAVES[:7]
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741  # the RFC's name
    node = nodes(LEAVES[:7])
    assert inclusion_proof([0], 7, node) == [b, h, l]
    assert inclusion_proof([3], 7, node) == [c, g, l]
    assert inclusion_proof([4], 7, node) == [f, j, k]
    assert inclusion_proof([6], 7, node) == [i, k]
    assert inclusion_proof([0, 6], 7, node) == [b, h, i]
    assert inclusion_proof([6, 4, 4], 7, node) == [f, k]
    assert inclusion_proof(range(7), 7, node) == []


subsets = st.integers(1, 150).flatmap(
    lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), min_size=1, max_size=40))
)


@given(subsets)
def test_one_proof_for_many_leaves_follows_the_recursion_and_verifies(case: tuple[int, set[int]]) -> None:
    size, wanted = case
    tree = LEAVES[:size]
    proof = inclusion_proof(list(wanted), size, nodes(tree))
    assert proof == paths(wanted, tree)
    leaves = {index: tree[index] for index in wanted}
    assert root_from_inclusion(leaves, size, proof) == mth(tree)
    verify_inclusion(leaves, size, proof, mth(tree))


def flips(hashes: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The hashes with each of their bytes changed once."""
    for place, each in enumerate(hashes):
        for at in range(len(each)):
            changed = each[:at] + bytes([each[at] ^ (1 << at % 8)]) + each[at + 1 :]
            yield [*hashes[:place], changed, *hashes[place + 1 :]]


def rearranged(proof: list[bytes]) -> Iterator[list[bytes]]:
    """The proof with a hash left out, put in, cut, or in another's place."""
    for place in range(len(proof)):
        yield proof[:place] + proof[place + 1 :]
        yield [*proof[:place], proof[place][:31], *proof[place + 1 :]]
        yield [*proof[:place], proof[place] + b"\0", *proof[place + 1 :]]
        if place:
            yield [*proof[: place - 1], proof[place], proof[place - 1], *proof[place + 1 :]]
    for place in range(len(proof) + 1):
        yield [*proof[:place], LEAVES[-1], *proof[place:]]
        yield [*proof[:place], b"", *proof[place:]]


@settings(max_examples=25, deadline=None)
@given(subsets)
def test_no_inclusion_proof_survives_a_change(case: tuple[int, set[int]]) -> None:
    size, wanted = case
    tree = LEAVES[:size]
    top, proof = mth(tree), inclusion_proof(list(wanted), size, nodes(tree))
    leaves = {index: tree[index] for index in wanted}
    for changed in [*flips(proof), *rearranged(proof)]:
        with pytest.raises(Unverified):
            verify_inclusion(leaves, size, changed, top)
    for changed in flips(list(leaves.values())):
        with pytest.raises(Unverified):
            verify_inclusion(dict(zip(leaves, changed, strict=True)), size, proof, top)
    for (other,) in flips([top]):
        with pytest.raises(Unverified):
            verify_inclusion(leaves, size, proof, other)


@given(subsets, st.data())
def test_a_leaf_is_proved_at_its_own_index_only(case: tuple[int, set[int]], data: st.DataObject) -> None:
    size, wanted = case
    proof = inclusion_proof(list(wanted), size, nodes(LEAVES[:size]))
    index, other = data.draw(st.sampled_from(sorted(wanted))), data.draw(st.integers(0, size - 1))
    moved = {other if each == index else each: LEAVES[each] for each in sorted(wanted)}
    if moved != {each: LEAVES[each] for each in wanted}:
        with pytest.raises(Unverified):
            verify_inclusion(moved, size, proof, mth(LEAVES[:size]))


@pytest.mark.parametrize(
    ("leaves", "size", "proof", "why"),
    [
        ({}, 4, [], "about one leaf at least"),
        ({4: LEAVES[4]}, 4, LEAVES[:2], "the leaf 4 is outside the tree of 4"),
        ({-1: LEAVES[0], 1: LEAVES[1]}, 4, LEAVES[:2], "the leaf -1 is outside the tree of 4"),
        ({0: LEAVES[0]}, 0, [], "the leaf 0 is outside the tree of 0"),
        ({0: LEAVES[0]}, -1, [], "-1 is not a tree size"),
        ({0: LEAVES[0]}, 2**63 + 1, LEAVES[:63], "9223372036854775809 is not a tree size"),
        ({0: LEAVES[0]}, 4, LEAVES[:1], "too short: 1 hashes for a tree of 4"),
        ({0: LEAVES[0]}, 4, LEAVES[:3], "too long: 3 hashes for a tree of 4"),
        ({0: LEAVES[0]}, 4, [LEAVES[1], b"\0" * 33], "a hash of the inclusion proof is not 32 bytes long"),
        ({0: b""}, 4, LEAVES[:2], "a hash of the leaves to be proved is not 32 bytes long"),
        ({0: LEAVES[0]}, 4, LEAVES[1:3], "does not lead to the root of the tree of 4"),
    ],
)
def test_a_refused_inclusion_says_why(
    leaves: dict[int, bytes], size: int, proof: list[bytes], why: str
) -> None:
    with pytest.raises(Unverified, match=why):
        verify_inclusion(leaves, size, proof, mth(LEAVES[:4]))


@pytest.mark.parametrize(
    ("indices", "size"), [([], 4), ([4], 4), ([-1], 4), ([0], 0), ([0], -1), ([0], 2**63 + 1)]
)
def test_there_is_no_proof_of_what_is_not_in_the_tree(indices: list[int], size: int) -> None:
    with pytest.raises(Unverified):
        inclusion_proof(indices, size, nodes(LEAVES[:4]))


# ---- Consistency -----------------------------------------------------------------------------------


def test_the_consistency_proof_is_that_of_the_rfc_and_verifies() -> None:
    for second in range(1, 48):
        tree = LEAVES[:second]
        for first in range(1, second + 1):
            proof = consistency_proof(first, second, nodes(tree))
            assert proof == subproof(first, tree, True)
            verify_consistency(first, second, mth(tree[:first]), mth(tree), proof)


pairs = st.tuples(st.integers(1, 150), st.integers(1, 150)).map(sorted)


@settings(max_examples=25, deadline=None)
@given(pairs)
def test_no_consistency_proof_survives_a_change(sizes: list[int]) -> None:
    first, second = sizes
    old, new = mth(LEAVES[:first]), mth(LEAVES[:second])
    proof = consistency_proof(first, second, nodes(LEAVES[:second]))
    for changed in [*flips(proof), *rearranged(proof)]:
        with pytest.raises(Unverified):
            verify_consistency(first, second, old, new, changed)
    for old_changed, new_changed in flips([old, new]):
        with pytest.raises(Unverified):
            verify_consistency(first, second, old_changed, new_changed, proof)


@given(pairs, st.integers(0, 149))
def test_a_rewritten_history_is_consistent_with_none_of_its_roots(sizes: list[int], at: int) -> None:
    first, second = sizes
    rewritten = list(LEAVES[:second])
    rewritten[at % first] = leaf_hash(b"rewritten")
    proof = consistency_proof(first, second, nodes(rewritten))
    with pytest.raises(Unverified):
        verify_consistency(first, second, mth(LEAVES[:first]), mth(rewritten), proof)


@pytest.mark.parametrize(
    ("first", "second", "proof", "why"),
    [
        (0, 4, [], "no consistency proof leads from 0 to 4"),
        (0, 0, [], "no consistency proof leads from 0 to 0"),
        (-1, 4, [], "no consistency proof leads from -1 to 4"),
        (5, 4, [], "no consistency proof leads from 5 to 4"),
        (4, 2**63 + 1, [], "no consistency proof leads from 4 to 9223372036854775809"),
        (3, 4, LEAVES[:1], "has 1 hashes; from 3 to 4 it has 3"),
        (4, 4, LEAVES[:1], "has 1 hashes; from 4 to 4 it has 0"),
        (4, 6, [b""], "a hash of the consistency proof is not 32 bytes long"),
        (3, 4, LEAVES[1:4], "does not lead to the root of the tree of 3"),
        (4, 6, LEAVES[:1], "does not lead to the root of the tree of 6"),
    ],
)
def test_a_refused_consistency_says_why(first: int, second: int, proof: list[bytes], why: str) -> None:
    with pytest.raises(Unverified, match=why):
        verify_consistency(first, second, mth(LEAVES[: max(first, 0)]), mth(LEAVES[:6]), proof)


@pytest.mark.parametrize(("first", "second"), [(0, 4), (5, 4), (-1, 4), (4, 2**63 + 1)])
def test_there_is_no_consistency_proof_between_such_sizes(first: int, second: int) -> None:
    with pytest.raises(Unverified):
        consistency_proof(first, second, nodes(LEAVES[:4]))


# ---- Sizes that nobody has -------------------------------------------------------------------------

UNIFORM = [LEAVES[0]]
for _ in range(63):
    UNIFORM.append(node_hash(UNIFORM[-1], UNIFORM[-1]))


def uniform(level: int, index: int) -> bytes:
    """The nodes of a tree, as large as may be, whose leaves are all the same."""
    return UNIFORM[level]


def uniform_root(size: int) -> bytes:
    return CompactRange(size, [UNIFORM[bit] for bit in reversed(range(64)) if size >> bit & 1]).root()


@pytest.mark.parametrize("size", [2**63, 2**63 - 1, 2**62 + 1, 2**32 + 5])
def test_proofs_in_trees_of_any_size_stay_small(size: int) -> None:
    for index in (0, 1, size // 2, size - 1):
        proof = inclusion_proof([index], size, uniform)
        assert len(proof) <= 63
        verify_inclusion({index: LEAVES[0]}, size, proof, uniform_root(size))
    for first in (1, size // 2, size - 1, size):
        proof = consistency_proof(first, size, uniform)
        assert len(proof) <= 64
        verify_consistency(first, size, uniform_root(first), uniform_root(size), proof)


def test_ten_thousand_leaves_of_the_largest_tree_are_proved_at_once() -> None:
    draw = random.Random(1)
    wanted = {draw.randrange(2**63) for _ in range(10_000)}
    proof = inclusion_proof(list(wanted), 2**63, uniform)
    assert len(proof) < 10_000 * 63
    verify_inclusion(dict.fromkeys(wanted, LEAVES[0]), 2**63, proof, uniform_root(2**63))
    with pytest.raises(Unverified, match="too short"):
        verify_inclusion(dict.fromkeys(wanted, LEAVES[0]), 2**63, proof[:-1], uniform_root(2**63))
