"""The index: its format by hand, its proofs, what they refuse, and the tree that keeps it up to date."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.index import (
    BUCKET,
    PAGE,
    IndexProof,
    IndexTree,
    Page,
    record_key,
    root_of,
    subtree_path,
    subtree_root,
    verify_index,
)
from tests.shared_data import shared


def bucket_hash(*pairs: bytes) -> bytes:
    return sha256(b"\x02" + b"".join(pairs)).digest()


def split_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x03" + left + right).digest()


def key_at(*first: int) -> bytes:
    """A key that begins with these bytes, the rest zero."""
    return bytes(first).ljust(32, b"\0")


def leaf(text: object) -> bytes:
    return sha256(b"\x00" + str(text).encode()).digest()


def records(count: int, name: str = "r") -> dict[bytes, bytes]:
    """The keys and leaf hashes of so many records of the register `title`."""
    return {record_key("title", f"{name}{n}"): leaf(f"{name}{n}") for n in range(count)}


def clustered(seed: int, count: int) -> dict[bytes, bytes]:
    """Keys as an adversary would like them: many share long prefixes, of whole bytes and of odd bits."""
    draw = random.Random(seed)
    prefixes = [b"", b"\xab", bytes(20), b"\xff" * 29, bytes.fromhex("80") * 25]
    keys = (draw.choice(prefixes) + draw.randbytes(32) for _ in range(count))
    return {key[:32]: draw.randbytes(32) for key in keys}


def reference_root(leaves: Mapping[bytes, bytes], prefix: str = "") -> bytes:
    """The definition, word for word: bits as text, a new set for every subtree."""
    below = {key: leaves[key] for key in leaves if f"{int.from_bytes(key, 'big'):0256b}".startswith(prefix)}
    if len(below) <= 16:
        return bucket_hash(*(key + below[key] for key in sorted(below)))
    return split_hash(reference_root(below, prefix + "0"), reference_root(below, prefix + "1"))


def joined(leaves: Mapping[bytes, bytes]) -> bytes:
    return b"".join(key + leaves[key] for key in sorted(leaves))


seeds = st.integers(0, 2**32)
sets = st.builds(clustered, seeds, st.integers(0, 400))
unhurried = settings(max_examples=40, deadline=None)


def shuffled(leaves: Mapping[bytes, bytes], seed: int) -> dict[bytes, bytes]:
    """The same records in another order of arrival."""
    order = sorted(leaves)
    random.Random(seed).shuffle(order)
    return {key: leaves[key] for key in order}


class TestRecordKey:
    def test_it_is_the_hash_of_register_and_record_as_canonical_json(self) -> None:
        assert record_key("land-title", "AB123456") == sha256(b'["land-title","AB123456"]').digest()

    def test_quotes_and_letters_of_any_script_are_written_as_canonical_json_does(self) -> None:
        written = '["register","a\\"b\\\\c\\u0000é日"]'.encode()
        assert record_key("register", 'a"b\\c\0é日') == sha256(written).digest()

    @unhurried
    @given(st.text(), st.text())
    def test_another_writer_of_rfc_8785_gives_the_same_key(self, register: str, record: str) -> None:
        assert record_key(register, record) == sha256(rfc8785.dumps([register, record])).digest()

    def test_names_cannot_run_into_each_other(self) -> None:
        assert record_key("a", "b,c") != record_key("a,b", "c")

    def test_a_name_that_is_no_unicode_text_is_refused(self) -> None:
        with pytest.raises(Malformed, match="cannot be written as JSON"):
            record_key("title", "\ud800")


class TestFormat:
    def test_the_empty_index(self) -> None:
        empty = "dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986"
        assert root_of({}).hex() == sha256(b"\x02").hexdigest() == empty

    def test_up_to_sixteen_records_are_one_bucket_sorted_by_key(self) -> None:
        leaves = {key_at(n * 16): leaf(n) for n in reversed(range(16))}
        assert root_of(leaves) == bucket_hash(*(key_at(n * 16) + leaf(n) for n in range(16)))

    def test_the_seventeenth_splits_the_bucket_at_the_first_bit(self) -> None:
        leaves = {key_at(n * 15): leaf(n) for n in range(17)}
        pairs = [key + leaves[key] for key in sorted(leaves)]
        left = [pair for pair in pairs if pair[0] < 0x80]
        right = [pair for pair in pairs if pair[0] >= 0x80]
        assert (len(left), len(right)) == (9, 8)
        assert root_of(leaves) == split_hash(bucket_hash(*left), bucket_hash(*right))

    def test_a_side_without_records_is_the_empty_bucket(self) -> None:
        leaves = {key_at(0xC0, n): leaf(n) for n in range(0, 255, 15)}
        pairs = [key + leaves[key] for key in sorted(leaves)]
        below = split_hash(bucket_hash(*pairs[:9]), bucket_hash(*pairs[9:]))
        for bit in reversed("11000000"):
            below = split_hash(bucket_hash(), below) if bit == "1" else split_hash(below, bucket_hash())
        assert root_of(leaves) == below

    def test_roots_that_must_never_change(self) -> None:
        assert {count: root_of(records(count)).hex() for count in (1, 17, 1000)} == {
            1: "dd22a54e377c6b602fa240049281fa8d94f9930f0e5c120bffea97205bf1d644",
            17: "30f64f3dec41535cc050ff91bd6c991c7617f853ff367016e514c8aa92fbd9b1",
            1000: "790d85f720959e343a1b785797c03376490918a7bf596c1df0c1fecd43c38d9d",
        }

    @unhurried
    @given(sets)
    def test_the_root_is_that_of_the_definition(self, leaves: dict[bytes, bytes]) -> None:
        assert root_of(leaves) == reference_root(leaves)

    @unhurried
    @given(sets, seeds)
    def test_the_order_of_arrival_does_not_matter(self, leaves: dict[bytes, bytes], seed: int) -> None:
        assert root_of(shuffled(leaves, seed)) == root_of(leaves)

    @unhurried
    @given(sets, st.integers(0, 255), st.integers(0, 399))
    def test_one_changed_bit_of_one_leaf_hash_changes_the_root(
        self, leaves: dict[bytes, bytes], bit: int, which: int
    ) -> None:
        leaves = leaves or {key_at(1): leaf(1)}
        key = sorted(leaves)[which % len(leaves)]
        changed = (int.from_bytes(leaves[key], "big") ^ 1 << bit).to_bytes(32, "big")
        assert root_of(leaves | {key: changed}) != root_of(leaves)

    def test_a_subtree_is_hashed_from_its_own_depth_on(self) -> None:
        leaves = records(200)
        low = joined({key: value for key, value in leaves.items() if key[0] < 0x80})
        high = joined({key: value for key, value in leaves.items() if key[0] >= 0x80})
        assert root_of(leaves) == split_hash(subtree_root(low, 1), subtree_root(high, 1))

    def test_records_of_real_registers(self) -> None:
        leaves = register_records(shared("data/registers"))
        assert len(leaves) > 1000
        assert root_of(leaves) == reference_root(leaves)
        tree = IndexTree()
        tree.update(leaves)
        assert tree.root() == root_of(leaves)


def register_records(folder: Path) -> dict[bytes, bytes]:
    """The latest user entry of every record in the RSF files of a folder."""
    leaves = {}
    for file in sorted(folder.glob("*.rsf")):
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("append-entry\tuser"):
                leaves[record_key(file.stem, line.split("\t")[2])] = leaf(line)
    return leaves


class TestMalformedPairs:
    """What a damaged page may hold: never an endless loop, never the root of the sound page."""

    def test_a_pair_cut_short_is_refused(self) -> None:
        pairs = joined(records(40))
        with pytest.raises(Malformed, match="cut short"):
            subtree_root(pairs[:-1], 0)
        with pytest.raises(Malformed, match="cut short"):
            subtree_root(pairs + b"\0", 0)

    def test_one_key_seventeen_times_is_refused(self) -> None:
        with pytest.raises(Malformed, match="one key many times"):
            subtree_root(b"".join(key_at(7) + leaf(n) for n in range(17)), 0)

    @unhurried
    @given(st.integers(0, 39), st.integers(0, 39))
    def test_two_pairs_in_the_wrong_order_have_another_root(self, first: int, second: int) -> None:
        pairs = joined(records(40))
        split = [pairs[at : at + 64] for at in range(0, len(pairs), 64)]
        split[first], split[second] = split[second], split[first]
        assert (subtree_root(b"".join(split), 0) == subtree_root(pairs, 0)) == (first == second)


class TestProof:
    @unhurried
    @given(sets)
    def test_every_record_is_proved_with_its_leaf_hash(self, leaves: dict[bytes, bytes]) -> None:
        tree = IndexTree()
        tree.update(leaves)
        for key in sorted(leaves)[:: len(leaves) // 40 + 1]:
            assert verify_index(tree.prove(key), key, root_of(leaves)) == leaves[key]

    @unhurried
    @given(sets, st.binary(min_size=32, max_size=32))
    def test_the_absence_of_any_other_key_is_proved(self, leaves: dict[bytes, bytes], key: bytes) -> None:
        leaves.pop(key, None)
        tree = IndexTree()
        tree.update(leaves)
        assert verify_index(tree.prove(key), key, tree.root()) is None

    @unhurried
    @given(sets, st.integers(0, 255))
    def test_the_neighbour_of_a_present_key_is_absent(self, leaves: dict[bytes, bytes], bit: int) -> None:
        tree = IndexTree()
        tree.update(leaves)
        for key in sorted(leaves)[:20]:
            neighbour = (int.from_bytes(key, "big") ^ 1 << bit).to_bytes(32, "big")
            assert verify_index(tree.prove(neighbour), neighbour, tree.root()) == leaves.get(neighbour)

    def test_the_empty_index_proves_absence(self) -> None:
        proof = IndexProof(b"", ())
        assert IndexTree().prove(key_at(1)) == proof
        assert verify_index(proof, key_at(1), root_of({})) is None

    def test_a_path_has_the_bucket_and_its_siblings_upwards(self) -> None:
        leaves = {key_at(n * 15): leaf(n) for n in range(17)}
        left = joined({key: value for key, value in leaves.items() if key[0] < 0x80})
        right = joined({key: value for key, value in leaves.items() if key[0] >= 0x80})
        assert subtree_path(joined(leaves), 0, key_at(0x10)) == (left, [bucket_hash(right)])
        assert subtree_path(joined(leaves), 0, key_at(0xF0)) == (right, [bucket_hash(left)])
        assert subtree_path(right, 1, key_at(0xF0)) == (right, [])

    def test_a_proof_of_a_thousand_records_is_one_bucket_and_a_short_path(self) -> None:
        tree = IndexTree()
        tree.update(records(1000))
        for key in records(1000):
            proof = tree.prove(key)
            assert len(proof.bucket) // 64 <= BUCKET
            assert 6 <= len(proof.siblings) <= 10

    def test_thirty_records_that_differ_in_their_last_byte_alone(self) -> None:
        leaves = {bytes(31) + bytes([n]): leaf(n) for n in range(30)}
        tree = IndexTree()
        tree.update(leaves)
        assert tree.root() == reference_root(leaves)
        proof = tree.prove(bytes(32))
        assert len(proof.siblings) == 252
        assert verify_index(proof, bytes(32), tree.root()) == leaf(0)

    def test_a_key_that_stands_inside_leaf_hashes_is_still_absent(self) -> None:
        """Its bytes stand in the bucket: as one record's leaf hash, and across the middle of two pairs."""
        first, second = key_at(1), key_at(2)
        across = bytes(16) + second[:16]
        leaves = {first: bytes(32), second: across}
        tree = IndexTree()
        tree.update(leaves)
        for key in (bytes(32), across, bytes(31) + b"\x02"):
            assert verify_index(tree.prove(key), key, root_of(leaves)) is None
            assert tree.get(key) is None
        tree.put(across, leaf("now present"))
        assert tree.get(across) == (leaf("now present"), b"")
        assert verify_index(tree.prove(across), across, tree.root()) == leaf("now present")


