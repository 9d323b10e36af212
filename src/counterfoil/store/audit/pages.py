"""The stored pages of the index, each compared with the index as it stood at the page's mark."""

from __future__ import annotations

from typing import Any

from counterfoil.errors import Malformed
from counterfoil.proof.index import PAIR, IndexTree, subtree_root
from counterfoil.store.audit.finding import Findings
from counterfoil.store.database import Database
from counterfoil.store.pages import META_BYTES, checksum

WHOLE = 1 << 256


class PageAudit:
    """Reads the pages' marks, and compares each page once the replay has come that far."""

    def __init__(self, database: Database, findings: Findings, settled: int):
        self._database = database
        self._findings = findings
        rows = list(database.query("SELECT node, mark FROM page"))
        self._due = sorted(((max(mark, settled) if isinstance(mark, int) else 0, node) for node, mark in rows), reverse=True)
        self._check_cover([node for node, _ in rows])

    def reached(self, size: int, tree: IndexTree) -> None:
        """Compare the pages whose mark is at most `size` entries."""
        while self._due and self._due[-1][0] <= size:
            mark, node = self._due.pop()
            self._compare(node, tree, exact=mark == size)

    def finish(self) -> None:
        """Name the pages whose mark lies beyond the end of the log."""
        for mark, node in self._due:
            self._findings.add(f"its mark {mark} lies beyond the end of the log", f"index page {node}")

    def _compare(self, node: int, tree: IndexTree, *, exact: bool) -> None:
        where = f"index page {node}"
        row: tuple[Any, ...] | None = self._database.row(
            "SELECT mark, hash, meta, pairs, checksum FROM page WHERE node = ?", (node,)
        )
        if row is None:
            return
        mark, hash_, meta, pairs, sum_ = row
        expected_pairs, expected_meta = tree.below(node)
        if not exact:
            self._findings.add(f"its mark {mark!r} is not the end of a block", where)
        if pairs != expected_pairs or meta != expected_meta:
            self._name(where, expected_pairs, pairs)
        elif hash_ != subtree_root(expected_pairs, node.bit_length() - 1):
            self._findings.add("its hash is not that of its records", where)
        if sum_ != checksum(node, mark, hash_):
            self._findings.add("its mark or hash is not the one it was stored with", where)

    def _name(self, where: str, expected: bytes, found: Any) -> None:
        what = "its records are not those that the log leads to"
        if isinstance(found, bytes) and len(found) == len(expected):
            differing = [at for at in range(0, len(expected), PAIR) if expected[at : at + PAIR] != found[at : at + PAIR]]
            what += f" ({len(differing)} of {len(expected) // PAIR} differ)" if differing else " (beside their hashes)"
        self._findings.add(what, where)

    def _check_cover(self, nodes: list[Any]) -> None:
        """The pages must cover every key once."""
        if not nodes:
            return
        try:
            IndexTree(META_BYTES)._resume(dict.fromkeys(nodes, b""))  # noqa: SLF001
        except (Malformed, TypeError, ValueError) as error:
            self._findings.add(f"the pages do not cover every record once: {error}", "index pages")
