"""The audit of a store: structure, log, replay, and every table beside it. It reads only, and repairs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.view import View
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.note import VerifierKey
from counterfoil.store.audit.checkpoints import check_checkpoints, check_note
from counterfoil.store.audit.finding import Finding, Findings, Progress
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.pages import PageAudit
from counterfoil.store.audit.replay import Replay
from counterfoil.store.audit.replay_state import ReplayState
from counterfoil.store.audit.rows import Rows
from counterfoil.store.audit.structure import check_header, check_tables
from counterfoil.store.audit.tables import check_documents, compare_head, compare_tables, read_pending
from counterfoil.store.database import Database
from counterfoil.store.store import HEAD


class Audited(msgspec.Struct, frozen=True):
    """What the audit of a store found, and what it leaves to compare with what lies beside the store."""

    entries: int
    root: bytes
    origin: str
    findings: tuple[Finding, ...]
    found: int
    unchecked: tuple[str, ...]
    checkpoint_keys: tuple[str, ...]
    genesis_size: int
    genesis_root: bytes


def audit_store(database: Database, path: Path, progress: Progress = lambda done, total: None) -> Audited:
    """Recompute everything that the store at `path` holds; `database` is it, opened read-only."""
    findings = Findings()
    check_header(path, findings)
    if not check_tables(database, findings):
        return _report(findings, None, "")
    head = database.row(HEAD)
    logbook = Logbook(database, findings)
    logbook.survey(_signed_root(head), progress)
    replay = Replay(logbook, Rows(database, findings), findings, read_pending(database, findings))
    settled = head[6] if head and isinstance(head[6], int) else 0
    pages = PageAudit(database, findings, settled)
    replay.run(progress, lambda size: pages.reached(size, replay.state.tree))
    replay.finish()
    pages.finish()
    origin = _origin(replay.state, findings)
    keys = _keys(replay.checkpoint_keys)
    if origin:
        check_checkpoints(database, findings, origin, keys, replay.published)
        if head is not None:
            root = replay.state.range.root()
            check_note(findings, "head", head[8], origin, replay.state.head.size, root, keys, post_quantum=False)
    compare_head(head, replay.state, findings)
    compare_tables(database, replay.state, findings)
    check_documents(database, replay.documents, findings)
    return _report(findings, replay, origin)


def _signed_root(head: tuple[Any, ...] | None) -> bytes | None:
    try:
        return open_checkpoint(head[8], ()).checkpoint.root if head else None
    except (CounterfoilError, TypeError):
        return None


def _origin(state: ReplayState, findings: Findings) -> str:
    try:
        return Knowledge().parameters(View(state, state.head.time)).origin
    except CounterfoilError as error:
        findings.add(f"the ledger's own parameters cannot be read: {error}", "entry 0")
        return ""


def _keys(texts: set[str]) -> list[VerifierKey]:
    keys = []
    for text in sorted(texts):
        try:
            keys.append(VerifierKey.parse(text))
        except Malformed:
            continue
    return keys


def _report(findings: Findings, replay: Replay | None, origin: str) -> Audited:
    published = replay.published if replay else {}
    genesis = min(published, default=0)
    return Audited(
        entries=replay.state.head.size if replay else 0,
        root=replay.state.range.root() if replay else b"",
        origin=origin,
        findings=tuple(findings.findings),
        found=findings.count,
        unchecked=tuple(findings.unchecked),
        checkpoint_keys=tuple(sorted(replay.checkpoint_keys)) if replay else (),
        genesis_size=genesis,
        genesis_root=published.get(genesis, b""),
    )
