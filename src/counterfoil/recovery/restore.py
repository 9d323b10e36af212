"""Restoring an installation into a new folder; it is marked, and writes only once it was resumed (`resume`)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import CounterfoilError, Unavailable
from counterfoil.home import Home, refused_by_machine, write_whole
from counterfoil.proof.canonical import labelled
from counterfoil.recovery.files import put_in_place, remove, scratch
from counterfoil.recovery.kept import copy_kept
from counterfoil.recovery.keys_file import Keys, load_keys, put_keys
from counterfoil.recovery.mark import ASKING, UNPACKING, Mark, read_mark, write_mark
from counterfoil.recovery.members import check_keys
from counterfoil.recovery.source import open_source
from counterfoil.recovery.still import still_store
from counterfoil.recovery.unpack import silent
from counterfoil.signer import RESTORED
from counterfoil.store.schema import WITH_ITEMS, stored_version

SOME_ITEM: Final = "SELECT 1 FROM item WHERE length(parts) > 1 LIMIT 1"
"""Finds an item that has parts: an empty list of them takes one byte."""

Progress = Callable[[int, int], None]


class Restored(msgspec.Struct, frozen=True):
    """What was restored: the ledger's origin, its log's size and labelled root, and whether the keys came with it.

    `items`: whether there are any in it, which nobody reads without the keyring.
    """

    origin: str
    entries: int
    root: str
    keys: bool
    items: bool = False


def restore(source: Path, home: Home, *, keys: Path | None = None, progress: Progress = silent) -> Restored:
    """Restore a backup or an archive into an empty or new folder; with `keys`, the file of keys too.

    One that was interrupted is done anew by the same call; one that fails leaves nothing. Raises `Unavailable` where
    the folder is in use, `Unverified` where the keys are another ledger's, and as `open_source` and `load_keys` do.
    """
    secrets = load_keys(keys) if keys is not None else None
    mark = read_mark(home) if home.folder.is_dir() else None
    if mark is None or mark.step != UNPACKING:
        _check_free(source, home, mark)
    there = home.folder.exists()
    home.create()
    with home.writing():
        try:
            return _restore(source, home, secrets, progress)
        except CounterfoilError:
            _clear(home, there=there)
            raise


def _restore(source: Path, home: Home, keys: Keys | None, progress: Progress) -> Restored:
    write_mark(home, Mark(UNPACKING, str(source)))
    with scratch(home.cache / "restore") as folder, open_source(source, folder, progress) as found:
        with still_store(found.store) as store:
            holds = stored_version(store.database) >= WITH_ITEMS
            items = holds and store.database.row(SOME_ITEM) is not None
            if keys is not None:
                check_keys(store, keys)
        for name, data in found.beside.items():
            write_whole(home.folder / name, data, 0o644 if name == home.trust.name else 0o600)
        if keys is not None:
            put_keys(home, keys)
        else:
            # Without its keys it can only read; those that an attempt to write has made are nobody's.
            remove(home.keys)
        copy_kept(found.home, home)
        _forget(home)
        put_in_place(found.store, home.store)
    write_mark(home, Mark(ASKING, str(source)))
    return Restored(found.origin, found.entries, labelled(found.root), keys=keys is not None, items=items)


def _check_free(source: Path, home: Home, mark: Mark | None) -> None:
    if mark is not None:
        raise Unavailable(
            f"{home.folder} was restored already, from {mark.source}; go on with: counterfoil restore --resume "
            f"--home {home.folder}"
        )
    if not _is_free(home):
        raise Unavailable(f"the folder {home.folder} holds other things already; name an empty or a new one")
    if not source.exists():
        raise Unavailable(f"there is no {source} to restore from")


def _is_free(home: Home) -> bool:
    """Whether nothing is in the folder but what an attempt has made that was killed before its mark was set."""
    with refused_by_machine(home.folder):
        names = {path.name for path in home.folder.iterdir()} if home.folder.exists() else set()
        begun = {home.lock.name, home.keys.name, f".{RESTORED}.part"}
        return names <= begun and not (home.keys.is_dir() and any(home.keys.iterdir()))


def _clear(home: Home, *, there: bool) -> None:
    """Remove what a restore that failed has made: all that is in the folder, and the folder if it was not `there`."""
    with suppress(OSError):
        for path in home.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        if not there:
            home.folder.rmdir()


def _forget(home: Home) -> None:
    """Remove what an interrupted attempt, or one to write to it, left of a store."""
    with refused_by_machine(home.store):
        for name in (home.store.name, f"{home.store.name}-wal", f"{home.store.name}-shm"):
            (home.folder / name).unlink(missing_ok=True)
