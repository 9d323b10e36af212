"""The audit of a whole installation: its store, and every file that lies beside it.

It reads only: no migration, no sweep, no repair, not one byte changed in the folder, also where the last process that
wrote was killed. Whatever cannot be read as what it must be is a finding. The modes of files are no stored bytes;
`counterfoil doctor` looks at them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import Busy, CounterfoilError, Damaged, NotFound, Unavailable
from counterfoil.home import KEY_FILES, Home, refused_by_machine
from counterfoil.home_audit.beside import NOTHING_SIGNED, Beside
from counterfoil.home_audit.keyless import BACKUP, is_backup, is_restored
from counterfoil.home_audit.personal import (
    Opener,
    check_closed,
    check_desk,
    check_erased,
    check_keyring,
    keyring_of,
)
from counterfoil.home_audit.predecessors import PREDECESSORS, archives, check_predecessors, is_archive
from counterfoil.keyring.keyring import Keyring
from counterfoil.proof.canonical import labelled
from counterfoil.signer import RESTORED, LastSigned, read_last_signed, signed_before
from counterfoil.store.audit.audit import Audited, audit_store
from counterfoil.store.audit.finding import Finding, Findings, Progress
from counterfoil.store.audit.items import OpenPart
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store

HOME_FILES: Final = frozenset(
    {
        "store.db",
        "store.db-wal",
        "store.db-shm",
        "keyring.db",
        "keyring.db-wal",
        "keyring.db-shm",
        "keyring.json",
        "desk.db",
        "desk.db-wal",
        "desk.db-shm",
        "budgets.json",
        "trust.json",
        "access.json",
        "witnesses.json",
        "socket",
        "lock",
        RESTORED,
    }
)
HOME_FOLDERS: Final = frozenset({"keys", "cache", PREDECESSORS})
"""The files and folders of a home, with the two that SQLite keeps beside a database while it is in use."""
BUILDING: Final = "successor"
"""The folder in which a restored installation makes its successor; it is no part of any other."""
KEY_FOLDER: Final = frozenset({"last-signed", "keyring.key", *(name for name, _ in KEY_FILES.values())})
"""The files in the folder of keys."""
UNFINISHED: Final = (
    "entries, for there are none: the installation was begun and not finished; the next write does that"
)


class HomeAudited(msgspec.Struct, frozen=True):
    """What the audit of an installation found. `found` counts all faults, where not every one is listed.

    `root` is the log's labelled root as recomputed; None where the log has no entries.
    """

    entries: int
    root: str | None
    origin: str
    findings: tuple[Finding, ...]
    found: int
    unchecked: tuple[str, ...]


def audit_home(
    home: Home, progress: Progress = lambda done, total: None, open_part: OpenPart | None = None
) -> HomeAudited:
    """Audit the installation in a folder; whoever would write to it waits outside meanwhile, unless one does already.

    With the keyring, or with `open_part`, which has the keys of items, what they hold is compared with what their
    entries commit to; without, it is said that it was not.
    Raises `NotFound` where there is none, `Unavailable` where the folder or a file in it may not be read.
    """
    _check_there(home)
    findings = Findings()
    with undisturbed(home) as alone:
        # Before the store: a process that writes now only ever moves it on.
        signed = _read_signed(home, findings)
        with keyring_of(home, findings, alone=alone) as keyring:
            opener = Opener(keyring) if keyring is not None and open_part is None else open_part
            audited = _audit_stored(home, findings, progress, signed, opener, keyring, alone=alone)
            if keyring is not None:
                check_keyring(home, keyring, findings)
            check_desk(home, keyring, findings, alone=alone)
        for path in (home.keyring, home.desk):
            check_closed(path, findings, alone=alone)
    _check_names(home, findings)
    return HomeAudited(
        entries=audited.entries if audited else 0,
        root=labelled(audited.root) if audited and audited.entries else None,
        origin=audited.origin if audited else "",
        findings=(*audited.findings, *findings.listed()) if audited else findings.listed(),
        found=(audited.found if audited else 0) + findings.count,
        unchecked=(*(audited.unchecked if audited else ()), *findings.unchecked),
    )


def _check_there(home: Home) -> None:
    with refused_by_machine(home.folder):
        names = {path.name for path in home.folder.iterdir()} if home.folder.is_dir() else set()
    if not names & {home.store.name, home.keys.name, home.trust.name, home.lock.name}:
        raise NotFound(
            f"there is no installation in {home.folder}; make one with: counterfoil init --home {home.folder}"
        )


@contextmanager
def undisturbed(home: Home) -> Iterator[bool]:
    """Keep new writers out, by a shared lock that changes nothing; gives False where one writes already."""
    try:
        descriptor = os.open(home.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    except OSError as error:
        raise Unavailable(f"{home.lock} cannot be read: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _read_signed(home: Home, findings: Findings) -> LastSigned | None:
    """What the checkpoint key signed last: size 0 where nothing yet; None, with a finding, where it cannot be told."""
    try:
        return read_last_signed(home) if signed_before(home) else NOTHING_SIGNED
    except Damaged:
        findings.add("it is not what this program writes there", "keys/last-signed")
    except Unavailable as error:
        findings.add(f"it cannot be read: {error}", "keys/last-signed")
    return None


def _audit_stored(
    home: Home,
    findings: Findings,
    progress: Progress,
    signed: LastSigned | None,
    open_part: OpenPart | None,
    keyring: Keyring | None,
    *,
    alone: bool,
) -> Audited | None:
    """Audit the store, and compare with it what lies beside it; None where there is no store to speak of."""
    if not home.store.is_file():
        if _unfinished(home, signed) and not home.store.exists():
            findings.leave(UNFINISHED)
        else:
            findings.add("the store is missing, with every entry in it", home.store.name)
        return None
    with refused_by_machine(home.store), home.store.open("rb"):
        pass
    try:
        database = Sqlite(home.store, read_only=True, untouched=alone)
    except Busy:
        raise
    except CounterfoilError as error:
        findings.add(f"it cannot be opened: {error}", home.store.name)
        return None
    with closing(database):
        if _unfinished(home, signed) and _is_empty(database):
            findings.leave(UNFINISHED)
            return None
        audited = _audit_whole(home, database, findings, progress, signed, open_part)
        if audited is not None and audited.readable and audited.entries:
            _check_erased(home, database, keyring, findings, alone=alone)
        return audited


def _check_erased(
    home: Home, database: Sqlite, keyring: Keyring | None, findings: Findings, *, alone: bool
) -> None:
    try:
        check_erased(home, Store(database, read_only=True), keyring, findings, alone=alone)
    except CounterfoilError as error:
        findings.leave(f"whether what was erased is gone, as that cannot be read: {error}")


def _audit_whole(
    home: Home,
    database: Sqlite,
    findings: Findings,
    progress: Progress,
    signed: LastSigned | None,
    open_part: OpenPart | None,
) -> Audited | None:
    try:
        audited = audit_store(database, home.store, progress, open_part)
    except Busy:
        raise
    except CounterfoilError as error:
        findings.add(f"it cannot be read: {error}", home.store.name)
        return None
    if not audited.readable:
        findings.leave("what lies beside the store, as the store cannot be read")
    elif audited.entries:
        try:
            Beside(home, Store(database, read_only=True), audited, findings).check(signed)
        except CounterfoilError as error:
            findings.leave(f"what lies beside the store, as the store cannot be read: {error}")
    return audited


def _unfinished(home: Home, signed: LastSigned | None) -> bool:
    """Whether nothing beside the store speaks of entries."""
    return signed is not None and not signed.size and not home.trust.exists()


def _is_empty(database: Sqlite) -> bool:
    """Whether the store has no entry yet: perhaps no table either."""
    try:
        if database.row("SELECT 1 FROM sqlite_master LIMIT 1") is None:
            return True
        queries = ("SELECT 1 FROM head", "SELECT 1 FROM tail", "SELECT 1 FROM bundle")
        return all(database.row(query) is None for query in queries)
    except CounterfoilError:
        return False


def _check_names(home: Home, findings: Findings) -> None:
    """Name every file and folder that does not belong here."""
    for path in strays(home):
        findings.add("it is no part of an installation", str(path.relative_to(home.folder)))
    check_predecessors(home, findings)
    for path in (home.lock, home.folder / BACKUP):
        if path.is_file() and path.stat().st_size:
            findings.add("it holds bytes, and must hold none", path.name)


def strays(home: Home) -> Iterator[Path]:
    """The files and folders in a home that are no part of it; one that a crash left half written is."""
    for path in sorted(home.folder.iterdir()):
        if path.is_dir():
            known = path.name in HOME_FOLDERS or (path.name == BUILDING and is_restored(home))
        else:
            marks = path.name == BACKUP and is_backup(home)
            known = (path.is_file() or path.is_socket()) and (marks or _named(path, HOME_FILES))
        if not known:
            yield path
    for path in sorted(home.keys.iterdir()) if home.keys.is_dir() else ():
        if not (path.is_file() and _named(path, KEY_FOLDER)):
            yield path
    for path in sorted(archives(home)):
        if not (path.is_file() and is_archive(path)):
            yield path


def _named(path: Path, names: Collection[str]) -> bool:
    return path.name in names or path.name.removeprefix(".").removesuffix(".part") in names
