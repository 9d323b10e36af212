"""The audit of a store: structure, log, replay, and every table beside it. It reads only, and repairs nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec

from counterfoil.errors import CounterfoilError
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.view import View
from counterfoil.store.audit.checkpoints import LATEST, PUBLISHED, CheckpointAudit, member_keys, stated
from counterfoil.store.audit.documents import check_documents
from counterfoil.store.audit.finding import Finding, Findings, Progress, reason
from counterfoil.store.audit.items import OpenPart
from counterfoil.store.audit.pages import PageAudit
from counterfoil.store.audit.replay import Replay
from counterfoil.store.audit.stored import Row, Stored
from counterfoil.store.audit.structure import check_file, check_tables
from counterfoil.store.audit.survey import LogHead, Survey
from counterfoil.store.audit.tables import TableAudit, read_pending
from counterfoil.store.database import Database


class Audited(msgspec.Struct, frozen=True):
    """What the audit of a store found, and what it leaves to compare with what lies beside the store.

    `findings` lists the first of each kind of fault, `found` is how many faults there are. `root` is the log's root
    after `entries`; `genesis_root` was its root after the first `genesis_size`, as a trust policy pins it. Not
    `readable` is a store in which a table could not be read, or held values that are not of its columns' types.
    """

    entries: int
    root: bytes
    origin: str
    findings: tuple[Finding, ...]
    found: int
    unchecked: tuple[str, ...]
    checkpoint_keys: tuple[str, ...]
    genesis_size: int
    genesis_root: bytes
    readable: bool


def audit_store(
    database: Database,
    path: Path,
    progress: Progress = lambda done, total: None,
    open_part: OpenPart | None = None,
) -> Audited:
    """Recompute everything that the store at `path` holds; `database` is it, opened read-only.

    Where somebody may write meanwhile, it is read in one transaction of the caller's. With `open_part`, which has the
    keys of items, their commitments are recomputed from their fields too. Whatever is not what it must be, or cannot
    be read, is a finding. Raises `OSError` where the file cannot be opened.
    """
    findings = Findings()
    check_file(path, findings)
    structure = check_tables(database, findings, path.name)
    if structure is None:
        return _report(findings, None, "", (), readable=False)
    return _audit_tables(
        Stored(database, findings, structure.missing, structure.version), findings, progress, open_part
    )


def _audit_tables(
    stored: Stored, findings: Findings, progress: Progress, open_part: OpenPart | None
) -> Audited:
    head = next(stored.rows("head"), None)
    survey = Survey(stored, findings)
    logbook = survey.run(_log_head(head), lambda done, total: progress(done // 2, total))
    replay = Replay(logbook, stored, findings, read_pending(stored, findings), open_part)
    pages = PageAudit(stored, findings, replay.state, head[7] if head else 0, logbook.describe)
    replay.run(lambda done, total: progress((done + total) // 2, total), pages.reached)
    replay.finish()
    pages.finish()
    tables = TableAudit(stored, logbook, replay, findings)
    tables.compare_head()
    tables.compare()
    tables.compare_scrubbed()
    origin = _origin(replay, findings)
    _check_notes(stored, replay, head, origin, findings)
    check_documents(stored, logbook, replay.documents, findings)
    keys = sorted({each.key.text for each in member_keys(replay.members)})
    readable = not (stored.broken or any(stored.ill.values()))
    return _report(findings, replay, origin, tuple(keys), readable=readable)


def _log_head(head: Row | None) -> LogHead:
    """Size and root of the latest checkpoint; the size where the row that has it says the same."""
    checkpoint = stated(head[9]) if head else None
    if head is None or checkpoint is None:
        return LogHead()
    return LogHead(head[1] if head[1] == checkpoint.size else None, checkpoint.root)


def _origin(replay: Replay, findings: Findings) -> str:
    state = replay.state
    try:
        return Knowledge().parameters(View(state, state.head.time)).origin
    except CounterfoilError as error:
        if not state.lost_numbers:
            findings.add(f"the ledger's own parameters cannot be read: {reason(error)}", "entry 0", number=0)
        return ""


def _check_notes(stored: Stored, replay: Replay, head: Row | None, origin: str, findings: Findings) -> None:
    """The published checkpoints and the latest one, which is one of them where an index entry ends the log."""
    state, notes = replay.state, {row[0]: row[1] for row in stored.rows("checkpoint")}
    if not origin:
        findings.leave("the checkpoints, because who signs them stands in entries that are damaged")
        return
    checkpoints = CheckpointAudit(findings, origin, member_keys(replay.members), sure=not state.blind)
    checkpoints.check_published(notes, replay.published, {number + 1 for number in state.lost_numbers})
    if head is not None:
        size, note = state.head.size, head[9]
        if notes.get(size, note) != note:
            findings.add("its note is not the checkpoint published at its size", "head")
        elif size not in notes:
            root = state.range.root() if state.exact else None
            checkpoints.check("head", note, size, root, PUBLISHED if size in replay.published else LATEST)
    checkpoints.finish()


def _report(
    findings: Findings, replay: Replay | None, origin: str, keys: tuple[str, ...], *, readable: bool
) -> Audited:
    genesis = min(replay.published, default=0) if replay else 0
    if replay is None or any(number < genesis for number in replay.state.lost_numbers):
        genesis = 0
    return Audited(
        entries=replay.state.head.size if replay else 0,
        root=replay.state.range.root() if replay else b"",
        origin=origin,
        findings=findings.listed(),
        found=findings.count,
        unchecked=tuple(findings.unchecked),
        checkpoint_keys=keys,
        genesis_size=genesis,
        genesis_root=(replay.published.get(genesis) if replay else None) or b"",
        readable=readable,
    )
