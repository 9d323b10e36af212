"""What damage is repaired from, and an installation restored from: a backup or an archive, verified before its use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterfoil.errors import Damaged, Malformed, NotFound
from counterfoil.home import Home, refused_by_machine, write_whole
from counterfoil.home_audit import audit_home
from counterfoil.proof.canonical import unlabelled
from counterfoil.recovery.backup import BESIDE, STORE, copy_store, is_of_before, mark_backup
from counterfoil.recovery.files import copy_file
from counterfoil.recovery.kept import copy_kept
from counterfoil.recovery.unpack import silent, unpack
from counterfoil.registry.archive.format import open_archive
from counterfoil.store.untouched import wal_of

Progress = Callable[[int, int], None]
MAX_BESIDE: Final = 16 << 20


@dataclass(frozen=True)
class Source:
    """A sound store: the folder that it lies in, the size and root of its log, its origin, and the files beside it.

    `beside` has the small ones by name; the archives of the ledgers that went before lie in the folder.
    """

    home: Home
    entries: int
    root: bytes
    origin: str
    beside: dict[str, bytes]

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.home.store


@contextmanager
def open_source(path: Path, folder: Path, progress: Progress = silent) -> Iterator[Source]:
    """Verify a backup's folder or an archive's file; `folder` is an empty one for what must be unpacked meanwhile.

    The store that is given is a copy in `folder`, so that nobody changes it once it was audited. Raises `NotFound`,
    and `Damaged`, `Malformed` or `Unverified` where it is not sound itself.
    """
    copy = Home(folder)
    if path.is_dir():
        beside = _copy_backup(Home(path), copy)
        audited = audit_home(copy, progress)
        faults = [each.sentence for each in audited.findings if not is_of_before(each)]
        if faults or audited.root is None:
            why = faults[0] if faults else "it has no entries"
            raise Damaged(f"the backup {path} is not sound itself ({why}); take another one")
        yield Source(copy, audited.entries, unlabelled(audited.root), audited.origin, beside)
        return
    with open_archive(path) as file:
        scan = unpack(file, copy.store, progress=progress)
    root = unlabelled(scan.head.root)
    yield Source(copy, scan.head.size, root, scan.head.origin, {"trust.json": scan.trust})


def _copy_backup(backup: Home, copy: Home) -> dict[str, bytes]:
    """Copy what a backup holds; gives the small files. Its marks and keys, where it has any, stay where they are."""
    if not backup.store.is_file():
        raise NotFound(f"{backup.folder} is no backup: there is no {STORE} in it")
    with refused_by_machine(backup.folder):
        if wal_of(backup.store).exists():
            copy_store(backup.store, copy.store)
        else:
            copy_file(backup.store, copy.store)
        beside = {name: _read(backup.folder / name) for name in BESIDE if (backup.folder / name).is_file()}
    for name, data in beside.items():
        write_whole(copy.folder / name, data, 0o600)
    copy_kept(backup, copy)
    mark_backup(copy.folder)
    return beside


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BESIDE + 1)
    if len(data) > MAX_BESIDE:
        raise Malformed(f"{path} is over {MAX_BESIDE} bytes long; it is no part of a backup")
    return data
