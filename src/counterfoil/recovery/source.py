"""What damage is repaired from, and an installation restored from: a backup or an archive, verified before its use."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterfoil.errors import Damaged, Malformed, NotFound
from counterfoil.home import refused_by_machine
from counterfoil.proof.canonical import unlabelled
from counterfoil.recovery.backup import BESIDE, STORE, copy_store
from counterfoil.recovery.unpack import audit_closed, silent, unpack
from counterfoil.registry.archive_format import open_archive
from counterfoil.store.untouched import wal_of

Progress = Callable[[int, int], None]
MAX_BESIDE: Final = 16 << 20


@dataclass(frozen=True)
class Source:
    """A sound store: where its file is, the size and root of its log, its origin, and the files beside it by name."""

    store: Path
    entries: int
    root: bytes
    origin: str
    beside: dict[str, bytes]


@contextmanager
def open_source(path: Path, folder: Path, progress: Progress = silent) -> Iterator[Source]:
    """Verify a backup's folder or an archive's file; `folder` is an empty one for what must be unpacked meanwhile.

    The store that is given is a copy in `folder`, so that nobody changes it once it was audited. Raises `NotFound`,
    and `Damaged`, `Malformed` or `Unverified` where it is not sound itself.
    """
    store = folder / STORE
    if path.is_dir():
        beside = _copy_backup(path, store)
        audited = audit_closed(store, progress)
        if audited.findings or not audited.entries:
            why = audited.findings[0].sentence if audited.findings else "it has no entries"
            raise Damaged(f"the backup {path} is not sound itself ({why}); take another one")
        yield Source(store, audited.entries, audited.root, audited.origin, beside)
        return
    with open_archive(path) as file:
        scan = unpack(file, store, progress=progress)
    root = unlabelled(scan.head.root)
    yield Source(store, scan.head.size, root, scan.head.origin, {"trust.json": scan.trust})


def _copy_backup(path: Path, store: Path) -> dict[str, bytes]:
    found = path / STORE
    if not found.is_file():
        raise NotFound(f"{path} is no backup: there is no {STORE} in it")
    with refused_by_machine(path):
        if wal_of(found).exists():
            copy_store(found, store)
        else:
            shutil.copyfile(found, store)
            store.chmod(0o600)
        return {name: _read(path / name) for name in BESIDE if (path / name).is_file()}


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BESIDE + 1)
    if len(data) > MAX_BESIDE:
        raise Malformed(f"{path} is over {MAX_BESIDE} bytes long; it is no part of a backup")
    return data