def proof_of(count: int, which: int = 0) -> tuple[IndexProof, bytes, bytes]:
    """A proof of one of so many records, its key and the root."""
    leaves = records(count)
    tree = IndexTree()
    tree.update(leaves)
    key = sorted(leaves)[which]
    return tree.prove(key), key, tree.root()


class TestRefusal:
    """What is not exactly the proof is refused, whatever root or bucket an attacker chooses."""

    @pytest.mark.parametrize("present", [True, False])
    def test_any_changed_bit(self, present: bool) -> None:
        proof, key, root = proof_of(40)
        key = key if present else key[:31] + b"?"
        assert (verify_index(proof, key, root) is not None) == present
        parts = [proof.bucket, *proof.siblings]
        for place, part in enumerate(parts):
            for bit in range(len(part) * 8):
                changed = (int.from_bytes(part, "big") ^ 1 << bit).to_bytes(len(part), "big")
                other = [*parts[:place], changed, *parts[place + 1 :]]
                with pytest.raises(Unverified):
                    verify_index(IndexProof(other[0], tuple(other[1:])), key, root)

    @unhurried
    @given(st.integers(0, 255))
    def test_another_root(self, bit: int) -> None:
        proof, key, root = proof_of(300)
        other = (int.from_bytes(root, "big") ^ 1 << bit).to_bytes(32, "big")
        with pytest.raises(Unverified, match="does not lead to the index root"):
            verify_index(proof, key, other)

    @unhurried
    @given(st.data())
    def test_a_proof_of_another_record_proves_nothing_about_this_one(self, data: st.DataObject) -> None:
        proof, _, root = proof_of(300, data.draw(st.integers(0, 299)))
        other = sorted(records(300))[data.draw(st.integers(0, 299))]
        if other in [proof.bucket[at : at + 32] for at in range(0, len(proof.bucket), 64)]:
            assert verify_index(proof, other, root) == records(300)[other]
        else:
            with pytest.raises(Unverified, match="belongs elsewhere"):
                verify_index(proof, other, root)

    def test_a_present_record_cannot_be_hidden_by_leaving_it_out(self) -> None:
        proof, key, root = proof_of(300)
        at = proof.bucket.find(key)
        with pytest.raises(Unverified, match="does not lead"):
            verify_index(replace(proof, bucket=proof.bucket[:at] + proof.bucket[at + 64 :]), key, root)

    def test_an_absent_record_cannot_be_put_in(self) -> None:
        proof, _, root = proof_of(300)
        key = proof.bucket[:31] + b"\xff"
        bucket = proof.bucket[:64] + key + leaf("forged") + proof.bucket[64:]
        with pytest.raises(Unverified, match="does not lead"):
            verify_index(replace(proof, bucket=bucket), key, root)

    def test_a_path_cannot_be_cut_or_prolonged(self) -> None:
        proof, key, root = proof_of(300)
        for siblings in (proof.siblings[1:], proof.siblings[:-1], (), (*proof.siblings, bucket_hash())):
            with pytest.raises(Unverified):
                verify_index(replace(proof, siblings=siblings), key, root)

    def test_a_split_cannot_be_shown_as_a_bucket(self) -> None:
        """Two siblings are as long as a pair; the prefixes 0x02 and 0x03 tell them apart."""
        tree = IndexTree()
        tree.update(records(17))
        left, right = tree.prove(key_at(0xFF)).siblings[-1], tree.prove(key_at(0)).siblings[-1]
        assert tree.root() == split_hash(left, right)
        with pytest.raises(Unverified, match="does not lead"):
            verify_index(IndexProof(left + right, ()), left, tree.root())

    @pytest.mark.parametrize("order", [(1, 0), (0, 0)], ids=["unsorted", "a record twice"])
    def test_a_bucket_out_of_order_even_under_a_root_made_of_it(self, order: tuple[int, int]) -> None:
        bucket = b"".join(key_at(n) + leaf(n) for n in order)
        with pytest.raises(Unverified, match="not sorted, or has a record twice"):
            verify_index(IndexProof(bucket, ()), key_at(0), bucket_hash(bucket))

    def test_one_record_with_two_leaf_hashes(self) -> None:
        bucket = key_at(1) + leaf("a") + key_at(1) + leaf("b")
        with pytest.raises(Unverified, match="a record twice"):
            verify_index(IndexProof(bucket, ()), key_at(1), bucket_hash(bucket))

    def test_a_bucket_of_seventeen_even_under_a_root_made_of_it(self) -> None:
        bucket = b"".join(key_at(n) + leaf(n) for n in range(17))
        with pytest.raises(Unverified, match="over 16 pairs"):
            verify_index(IndexProof(bucket, ()), key_at(0), bucket_hash(bucket))

    def test_half_a_pair_even_under_a_root_made_of_it(self) -> None:
        bucket = key_at(1)
        with pytest.raises(Unverified, match="half a one"):
            verify_index(IndexProof(bucket, ()), key_at(1), bucket_hash(bucket))

    @pytest.mark.parametrize("misplaced", [[0x80], [0x40, 0x80], [0x7F, 0xFF]], ids=str)
    def test_a_record_in_a_bucket_where_it_does_not_belong(self, misplaced: list[int]) -> None:
        bucket = b"".join(key_at(first) + leaf(first) for first in misplaced)
        sibling = bucket_hash()
        low, high = split_hash(bucket_hash(bucket), sibling), split_hash(sibling, bucket_hash(bucket))
        with pytest.raises(Unverified, match="belongs elsewhere"):
            verify_index(IndexProof(bucket, (sibling,)), key_at(0x40), low)
        if misplaced[0] < 0x80:
            with pytest.raises(Unverified, match="belongs elsewhere"):
                verify_index(IndexProof(bucket, (sibling,)), key_at(0xFF), high)

    def test_more_siblings_than_a_key_has_bits(self) -> None:
        key = bytes(32)
        digest = bucket_hash(key + leaf(1))
        for _ in range(257):
            digest = split_hash(digest, bucket_hash())
        with pytest.raises(Unverified, match="wrong length"):
            verify_index(IndexProof(key + leaf(1), (bucket_hash(),) * 257), key, digest)

    def test_siblings_that_are_no_hashes(self) -> None:
        """31 and 33 bytes would fit where two hashes stand."""
        digest = bucket_hash(key_at(1) + leaf(1))
        for sibling in (bytes(31), bytes(33), b""):
            root = split_hash(digest, sibling)
            with pytest.raises(Unverified, match="wrong length"):
                verify_index(IndexProof(key_at(1) + leaf(1), (sibling,)), key_at(1), root)

    def test_a_key_of_the_wrong_length(self) -> None:
        proof, key, root = proof_of(5)
        for wrong in (key[:31], key + b"\0", b""):
            with pytest.raises(Unverified, match="wrong length"):
                verify_index(proof, wrong, root)

    def test_a_trie_that_was_split_too_early_still_gives_one_answer(self) -> None:
        """Not well formed, and so no root that anybody computes; but it cannot say both yes and no."""
        low, high = key_at(0) + leaf("low"), key_at(0x80) + leaf("high")
        root = split_hash(bucket_hash(low), bucket_hash(high))
        assert verify_index(IndexProof(low, (bucket_hash(high),)), key_at(0), root) == leaf("low")
        for claim in (IndexProof(b"", (bucket_hash(high),)), IndexProof(low + high, ()), IndexProof(b"", ())):
            with pytest.raises(Unverified, match="does not lead"):
                verify_index(claim, key_at(0), root)


