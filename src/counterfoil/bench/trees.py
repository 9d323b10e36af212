"""Trees and proofs: against the hashes they need, and against an independent implementation."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from time import process_time
from typing import Final, TypeVar

from counterfoil.bench.measure import Figure, alternate, cpu, figure
from counterfoil.proof.index import IndexTree, record_key, verify_index
from counterfoil.proof.merkle import CompactRange, inclusion_proof, leaf_hashes, node_hash, verify_inclusion

T = TypeVar("T")

LEAF_BYTES: Final = 250
COMPRESSIONS: Final = 7
"""SHA-256 compressions a leaf of 250 bytes: five for the leaf, two for a node."""
BATCH: Final = 1_000
PYMERKLE: Final = """
import sys, time
from pymerkle import InmemoryTree
leaves = [bytes([i % 251]) * 242 + i.to_bytes(8, "big") for i in range(int(sys.argv[1]))]
tree = InmemoryTree(algorithm="sha256")
start = time.process_time()
for leaf in leaves:
    tree.append_entry(leaf)
tree.get_state()
print(time.process_time() - start)
"""


def tree_figures(leaves: int, oracle: Path | None) -> Iterator[Figure]:
    """Building a tree; `oracle` is a Python that has pymerkle, which runs in a process of its own."""
    data = [bytes([number % 251]) * (LEAF_BYTES - 8) + number.to_bytes(8, "big") for number in range(leaves)]
    blocks = bytes(COMPRESSIONS * 64 * BATCH)

    def build() -> bytes:
        tree = CompactRange()
        for start in range(0, leaves, BATCH):
            tree.extend(leaf_hashes(data[start : start + BATCH]))
        return tree.root()

    def hashes() -> None:
        for _ in range(0, leaves, BATCH):
            sha256(blocks).digest()

    yield figure(
        f"tree of {leaves:,} leaves of 250 bytes / 7 SHA-256 compressions a leaf",
        alternate(cpu(build), cpu(hashes), 7),
        "x",
        limit=4.5,
    )
    if oracle is not None:
        ratios = [_pymerkle(oracle, leaves) / cpu(build)() for _ in range(3)]
        yield figure(
            f"pymerkle / tree of {leaves:,} leaves of 250 bytes", ratios, "x", limit=8, at_least=True
        )


def proof_figures(size: int) -> Iterator[Figure]:
    """Making and checking one inclusion proof and one index proof, in a tree and an index of `size`."""
    leaves = leaf_hashes(number.to_bytes(8, "big") for number in range(size))
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    tree = CompactRange()
    tree.extend(leaves)
    root, numbers = tree.root(), range(0, size, max(1, size // 2_000))

    def node(level: int, index: int) -> bytes:
        return levels[level][index]

    proofs = {number: inclusion_proof([number], size, node) for number in numbers}
    yield _each("inclusion proof made", lambda number: inclusion_proof([number], size, node), list(numbers))
    yield _each(
        "inclusion proof checked",
        lambda number: verify_inclusion({number: leaves[number]}, size, proofs[number], root),
        list(numbers),
    )
    index = IndexTree()
    keys = [record_key("land", str(number)) for number in range(size)]
    index.update(dict(zip(keys, leaves, strict=True)))
    top, some = index.root(), keys[:: max(1, size // 2_000)]
    paths = {key: index.prove(key) for key in some}
    yield _each("index proof made", index.prove, some)
    yield _each("index proof checked", lambda key: verify_index(paths[key], key, top), some)


def _each(name: str, work: Callable[[T], object], items: list[T]) -> Figure:
    values = []
    for _ in range(5):
        start = process_time()
        for item in items:
            work(item)
        values.append((process_time() - start) / len(items) * 1e6)
    return figure(name, values, "µs")


def _pymerkle(python: Path, leaves: int) -> float:
    result = subprocess.run(
        [str(python), "-c", PYMERKLE, str(leaves)], capture_output=True, text=True, check=True
    )
    return float(result.stdout)
