"""The stored checkpoints: each must say what the log was at its size, signed by every key a member lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from counterfoil.errors import CounterfoilError
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.note import VerifierKey, parse_note
from counterfoil.store.audit.finding import Findings
from counterfoil.store.database import Database

POST_QUANTUM: Final = "ml-dsa-44"


def check_checkpoints(
    database: Database, findings: Findings, origin: str, keys: Collection[VerifierKey], published: Mapping[int, bytes]
) -> None:
    """Compare the published checkpoints with the log's root at each size where an index entry ended a block."""
    stored = list(database.query("SELECT size, note FROM checkpoint ORDER BY size"))
    for size, note in stored:
        if size in published:
            check_note(findings, f"checkpoint {size}", note, origin, size, published[size], keys, post_quantum=True)
        else:
            findings.add("no index entry ends there, so none was published", f"checkpoint {size}")
    for size in sorted(published.keys() - {size for size, _ in stored}):
        findings.add("the checkpoint published there is missing", f"checkpoint {size}")


def check_note(
    findings: Findings,
    where: str,
    note: Any,
    origin: str,
    size: int,
    root: bytes,
    keys: Collection[VerifierKey],
    *,
    post_quantum: bool,
) -> None:
    """Check one note: its statement, and that its lines are exactly one by each key."""
    try:
        opened = open_checkpoint(note, keys)
        lines = len(parse_note(note).signatures)
    except (CounterfoilError, TypeError) as error:
        findings.add(f"it does not hold: {error}", where)
        return
    stated = opened.checkpoint
    if (stated.origin, stated.size) != (origin, size):
        findings.add(f"it speaks of {stated.origin!r} with {stated.size} entries", where)
    elif stated.root != root:
        findings.add("its root is not that of the entries", where)
    signed = {line.key.public.algorithm for line in opened.lines}
    if lines != len(opened.lines) or "ed25519" not in signed or (post_quantum and POST_QUANTUM not in signed):
        findings.add("its signature lines are not those that this ledger's members give it", where)
