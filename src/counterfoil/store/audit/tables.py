"""The small tables, compared whole with what the replay has led to."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from counterfoil.errors import CounterfoilError
from counterfoil.ledger.state import Pending
from counterfoil.proof.instant import instant
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.replay_state import ReplayState
from counterfoil.store.database import Database
from counterfoil.store.documents import CHUNK
from counterfoil.store.store import head_row
from counterfoil.store.waiting import decode_pending, encode_pending


def read_pending(database: Database, findings: Findings) -> dict[str, Pending]:
    """The stored waiting transactions that can be read, by hash."""
    waiting: dict[str, Pending] = {}
    for row in database.query("SELECT hash, name, complete, header, proposals, endorsements FROM pending"):
        try:
            pending = decode_pending(row[1:])
        except (CounterfoilError, TypeError) as error:
            findings.add(f"a waiting transaction cannot be read: {error}", f"pending row {_hex(row[0])}")
            continue
        waiting[pending.hash] = pending
    return waiting


def compare_tables(database: Database, state: ReplayState, findings: Findings) -> None:
    """Compare claims, references, waiting transactions and the head with the replayed state."""
    claims = database.query("SELECT digest, holder FROM claim")
    _compare(claims, state.claims.items(), "claim", findings)
    references = database.query("SELECT target, role, source FROM reference")
    _compare(references, state.references, "reference", findings)
    pending = database.query("SELECT hash, name, complete, header, proposals, endorsements FROM pending")
    _compare(pending, [encode_pending(each) for each in state.open.values()], "pending", findings)
    for each in state.open.values():
        if instant(each.transaction.header.deadline) < state.head.time:
            findings.add("its deadline has passed, and it has not lapsed", f"pending row {each.hash}")


def compare_head(row: tuple[Any, ...] | None, state: ReplayState, findings: Findings) -> None:
    """Compare the row that says where the log ends (all but its note) with the replayed state."""
    if row is None:
        findings.add("the row that says where the log ends is missing", "head")
        return
    *found, settled, sum_, _ = row
    expected = head_row(state.head, settled if isinstance(settled, int) else 0, b"")
    names = ("size", "time", "index leaf", "index number", "index version", "index time")
    for name, one, other in zip(names, expected, found, strict=False):
        if one != other or type(one) is not type(other):
            findings.add(f"its {name} is {other!r} and must be {one!r}", "head")
    if sum_ != expected[-2] or type(settled) is not int:
        findings.add("how far the index pages are settled is not what was stored", "head")


def check_documents(database: Database, named: dict[str, int], findings: Findings) -> None:
    """Hash every stored document, and see that each one that an entry names is here."""
    stored = {hash_: size for hash_, size in database.query("SELECT hash, size FROM document")}
    for hash_, size in stored.items():
        _check_document(database, hash_, size, findings)
    for name, number in named.items():
        if bytes.fromhex(name.removeprefix("sha256:")) not in stored:
            findings.add(f"the document {name} that it names is missing", f"entry {number}", number=number)
    for (hash_,) in database.query("SELECT DISTINCT hash FROM chunk"):
        if hash_ not in stored:
            findings.add("a chunk belongs to no document", f"document {_hex(hash_)}")


def _check_document(database: Database, hash_: Any, size: Any, findings: Findings) -> None:
    where, hasher, total, last = f"document {_hex(hash_)}", sha256(), 0, CHUNK
    rows = database.query("SELECT number, bytes FROM chunk WHERE hash = ? ORDER BY number", (hash_,))
    for position, (number, part) in enumerate(rows):
        if number != position or not isinstance(part, bytes) or last != CHUNK:
            findings.add("its chunks are not as they were stored", where)
            return
        hasher.update(part)
        total, last = total + len(part), len(part)
    if hasher.digest() != hash_:
        findings.add("its bytes are not those that its name says", where)
    elif total != size:
        findings.add(f"its size is {total} bytes and not {size!r}", where)


def _compare(found: Iterable[tuple[Any, ...]], expected: Iterable[tuple[Any, ...]], table: str, findings: Findings) -> None:
    rows, due = set(found), set(expected)
    for row in sorted(due - rows, key=repr):
        findings.add("a row is missing, or is not what the log leads to", f"{table} row {_hex(row[0])}")
    for row in sorted(rows - due, key=repr):
        findings.add("a row is stored that the log does not lead to", f"{table} row {_hex(row[0])}")


def _hex(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)
