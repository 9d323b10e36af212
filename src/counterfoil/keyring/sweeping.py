"""Deleting keys whose transaction never came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from counterfoil.errors import Damaged
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.rows import BatchRow, authentic, mac
from counterfoil.keyring.wrapping import Master
from counterfoil.proof.canonical import labelled

AT_ONCE: Final = 500


def sweep(
    database: KeyringDatabase, master: Master, now: int, stored: Callable[[Sequence[str]], set[str]]
) -> int:
    """See `Keyring.sweep`."""
    swept = 0
    while due := _due(database, now):
        found = stored([labelled(batch.transaction) for batch in due])
        with database.writing():
            total = database.checked_total(master.generation)
            settled = [batch for batch in due if labelled(batch.transaction) in found]
            lapsed = [batch for batch in due if labelled(batch.transaction) not in found]
            _settle(database, settled)
            gone = sum(_delete(database, batch) for batch in lapsed)
            database.put_total(total._replace(keys=total.keys - gone, batches=total.batches - len(lapsed)))
        swept += gone
    return swept


def _due(database: KeyringDatabase, now: int) -> list[BatchRow]:
    rows = database.rows(
        "SELECT * FROM batch WHERE deadline < ? ORDER BY deadline, first LIMIT ?", (now, AT_ONCE)
    )
    batches = [BatchRow(*row) for row in rows]
    for batch in batches:
        # A changed hash or deadline would have the keys of a stored entry swept.
        if not authentic(database.rows_key, "batch", *batch):
            raise Damaged(f"the keyring's batch {batch.first} is damaged; restore the keyring from a backup")
    return batches


def _settle(database: KeyringDatabase, batches: Sequence[BatchRow]) -> None:
    database.writer.execute_many(
        "UPDATE batch SET deadline = NULL, mac = ? WHERE first = ?",
        [
            (mac(database.rows_key, "batch", batch.first, batch.last, batch.transaction, None), batch.first)
            for batch in batches
        ],
    )


def _delete(database: KeyringDatabase, batch: BatchRow) -> int:
    gone = list(
        database.writer.query(
            "DELETE FROM key WHERE id BETWEEN ? AND ? RETURNING id", (batch.first, batch.last)
        )
    )
    database.writer.execute("DELETE FROM batch WHERE first = ?", (batch.first,))
    return len(gone)
