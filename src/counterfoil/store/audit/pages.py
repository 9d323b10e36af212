"""The stored pages of the index, each compared with the index as it stood at the page's mark."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger.state import RecordState
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import BITS, HASH, PAGE, PAIR, IndexTree, subtree_root
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.replay_state import ReplayState
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.pages import META_BYTES, decode_state, page_checksum

MANY: Final = 4
"""How many differing records of one page are named one by one."""


class PageAudit:
    """Reads the pages' marks, and compares each page once the replay has come that far.

    A page is current up to its mark, which is the number of an index entry, and all pages are up to `settled` entries.
    `describe` reads an entry by its number.
    """

    def __init__(
        self,
        stored: Stored,
        findings: Findings,
        state: ReplayState,
        settled: int,
        describe: Callable[[int], Entry | None],
    ):
        self._stored = stored
        self._findings = findings
        self._state = state
        self._describe = describe
        self._named: set[int] = set()
        self._marks = {row[0]: row[1] for row in stored.rows("page")}
        self._wanted = set(self._marks.values())
        self._ends: set[int] = set()
        self._due = sorted(((max(mark, settled), node) for node, mark in self._marks.items()), reverse=True)
        if not stored.ill["page"] and "page" not in stored.broken:
            self._check_cover(settled)

    def reached(self, size: int) -> None:
        """Compare the pages whose mark is at most `size` entries, where a unit of the log ends."""
        if size in self._wanted:
            self._ends.add(size)
        while self._due and self._due[-1][0] <= size:
            row = self._stored.row("page", self._due.pop()[1])
            if row is not None:
                self._compare(row)

    def finish(self) -> None:
        """Name the pages whose mark lies within a unit of the log, or beyond its end."""
        beyond = {node for _, node in self._due}
        for node, mark in self._marks.items():
            if node in beyond:
                self._findings.add("its mark lies beyond the end of the log", f"page {node}")
            elif node not in self._named and mark not in self._ends and not self._state.lost_numbers:
                self._findings.add("its mark is not the end of a block", f"page {node}")

    def _compare(self, row: Row) -> None:
        node, mark, hash_, sum_, meta, pairs = row
        where = f"page {node}"
        self._named.add(node)
        if node > 0 and (pairs, meta) != (expected := self._below(node)):
            self._name(where, expected, (pairs, meta))
        elif sum_ != page_checksum(node, mark, hash_, meta, pairs):
            what = "its mark, its hash or the checksum over it are not those that were stored"
            self._findings.add(what, where)
        elif node < 1:
            pass  # that there is no such page is named where they must cover every record
        elif hash_ != subtree_root(pairs, node.bit_length() - 1):
            self._findings.add("its hash is not that of its records", where)
        elif not self._state.lost_numbers and not self._is_page(node, len(pairs) // PAIR):
            self._findings.add("the index has no such page", where)
        else:
            self._named.discard(node)

    def _is_page(self, node: int, records: int) -> bool:
        """Whether a trie node is the highest one with few enough records."""
        return records <= PAGE and (node == 1 or len(self._below(node >> 1)[0]) > PAGE * PAIR)

    def _below(self, node: int) -> tuple[bytes, bytes]:
        """What the log leads to below a trie node, where the replay's own pages may be split less far."""
        pairs, meta = self._state.tree.below(node)
        shift = BITS + 1 - node.bit_length()
        start = node - (1 << node.bit_length() - 1) << shift
        keys = range(0, len(pairs), PAIR)
        low, high = (
            bisect_left(keys, end, key=lambda at: int.from_bytes(pairs[at : at + HASH], "big"))
            for end in (start, start + (1 << shift))
        )
        if (low, high) == (0, len(keys)):
            return pairs, meta
        return pairs[low * PAIR : high * PAIR], meta[low * META_BYTES : high * META_BYTES]

    def _name(self, where: str, expected: tuple[bytes, bytes], found: tuple[bytes, bytes]) -> None:
        one, other = _records(*expected), _records(*found)
        differing = [key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]
        unexcused = [key for key in differing if not self._is_excused(other.get(key))]
        if len(found[0]) % PAIR or len(found[1]) * PAIR != len(found[0]) * META_BYTES:
            self._findings.add("its records are cut", where)
        elif not differing:
            self._findings.add("its records are not in order", where)
        elif len(unexcused) > MANY:
            self._findings.add(f"{len(unexcused)} of its records are not what the log leads to", where)
        else:
            for key in unexcused:
                entry = self._entry(key, other.get(key))
                self._findings.add("its record of this is not what the log leads to", where, entry)

    def _entry(self, key: bytes, found: bytes | None) -> Entry | None:
        """The latest entry of a record, or the one that its page says is."""
        state = self._state.record(key) if len(key) == HASH else None
        if state is None and found is not None:
            state = _state(found)
        return self._describe(state.number) if state is not None else None

    def _is_excused(self, found: bytes | None) -> bool:
        """Whether a record may differ because of an entry that could not be judged."""
        if found is None or not self._state.lost_numbers:
            return False
        state = _state(found)
        return state.number in self._state.lost_numbers or labelled(state.leaf) in self._state.lost

    def _check_cover(self, settled: int) -> None:
        """The pages must cover every key once."""
        if not self._marks:
            if settled:
                self._findings.add("they are missing", "pages")
            return
        try:
            IndexTree(META_BYTES)._resume(dict.fromkeys(self._marks, bytes(HASH)))  # noqa: SLF001  # as the store begins
        except Malformed as error:
            self._findings.add(f"they do not cover every record once: {error}", "pages")


def _records(pairs: bytes, meta: bytes) -> dict[bytes, bytes]:
    """Leaf hash and side column by key."""
    return {
        pairs[at : at + HASH]: pairs[at + HASH : at + PAIR] + meta[(at // PAIR) * META_BYTES :][:META_BYTES]
        for at in range(0, len(pairs), PAIR)
    }


def _state(found: bytes) -> RecordState:
    return decode_state(found[:HASH], found[HASH:].ljust(META_BYTES))
