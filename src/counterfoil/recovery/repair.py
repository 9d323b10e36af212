"""Repairing an installation: from what is sound of it, and of a verified backup or archive, a store is built anew.

The new store takes the old one's place in one step, once it is audited; until then nothing changes. It is the log that
the node's own checkpoints state, and never a shorter or another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import CounterfoilError, Damaged, NotFound, Unverified
from counterfoil.home import Home, refused_by_machine
from counterfoil.home_audit import HomeAudited, audit_home
from counterfoil.home_audit.beside import SHORTER
from counterfoil.home_audit.keyless import BACKUP
from counterfoil.ledger.system import INDEX
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint, sign_as_log
from counterfoil.proof.entry import decode_entry
from counterfoil.recovery.backup import is_of_before
from counterfoil.recovery.files import put_in_place, scratch
from counterfoil.recovery.keys_file import Keys, load_keys
from counterfoil.recovery.material import Material
from counterfoil.recovery.members import check_keys
from counterfoil.recovery.rebuild import Rebuild
from counterfoil.recovery.rehearsal import rehearsal
from counterfoil.recovery.repair_anchors import Anchors, read_anchors
from counterfoil.recovery.repair_files import repair_files
from counterfoil.recovery.repair_items import fill_items
from counterfoil.recovery.repair_keys import repair_keys
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
LAST_SIGNED: Final = "keys/last-signed"


class Short(msgspec.Struct, frozen=True):
    """Why a source could not make the log whole: it has `entries`, and `signed` were signed."""

    entries: int
    signed: int


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
    short: Short | None = None


def repair(
    home: Home,
    source: Path | None = None,
    *,
    keys: Path | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Repaired:
    """Repair what is damaged, with healthy copies from a backup or archive where one is given.

    `keys` is the file that a backup with keys has written: key files that are lost are put back from it. Raises
    `NotFound` without an installation, `Busy` where one is served, `Unverified` where the source or the keys are not
    of this log, or nothing can be put together that holds all that this node has signed.
    """
    secrets = load_keys(keys) if keys is not None else None
    before = audit_home(home)
    if not before.found:
        return _report(before, before, (True, (), None), dry_run=dry_run)
    with ExitStack() as stack:
        stack.enter_context(home.writing())
        folder = stack.enter_context(scratch(home.cache / "repair"))
        found = None
        if source is not None:
            (folder / "source").mkdir(mode=0o700)
            found = stack.enter_context(open_source(source, folder / "source", progress))
        target = rehearsal(home, folder / "rehearsal") if dry_run else home
        done = _Repair(home, target, found, secrets, folder, before, progress).run()
        if dry_run:
            return _report(before, audit_home(target), done, dry_run=True)
    # Once nobody holds the lock: the audit then touches nothing.
    return _report(before, audit_home(home), done, dry_run=False)


Done = tuple[bool, tuple[str, ...], Short | None]
"""Whether all is whole, the files that were replaced, and why the source did not do."""


class _Repair:
    def __init__(
        self,
        home: Home,
        target: Home,
        source: Source | None,
        keys: Keys | None,
        folder: Path,
        before: HomeAudited,
        progress: Progress,
    ):
        """`target` is the home in which things are replaced, another one where it is only tried out."""
        self._home = home
        self._target = target
        self._source = source
        self._keys = keys
        self._folder = folder
        self._new = folder / "store.db"
        self._before = before
        self._progress = progress
        self._signed = 0

    def run(self) -> Done:
        """Put in place what is better than what is there."""
        whole, better = True, False
        of_store = self._before.found - sum(map(_is_beside, self._before.findings))
        if of_store:
            if self._target is self._home:
                self._fold()
            whole = self._make()
            new = self._audit_new()
            better = new is not None and new.found < of_store
        elif self._source is not None:
            self._check_same(self._source)
        if whole and self._keys is not None:
            with still_store(self._new if better else self._home.store) as store:
                check_keys(store, self._keys)
        if better:
            self._put()
        return whole, self._replace_files() if whole else (), None if whole else self._short()

    def _replace_files(self) -> tuple[str, ...]:
        files = repair_files(self._target, self._source)
        if self._keys is not None:
            lost = any(each.where == LAST_SIGNED for each in filter(_is_beside, self._before.findings))
            files += repair_keys(self._target, self._keys, signed=lost)
        return files

    def _short(self) -> Short | None:
        source = self._source
        short = source is not None and source.entries < self._signed
        return Short(source.entries, self._signed) if source is not None and short else None

    def _check_same(self, source: Source) -> None:
        """Raise `Unverified` unless the source and our sound store are of one history."""
        with still_store(self._home.store) as own, still_store(source.store) as other:
            size = min(own.head.size, other.head.size)
            _check_history(size, other.root_at(size), own.root_at(size))

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
            self._signed = anchors.target.size
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
            fill_items(rebuild, own, other, choice)
            try:
                note = rebuild.checkpoint(rebuild.size) or anchors.note or self._sign(rebuild, anchors.target)
                rebuild.finish(note, self._progress, elsewhere=not own.holds_items)
            except (Damaged, NotFound):
                finished = False
            else:
                finished = True
        if not finished:
            self._new.unlink()
        return finished

    def _check_source(self, rebuild: Rebuild) -> None:
        source = self._source
        if source is not None:
            _check_history(source.entries, source.root, rebuild.root_at(source.entries))

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
        store = self._target.store
        with refused_by_machine(store):
            for suffix in ("-wal", "-shm"):
                store.with_name(f"{store.name}{suffix}").unlink(missing_ok=True)
        put_in_place(self._new, store)


def _check_history(size: int, theirs: bytes, ours: bytes) -> None:
    if theirs != ours:
        raise Unverified(
            f"the source has {size} entries with the root {labelled(theirs)}, and this log has the root "
            f"{labelled(ours)} there: it is of another history; give another"
        )


def _goes_on(own: Material, size: int) -> bool:
    """Whether our store holds entries after the first `size`."""
    start = size - size % WIDTH
    return len(own.tail(start)) > size - start or bool(own.bundle(size // WIDTH + 1))


def _is_beside(finding: Finding) -> bool:
    """Whether a fault is not the store's."""
    if finding.where.startswith("keys/"):
        return not finding.what.startswith(SHORTER)
    beside = finding.where in {"trust.json", "lock", BACKUP} or is_of_before(finding)
    return beside or finding.what == "it is no part of an installation"


def _report(before: HomeAudited, after: HomeAudited, done: Done, *, dry_run: bool) -> Repaired:
    whole, files, short = done
    return Repaired(
        after.entries,
        after.root,
        before.found,
        before.findings,
        after.findings,
        files,
        whole=whole,
        dry_run=dry_run,
        short=short,
    )
