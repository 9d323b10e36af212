"""Restoring an installation's keyring from its backup: first the log's erasures are applied, so that none is undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from counterfoil.errors import NotFound
from counterfoil.home import Home
from counterfoil.keyring.protector import Protector
from counterfoil.keyring.restoring import Restored, drawn_in, restore
from counterfoil.recovery.still import still_store
from counterfoil.registry.personal.leftover import Erasures, plans


def restore_keyring(
    home: Home,
    backup: Path,
    shares: Sequence[str],
    protector: Protector,
    clock: Callable[[], float] = time.time,
) -> Restored:
    """Make the installation's keyring from a backup and the holders' shares, without the keys of what was erased.

    Whoever calls holds the home for writing. The store must be here first, with its items. Raises `NotFound` without
    it, `Unavailable` where it lacks items that an erasure is about, `Conflict` where there is a keyring, and as
    `restoring.restore`.
    """
    if not home.store.is_file():
        raise NotFound(
            f"there is no store in {home.folder}; restore it first: what was erased stands in its log, and the keys "
            "of that must not come back"
        )
    with still_store(home.store) as store:
        erasures = Erasures(store, plans(store))
        drawn = drawn_in(backup, shares, erasures.transactions())
        erased = erasures.keys(drawn, whole=True)
    return restore(backup, shares, home.keyring, protector, erased, clock)
