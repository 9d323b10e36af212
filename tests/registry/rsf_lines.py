"""Lines of RSF made by hand for tests, with the register's tree recomputed word for word from RFC 6962."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

T1, T2, T3 = "2016-11-02T14:45:54Z", "2017-06-06T09:54:11Z", "2018-01-31T23:59:59Z"


def item_bytes(item: Any) -> bytes:
    """Canonical JSON of ASCII-named members, by the standard library."""
    return json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hash_of(item: Any) -> str:
    """The hash of an item, as an entry names it."""
    return "sha-256:" + sha256(item_bytes(item)).hexdigest()


def add(item: Any) -> bytes:
    """The line that adds an item."""
    return b"add-item\t" + item_bytes(item) + b"\n"


def entry(kind: str, key: str, time: str, item: Any) -> bytes:
    """The line that appends an entry."""
    return f"append-entry\t{kind}\t{key}\t{time}\t{hash_of(item)}\n".encode()


def leaf(number: int, key: str, time: str, item: Any) -> bytes:
    """An entry as a leaf: members in this order, text not escaped beyond what JSON needs."""
    members = {
        "index-entry-number": str(number),
        "entry-number": str(number),
        "entry-timestamp": time,
        "key": key,
        "item-hash": [hash_of(item)],
    }
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def tree(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 6962, section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def root(*user_entries: tuple[str, str, Any]) -> bytes:
    """The line that asserts the root over user entries: key, time and item of each."""
    leaves = [leaf(number, *each) for number, each in enumerate(user_entries, 1)]
    return f"assert-root-hash\tsha-256:{tree(leaves).hex()}\n".encode()
