"""A block's changes to the tables beside log and index: priors, transactions, claims, references, what waits."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.ledger.state import Changes, Pending, ReferenceRow
from counterfoil.proof.canonical import unlabelled
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database
from counterfoil.store.waiting import encode_pending


def write_tables(database: Database, changes: Changes) -> None:
    """Write them; must run inside a database transaction. A block without changes to a table does not touch it."""
    if changes.priors:
        database.execute_many(
            "INSERT INTO prior (number, previous) VALUES (?, ?)", list(changes.priors.items())
        )
    if changes.taken:
        database.execute_many(
            "INSERT INTO taken (first, count, hash, name, header, endorsements, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*taken, checksum(taken.first, taken.endorsements)) for taken in changes.taken],
        )
    if changes.claims:
        _write_claims(database, changes.claims)
    if changes.references:
        _write_references(database, changes.references)
    if changes.pending:
        _write_pending(database, changes.pending)


def _write_claims(database: Database, claims: Mapping[bytes, bytes | None]) -> None:
    database.execute_many(
        "DELETE FROM claim WHERE digest = ?",
        [(digest,) for digest, holder in claims.items() if holder is None],
    )
    database.execute_many(
        "INSERT INTO claim (digest, holder) VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET holder = excluded.holder",
        [(digest, holder) for digest, holder in claims.items() if holder is not None],
    )


def _write_references(database: Database, references: Mapping[ReferenceRow, bool]) -> None:
    database.execute_many(
        "DELETE FROM reference WHERE target = ? AND role = ? AND source = ?",
        [row for row, stands in references.items() if not stands],
    )
    database.execute_many(
        "INSERT INTO reference (target, role, source) VALUES (?, ?, ?)",
        [row for row, stands in references.items() if stands],
    )


def _write_pending(database: Database, pending: Mapping[str, Pending | None]) -> None:
    database.execute_many("DELETE FROM pending WHERE hash = ?", [(unlabelled(name),) for name in pending])
    database.execute_many(
        "INSERT INTO pending (hash, name, complete, header, proposals, endorsements) VALUES (?, ?, ?, ?, ?, ?)",
        [encode_pending(each) for each in pending.values() if each is not None],
    )
