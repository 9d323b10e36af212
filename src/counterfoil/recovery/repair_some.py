"""Repairing some rows, where the log cannot be made whole: those of which a verified source has a healthy copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from counterfoil.errors import CounterfoilError
from counterfoil.recovery.material import Material
from counterfoil.recovery.rebuild import replacing
from counterfoil.recovery.repair_anchors import Anchors
from counterfoil.store.audit.stored import TABLES, Row
from counterfoil.store.log import LEVEL_SHIFT, WIDTH
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.untouched import wal_of


def repair_some(
    store: Path,
    new: Path,
    own: Material,
    other: Material,
    anchors: Anchors,
    size: int,
    root_at: Callable[[int], bytes],
) -> bool:
    """Make a copy of the store in which rows that follow from the log's sound beginning are those of the source.

    `size` and `root_at` are the source's. That beginning is as long as this node's own statements say that the source
    has it. Gives False where nothing can be done that way; raises `Unverified` where the source is of another history.
    """
    anchors.check(size, root_at, "the source")
    agreed = max((each.size for each in anchors.said if each.size <= size), default=0)
    if not agreed or not store.is_file():
        return False
    for path, copy in ((store, new), (wal_of(store), wal_of(new))):
        if path.is_file():
            shutil.copyfile(path, copy)
    with suppress(CounterfoilError), closing(Sqlite(new)) as database, database.transaction():
        for table, row in _rows(own, other, anchors, agreed):
            database.execute(replacing(table), row)
        return True
    return False


def _rows(own: Material, other: Material, anchors: Anchors, agreed: int) -> Iterator[tuple[str, Row]]:
    bundles = agreed // WIDTH
    limits = {"bundle": bundles, "tile": min(bundles, 1 << LEVEL_SHIFT), "prior": agreed, "taken": agreed}
    for table, limit in limits.items():
        column = next(iter(TABLES[table].columns))
        for row in other.rows(table, f"WHERE {column} < ?", (limit,)):
            if own.row(table, row[0]) != row:
                yield table, row
    sound = {stated.size for stated, _ in own.checkpoints(anchors.keys)}
    for stated, note in other.checkpoints(anchors.keys):
        if stated.size <= agreed and stated.size not in sound:
            yield "checkpoint", (stated.size, note)
    here = set(own.documents())
    for name in other.documents():
        if name not in here:
            for table in ("document", "chunk"):
                for row in other.rows(table, "WHERE hash = ?", (name,)):
                    yield table, row