class TestTree:
    @unhurried
    @given(st.lists(sets, max_size=4), st.booleans())
    def test_batch_by_batch_it_has_the_root_of_the_whole(
        self, batches: list[dict[bytes, bytes]], between: bool
    ) -> None:
        tree, whole = IndexTree(), dict[bytes, bytes]()
        for batch in batches:
            tree.update(batch)
            whole |= batch
            if between:
                assert tree.root() == root_of(whole)
        assert tree.root() == root_of(whole)

    @unhurried
    @given(sets, seeds)
    def test_it_gives_back_what_was_put_last(self, leaves: dict[bytes, bytes], seed: int) -> None:
        tree, model, draw = IndexTree(meta_width=10), dict[bytes, tuple[bytes, bytes]](), random.Random(seed)
        for key in [*leaves, *draw.sample(sorted(leaves), len(leaves) // 2)]:
            assert tree.get(key) == model.get(key)
            model[key] = (draw.randbytes(32), draw.randbytes(10))
            tree.put(key, *model[key])
        assert {key: tree.get(key) for key in leaves} == model
        assert tree.root() == root_of({key: value for key, (value, _) in model.items()})

    def test_what_stands_beside_a_pair_is_not_hashed(self) -> None:
        tree = IndexTree(meta_width=2)
        tree.put(key_at(1), leaf(1), b"v1")
        before = tree.root()
        tree.put(key_at(1), leaf(1), b"v2")
        assert tree.get(key_at(1)) == (leaf(1), b"v2")
        assert tree.root() == before == root_of({key_at(1): leaf(1)})

    def test_a_key_that_is_not_there(self) -> None:
        tree = IndexTree()
        tree.update(records(200))
        assert tree.get(record_key("title", "none")) is None

    @unhurried
    @given(sets, seeds)
    def test_pages_follow_from_the_records_alone(self, leaves: dict[bytes, bytes], seed: int) -> None:
        one, other = IndexTree(), IndexTree()
        one.update(leaves)
        other.update(shuffled(leaves, seed))
        pages = list(one.pages())
        assert list(other.pages()) == pages
        assert b"".join(pairs for _, (pairs, _) in pages) == joined(leaves)

    def test_a_page_is_the_highest_node_with_at_most_96_pairs(self) -> None:
        tree = IndexTree(meta_width=1)
        for key, value in records(1000).items():
            tree.put(key, value, b"m")
        sizes = {node: len(pairs) // 64 for node, (pairs, _) in tree.pages()}
        assert sum(sizes.values()) == 1000
        assert max(sizes.values()) <= PAGE == 96
        assert all(size + sizes.get(node ^ 1, PAGE) > PAGE for node, size in sizes.items())
        assert all(len(meta) == sizes[node] for node, (_, meta) in tree.pages())

    def test_ninety_six_records_are_one_page_and_one_more_makes_two(self) -> None:
        tree = IndexTree()
        tree.update(records(96))
        assert [node for node, _ in tree.pages()] == [1]
        tree.update(records(97))
        assert [node for node, _ in tree.pages()] == [2, 3]

    def test_a_hundred_records_with_one_prefix_of_120_bits(self) -> None:
        leaves = {b"\xa5" * 15 + leaf(n)[:17]: leaf(n) for n in range(100)}
        tree = IndexTree()
        tree.update(leaves)
        assert max(node.bit_length() - 1 for node, _ in tree.pages()) == 121
        assert tree.root() == reference_root(leaves)
        for key, value in leaves.items():
            assert verify_index(tree.prove(key), key, tree.root()) == value

    def test_wrong_lengths_are_refused_and_leave_the_tree_as_it_was(self) -> None:
        tree = IndexTree(meta_width=10)
        tree.put(key_at(1), leaf(1), bytes(10))
        root = tree.root()
        for value, meta in ((leaf(1)[:31], bytes(10)), (leaf(1), bytes(9)), (leaf(1), b"")):
            with pytest.raises(Malformed, match="32 bytes with 10 bytes beside it"):
                tree.put(key_at(1), value, meta)
        with pytest.raises(Malformed, match="an index key has 32 bytes, not 31"):
            tree.put(bytes(31), leaf(1), bytes(10))
        with pytest.raises(Malformed, match="an index key has 32 bytes, not 33"):
            tree.get(bytes(33))
        with pytest.raises(Malformed, match="an index key has 32 bytes, not 0"):
            tree.prove(b"")
        assert tree.root() == root


class Shelf(IndexTree):
    """A tree that holds at most three pages in memory; all stand on a shelf, as they would in a database."""

    def __init__(self, shelf: dict[int, Page]) -> None:
        super().__init__(meta_width=4)
        self.shelf = shelf
        self.loads = 0
        self.held = OrderedDict[int, Page]()
        if shelf:
            self._resume(
                {node: subtree_root(pairs, node.bit_length() - 1) for node, (pairs, _) in shelf.items()}
            )

    def _load(self, node: int) -> Page:
        self.loads += 1
        if node not in self.held:
            self._hold(node, self.shelf.get(node, (b"", b"")))
        return self.held[node]

    def _keep(self, node: int, page: Page) -> None:
        self.shelf[node] = page
        self._hold(node, page)

    def _drop(self, node: int) -> None:
        self.shelf.pop(node, None)
        self.held.pop(node, None)

    def _hold(self, node: int, page: Page) -> None:
        self.held[node] = page
        if len(self.held) > 3:
            self.held.popitem(last=False)


class TestPagesElsewhere:
    def test_it_works_with_three_pages_in_memory(self) -> None:
        tree = Shelf({})
        for key, value in records(2000).items():
            tree.put(key, value, key[:4])
        assert tree.root() == root_of(records(2000))
        assert {key: tree.get(key) for key in records(2000)} == {
            key: (value, key[:4]) for key, value in records(2000).items()
        }
        assert sorted(tree.shelf) == sorted(node for node, _ in tree.pages())

    def test_reopened_it_goes_on_where_it_was(self) -> None:
        tree = Shelf({})
        for key, value in records(1500).items():
            tree.put(key, value, b"last")
        reopened = Shelf(tree.shelf)
        assert reopened.root() == tree.root()
        for key, value in records(700, "new").items():
            reopened.put(key, value, b"next")
        whole = records(1500) | records(700, "new")
        assert reopened.root() == root_of(whole)
        for key in list(whole)[::11]:
            assert verify_index(reopened.prove(key), key, root_of(whole)) == whole[key]

    def test_only_pages_that_changed_are_hashed_again(self) -> None:
        tree = Shelf({})
        for key, value in records(2000).items():
            tree.put(key, value, b"last")
        tree.root()
        tree.loads = 0
        tree.root()
        assert tree.loads == 0
        tree.put(record_key("title", "r7"), leaf("changed"), b"next")
        tree.put(record_key("title", "r7"), leaf("changed again"), b"next")
        assert tree.loads == 2
        assert tree.root() == root_of(records(2000) | {record_key("title", "r7"): leaf("changed again")})
        assert tree.loads == 3

    def test_a_page_changed_on_the_shelf_changes_the_root(self) -> None:
        tree = Shelf({})
        for key, value in records(300).items():
            tree.put(key, value, b"last")
        root = tree.root()
        node, (pairs, meta) = next(iter(tree.shelf.items()))
        tree.shelf[node] = (pairs[:-1] + bytes([pairs[-1] ^ 1]), meta)
        assert Shelf(tree.shelf).root() != root

    @pytest.mark.parametrize(
        "nodes",
        [[], [2], [3], [2, 2 * 3], [1, 2], [1, 3], [2, 3, 4], [0, 1], [-1, 1], [2, 3, 2 << 256]],
        ids=str,
    )
    def test_pages_that_overlap_or_leave_a_gap_are_refused(self, nodes: list[int]) -> None:
        with pytest.raises(Malformed, match="overlap or leave a gap"):
            IndexTree()._resume(dict.fromkeys(nodes, leaf(0)))

    @pytest.mark.parametrize("nodes", [[1], [2, 3], [4, 5, 3], [3, 5, 4], [2, 6, 14, 15]], ids=str)
    def test_pages_that_cover_every_key_once_are_taken(self, nodes: list[int]) -> None:
        tree = IndexTree()
        tree._resume(dict.fromkeys(nodes, bucket_hash()))
        digests = dict.fromkeys(nodes, bucket_hash())
        for node in range(max(nodes) // 2, 0, -1):
            if node not in digests and 2 * node in digests:
                digests[node] = split_hash(digests[2 * node], digests[2 * node + 1])
        assert tree.root() == digests[1]
