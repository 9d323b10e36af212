"""Repairing an installation: from what is sound of it, and of a verified backup or archive, a store is built anew.

The new store takes the old one's place in one step, once it is audited; until then nothing changes. It is the log that
the node's own checkpoints state, and never a shorter or another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import msgspec

from counterfoil.errors import CounterfoilError, Damaged, NotFound, Unverified
from counterfoil.home import Home, refused_by_machine
from counterfoil.home_audit import HomeAudited, audit_home
from counterfoil.ledger.system import INDEX
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint, sign_as_log
from counterfoil.proof.entry import decode_entry
from counterfoil.recovery.files import put_in_place, scratch
from counterfoil.recovery.material import Material
from counterfoil.recovery.rebuild import Rebuild
from counterfoil.recovery.repair_anchors import Anchors, read_anchors
from counterfoil.recovery.repair_files import repair_files
from counterfoil.recovery.repair_log import Choice, choose_log
from counterfoil.recovery.repair_rows import fill_rows, keep_damaged
from counterfoil.recovery.repair_some import repair_some
from counterfoil.recovery.source import Source, open_source
from counterfoil.recovery.still import still_store
from counterfoil.recovery.unpack import audit_closed, silent
from counterfoil.store.audit.audit import Audited
from counterfoil.store.audit.finding import Finding
from counterfoil.store.log import WIDTH
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.untouched import wal_of

Progress = Callable[[int, int], None]


class Repaired(msgspec.Struct, frozen=True):
    """What a repair found, replaced and left.

    `found` is the number of faults before, `left` lists those that are there afterwards (in a dry run: that would be),
    `files` the files that were replaced. `whole`: the log is the one that the newest checkpoint states, and everything
    that follows from it was made anew.
    """

    entries: int
    root: str | None
    found: int
    findings: tuple[Finding, ...]
    left: tuple[Finding, ...]
    files: tuple[str, ...]
    whole: bool
    dry_run: bool


def repair(
    home: Home, source: Path | None = None, *, dry_run: bool = False, progress: Progress = silent
) -> Repaired:
    """Repair what is damaged, with healthy copies from a backup or archive where one is given.

    Raises `NotFound` without an installation, `Busy` where one is served, `Unverified` where the source is not of this
    log or nothing can be put together that holds all that this node has signed.
    """
    before = audit_home(home)
    if not before.found:
        return _report(before, before, (), whole=True)
    with ExitStack() as stack:
        stack.enter_context(home.writing())
        folder = stack.enter_context(scratch(home.cache / "repair"))
        found = None
        if source is not None:
            (folder / "source").mkdir(mode=0o700)
            found = stack.enter_context(open_source(source, folder / "source", progress))
        work = _Repair(home, found, folder, before, progress)
        if dry_run:
            return work.plan()
        whole, files = work.run()
    # Once nobody holds the lock: the audit then touches nothing.
    return _report(before, audit_home(home), files, whole=whole)


class _Repair:
    def __init__(
        self, home: Home, source: Source | None, folder: Path, before: HomeAudited, progress: Progress
    ):
        self._home = home
        self._source = source
        self._folder = folder
        self._new = folder / "store.db"
        self._before = before
        self._progress = progress

    def run(self) -> tuple[bool, tuple[str, ...]]:
        """Put in place what is better than what is there; gives whether all is whole, and the files replaced."""
        whole = True
        if not all(map(_is_beside, self._before.findings)):
            self._fold()
            whole = self._make()
            new = self._audit_new()
            if new is not None and new.found < self._before.found:
                self._put()
        return whole, repair_files(self._home, self._source.beside if self._source else {}) if whole else ()

    def plan(self) -> Repaired:
        """What `run` would do; nothing of the installation changes."""
        before, whole, new = self._before, True, None
        left = before.findings
        if not all(map(_is_beside, before.findings)):
            whole = self._make()
            new = self._audit_new()
        if whole:
            beside = [each for each in left if _is_beside(each) and each.where != self._home.trust.name]
            left = (*(new.findings if new is not None else ()), *beside)
        elif new is not None and new.found < before.found:
            left = (*new.findings, *filter(_is_beside, left))
        entries, root = before.entries, before.root
        if new is not None and new.entries:
            entries, root = new.entries, labelled(new.root)
        return Repaired(entries, root, before.found, before.findings, left, (), whole=whole, dry_run=True)

    def _audit_new(self) -> Audited | None:
        return audit_closed(self._new, self._progress) if self._new.is_file() else None

    def _make(self) -> bool:
        """Make a new store, or one of which some rows are repaired; gives whether it is whole."""
        nothing = self._folder / "nothing.db"
        with (
            closing(Material(self._home.store)) as own,
            closing(Material(self._source.store if self._source else nothing)) as other,
        ):
            anchors = read_anchors(self._home, self._source, own, other)
            choice = choose_log(own, other, anchors.target)
            if choice is not None and (anchors.ended or not _goes_on(own, anchors.target.size)):
                for prefer_own in (True, False):
                    if self._build(choice, own, other, anchors, prefer_own=prefer_own):
                        return True
            if self._source is not None:
                with still_store(self._source.store) as store:
                    repair_some(
                        self._home.store, self._new, own, other, anchors, store.head.size, store.root_at
                    )
            return False

    def _build(
        self, choice: Choice, own: Material, other: Material, anchors: Anchors, *, prefer_own: bool
    ) -> bool:
        """Build the store anew; gives False where the log cannot have been written with these rows beside it."""
        with Rebuild(self._new) as rebuild:
            for entries in choice.entries():
                rebuild.put_entries(entries)
            anchors.check(rebuild.size, rebuild.root_at, "what can be put together")
            self._check_source(rebuild)
            fill_rows(rebuild, own, other, anchors, prefer_own=prefer_own)
            keep_damaged(rebuild, own, choice)
            try:
                note = rebuild.checkpoint(rebuild.size) or anchors.note or self._sign(rebuild, anchors.target)
                rebuild.finish(note, self._progress)
            except (Damaged, NotFound):
                finished = False
            else:
                finished = True
        if not finished:
            self._new.unlink()
        return finished

    def _check_source(self, rebuild: Rebuild) -> None:
        source = self._source
        if source is not None and rebuild.root_at(source.entries) != source.root:
            raise Unverified(
                f"the source has {source.entries} entries with the root {labelled(source.root)}, and this log has the "
                f"root {labelled(rebuild.root_at(source.entries))} there: it is of another history; give another"
            )

    def _sign(self, rebuild: Rebuild, target: Checkpoint) -> bytes:
        """The note of a state that this key has signed already, where the note is lost. Raises `NotFound`."""
        published = decode_entry(rebuild.entry(target.size - 1)).register == INDEX
        uses = ("checkpoint", "checkpoint-pq") if published else ("checkpoint",)
        note = sign_as_log(target, [self._home.read_key(use) for use in uses], int(time.time()))
        if published:
            rebuild.put_checkpoint(target.size, note)
        return note

    def _fold(self) -> None:
        """Bring what a killed writer left beside the store into it, as every start does, so that one file is all."""
        log = wal_of(self._home.store)
        if log.exists() and log.stat().st_size:
            with suppress(CounterfoilError):
                Sqlite(self._home.store).close()

    def _put(self) -> None:
        with refused_by_machine(self._home.store):
            for suffix in ("-wal", "-shm"):
                self._home.store.with_name(f"{self._home.store.name}{suffix}").unlink(missing_ok=True)
        put_in_place(self._new, self._home.store)


def _goes_on(own: Material, size: int) -> bool:
    """Whether our store holds entries after the first `size`."""
    start = size - size % WIDTH
    return len(own.tail(start)) > size - start or bool(own.bundle(size // WIDTH + 1))


def _is_beside(finding: Finding) -> bool:
    """Whether a fault is not the store's."""
    return (
        finding.where.startswith("keys/")
        or finding.where in {"trust.json", "lock"}
        or finding.what == "it is no part of an installation"
    )


def _report(before: HomeAudited, after: HomeAudited, files: tuple[str, ...], *, whole: bool) -> Repaired:
    found = before.found, before.findings
    return Repaired(after.entries, after.root, *found, after.findings, files, whole=whole, dry_run=False)
