"""The tables of a keyring's file, and the authenticator of each row that is not ciphertext itself.

master     the one wrapped master key, whose protector it is, and a checksum
key        item keys by id, wrapped
batch      which ids were drawn together, for which transaction and until when it may come; deadline is empty once
           it stands in the log
secret     register secrets by name, wrapped; names that begin with a full stop are the keyring's own
destroyed  which keys an erasure destroyed, which entry says so, and when
backup     which backups were written, how long they are kept, and when one was destroyed
total      how many rows each table must have, the first id that was never given out, and whether the file is to be
           scrubbed
"""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

from counterfoil.proof.canonical import canonical

VERSION: Final = 1
MAC_BYTES: Final = 16
TABLES: Final = (
    "CREATE TABLE master (generation INTEGER PRIMARY KEY, protector TEXT NOT NULL, wrapped BLOB NOT NULL, "
    "checksum BLOB NOT NULL)",
    "CREATE TABLE key (id INTEGER PRIMARY KEY, wrapped BLOB NOT NULL)",
    "CREATE TABLE batch (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, transaction_hash BLOB NOT NULL, "
    "deadline INTEGER, mac BLOB NOT NULL)",
    "CREATE INDEX batch_deadline ON batch (deadline) WHERE deadline IS NOT NULL",
    "CREATE TABLE secret (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL)",
    "CREATE TABLE destroyed (number INTEGER PRIMARY KEY, ranges TEXT NOT NULL, entry TEXT NOT NULL, "
    "time INTEGER NOT NULL, mac BLOB NOT NULL)",
    "CREATE TABLE backup (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, time INTEGER NOT NULL, "
    "keep_until INTEGER NOT NULL, destroyed INTEGER, mac BLOB NOT NULL)",
    "CREATE TABLE total (version INTEGER PRIMARY KEY, generation INTEGER NOT NULL, reserved INTEGER NOT NULL, "
    "keys INTEGER NOT NULL, batches INTEGER NOT NULL, secrets INTEGER NOT NULL, erasures INTEGER NOT NULL, "
    "backups INTEGER NOT NULL, scrub INTEGER NOT NULL, mac BLOB NOT NULL)",
)


class BatchRow(NamedTuple):
    """Keys that were drawn together. `deadline` is a Unix time; None once the transaction stands in the log."""

    first: int
    last: int
    transaction: bytes
    deadline: int | None
    mac: bytes


class DestroyedRow(NamedTuple):
    """One erasure. `ranges` is JSON: pairs of the first and the last id."""

    number: int
    ranges: str
    entry: str
    time: int
    mac: bytes


class BackupRow(NamedTuple):
    """One backup; times are Unix times, `destroyed` is None while it may still exist."""

    number: int
    epoch: int
    time: int
    keep_until: int
    destroyed: int | None
    mac: bytes


class Total(NamedTuple):
    """How many rows there must be. `reserved`: every id below may have been given out."""

    generation: int
    reserved: int
    keys: int = 0
    batches: int = 0
    secrets: int = 0
    erasures: int = 0
    backups: int = 0
    scrub: int = 0


def mac(key: bytes, table: str, *values: int | str | bytes | None) -> bytes:
    """HMAC-SHA256 (RFC 2104), cut to 16 bytes, over a row's values in their order."""
    # Bytes in a list of their own: so they are never taken for text.
    text = canonical([table, *([value.hex()] if isinstance(value, bytes) else value for value in values)])
    return hmac.digest(key, text, "sha256")[:MAC_BYTES]


def authentic(key: bytes, table: str, *row: int | str | bytes | None) -> bool:
    """Whether a row, its authenticator last, is as it was written."""
    *values, said = row
    return isinstance(said, bytes) and hmac.compare_digest(said, mac(key, table, *values))
