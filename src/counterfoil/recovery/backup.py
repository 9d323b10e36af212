"""A backup: a folder with a copy of the store and of the files beside it, consistent while others write, and verified.

It holds no key. Keys go into a file of their own (`keys_file`), which belongs somewhere else. The keyring has backups
of its own: together with the store's they would undo every erasure. The desk is in neither.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import msgspec

from counterfoil.errors import Damaged, NotFound, Unavailable
from counterfoil.home import Home, refused_by_machine, write_whole
from counterfoil.home_audit import HomeAudited, audit_home
from counterfoil.home_audit.keyless import BACKUP
from counterfoil.home_audit.predecessors import PREDECESSORS
from counterfoil.recovery.files import check_free, put_in_place, scratch, unfinished
from counterfoil.recovery.kept import copy_kept
from counterfoil.recovery.keys_file import read_keys, write_keys
from counterfoil.recovery.members import check_keys
from counterfoil.recovery.still import still_store
from counterfoil.recovery.unpack import silent
from counterfoil.store.audit.finding import Finding
from counterfoil.store.closing import write_sum
from counterfoil.store.sqlite import BUSY_MILLISECONDS, PAGE_SIZE
from counterfoil.store.untouched import connect_to_read

STORE: Final = "store.db"
BESIDE: Final = ("trust.json", "witnesses.json", "access.json", "budgets.json")
"""The files beside the store; of these access.json holds names, public keys and digests of tokens, and no token."""
STEP: Final = 2_048
"""How many pages are copied between two looks at how far it is."""

Progress = Callable[[int, int], None]


class BackedUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a backup holds: the log's size and labelled root, and how many bytes its files have."""

    origin: str
    entries: int
    root: str
    bytes: int
    taken: int
    """When it was taken, in seconds since 1970."""
    lacking: tuple[str, ...] = ()
    """What is missing of the ledgers that went before, and is missing there too, a sentence each."""


def back_up(
    home: Home,
    target: Path,
    *,
    keys: Path | None = None,
    clock: Callable[[], float] = time.time,
    progress: Progress = silent,
) -> BackedUp:
    """Back up an installation into a new folder, and with `keys` its keys into a file.

    Whoever writes to it goes on meanwhile. The folder has another name until all is copied, audited and on the disk; a
    backup that was interrupted is begun anew. Raises `NotFound` without an installation, `Damaged` where the store is
    not sound, and then there is no backup, `Unavailable` where the machine refuses.
    """
    if not home.store.is_file():
        raise NotFound(f"there is no installation in {home.folder}")
    check_free(target)
    if keys is not None and keys.exists():
        raise Unavailable(f"{keys} is there already; name a new file for the keys")
    # Before the copy: what was signed by then, the copy must hold.
    secrets = read_keys(home) if keys is not None else None
    with scratch(unfinished(target)) as part:
        copy = Home(part)
        copy_store(home.store, copy.store)
        _copy_beside(home, copy)
        audited = audit_home(copy, progress)
        root = _check_sound(home, audited)
        size = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
        lacking = tuple(each.sentence for each in audited.findings)
        done = BackedUp(audited.origin, audited.entries, root, size, int(clock()), lacking)
        if keys is not None and secrets is not None:
            secrets = msgspec.structs.replace(secrets, origin=audited.origin)
            with still_store(copy.store) as store:
                check_keys(store, secrets)
            write_keys(keys, secrets)
        put_in_place(part, target)
    return done


def copy_store(source: Path, target: Path) -> None:
    """Copy a store as it is at one moment, also while somebody writes to it."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with (
            closing(connect_to_read(source, untouched=False)) as origin,
            closing(apsw.Connection(str(target))) as copy,
        ):
            origin.set_busy_timeout(BUSY_MILLISECONDS)
            # In one transaction nothing that is copied changes, and a copy is never begun anew (SQLite, Backup API).
            origin.execute("BEGIN")
            with copy.backup("main", origin, "main") as backup:
                while not backup.done:
                    backup.step(STEP)
            # A copy counts as a change of the schema there, which our schema counts.
            version = origin.execute("PRAGMA schema_version").fetchone()
            copy.execute(f"PRAGMA schema_version={version[0] if version else 0:d}")
    except apsw.FullError:
        raise Unavailable(f"the disk that holds {target} is full; make room and try again") from None
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise Damaged(f"{source} is damaged: {error}; run counterfoil audit") from None
    except apsw.Error as error:
        raise Unavailable(f"copying {source} failed: {error}; check the disk and try again") from None
    with refused_by_machine(target):
        write_sum(target, PAGE_SIZE)


def is_of_before(finding: Finding) -> bool:
    """Whether a fault is of a ledger that went before, of which there may be no sound copy anywhere any more."""
    return finding.where.startswith(f"{PREDECESSORS}/")


def mark_backup(folder: Path) -> None:
    """Mark a folder as a backup, which lacks the keys as it must."""
    with refused_by_machine(folder):
        (folder / BACKUP).touch(mode=0o600)


def _copy_beside(home: Home, copy: Home) -> None:
    mark_backup(copy.folder)
    with refused_by_machine(home.folder):
        for name in BESIDE:
            if (home.folder / name).is_file():
                write_whole(copy.folder / name, (home.folder / name).read_bytes(), 0o600)
    copy_kept(home, copy)


def _check_sound(home: Home, audited: HomeAudited) -> str:
    """The log's labelled root."""
    faults = [each for each in audited.findings if not is_of_before(each)]
    if faults:
        raise Damaged(
            f"the installation in {home.folder} is not sound, so no backup was made ({faults[0].sentence}); "
            "run counterfoil audit, and counterfoil repair with an older backup"
        )
    if audited.root is None:
        raise NotFound(f"there is no entry in {home.folder} yet, so there is nothing to back up")
    return audited.root
