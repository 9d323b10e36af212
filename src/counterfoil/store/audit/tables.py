"""The small tables, compared whole with what the replay has led to."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.errors import CounterfoilError
from counterfoil.ledger.state import Pending, RecordState
from counterfoil.ledger.system import TRANSACTION
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import HASH, record_key
from counterfoil.store.audit.finding import Findings, reason
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.replay import Replay
from counterfoil.store.audit.stored import TABLES, Row, Stored, shown
from counterfoil.store.checksum import checksum
from counterfoil.store.head import head_row
from counterfoil.store.waiting import decode_pending, encode_pending


def read_pending(stored: Stored, findings: Findings) -> dict[str, Pending]:
    """The stored waiting transactions that can be read, by hash."""
    waiting: dict[str, Pending] = {}
    for row in stored.rows("pending"):
        try:
            pending = decode_pending(row[1:])
        except CounterfoilError as error:
            stored.ill["pending"].add(row[0])
            findings.add(
                f"a waiting transaction cannot be read: {reason(error)}", f"pending row {shown(row[0])}"
            )
            continue
        if unlabelled(pending.hash) != row[0]:
            stored.ill["pending"].add(row[0])
            findings.add("its header is not the one that its hash names", f"pending row {shown(row[0])}")
            continue
        waiting[pending.hash] = pending
    return waiting


class TableAudit:
    """Compares claims, references, waiting transactions and the head with the state that the replay has reached."""

    def __init__(self, stored: Stored, logbook: Logbook, replay: Replay, findings: Findings):
        self._stored = stored
        self._logbook = logbook
        self._replay = replay
        self._state = replay.state
        self._findings = findings

    def compare(self) -> None:
        """Compare every row of the three tables."""
        claims, references = self._state.claims.items(), self._state.references
        self._compare("claim", claims, holder=1)
        self._compare("reference", references, holder=2)
        self._compare("pending", [encode_pending(each) for each in self._state.open.values()])
        for transaction, ended in self._replay.causes.gone.items():
            key = unlabelled(transaction)
            if not (ended or transaction in self._replay.spoiled or self._stored.is_named("pending", key)):
                self._findings.add("it waits, and is not stored", f"pending row {key.hex()}")

    def compare_head(self) -> None:
        """Compare the row that says where the log ends, but for its note."""
        rows = list(self._stored.rows("head"))
        if [row[0] for row in rows] != [0]:
            if not self._stored.is_named("head", 0):
                self._findings.add(f"it has the rows {[row[0] for row in rows]}, and must have row 0", "head")
            return
        columns, found = tuple(TABLES["head"].columns)[1:-1], rows[0][1:-1]
        expected = head_row(self._state.head, found[-2], b"")[:-1]
        for column, one, other in zip(columns, expected, found, strict=True):
            if one != other and column == "checksum":
                self._findings.add("its settled, or the checksum over it, is not what was stored", "head")
            elif one != other and not self._state.lost_numbers:
                self._findings.add(f"its {column} is {shown(other)}, and must be {shown(one)}", "head")

    def compare_scrubbed(self) -> None:
        """Check the row that counts how often the file was rewritten."""
        for id_, times, sum_ in self._stored.rows("scrubbed"):
            if id_ or times < 1 or sum_ != checksum(times):
                self._findings.add("it is not what was stored", f"scrubbed row {id_}")

    def _compare(self, table: str, expected: Iterable[Row], holder: int | None = None) -> None:
        width, columns = TABLES[table].key, tuple(TABLES[table].columns)
        found = {row[:width]: row for row in self._stored.rows(table)}
        due = {tuple(row)[:width]: tuple(row) for row in expected}
        for key in sorted(key for key in found.keys() | due.keys() if found.get(key) != due.get(key)):
            one, other = due.get(key), found.get(key)
            row = one or other or key
            if self._stored.is_named(table, key[0]) or self._is_excused(row, holder):
                continue
            if other is None:
                what = "it is missing, and the log leads to it"
            elif one is None:
                what = "it is stored, and the log does not lead to it"
            else:
                names = (name for name, *pair in zip(columns, one, other, strict=True) if pair[0] != pair[1])
                what = f"its column {', '.join(names)} is not what the log leads to"
            self._findings.add(what, f"{table} row {shown(key[0])}", self._holder(row, holder))

    def _holder(self, row: Row, holder: int | None) -> Entry | None:
        """The latest entry of the record that a row belongs to."""
        state = None if holder is None else self._record(row[holder])
        return self._logbook.describe(state.number) if state else None

    def _record(self, key: bytes) -> RecordState | None:
        return self._state.record(key) if len(key) == HASH else None

    def _is_excused(self, row: Row, holder: int | None) -> bool:
        """Whether a row may come from an entry that could not be judged."""
        if holder is None:
            transaction = labelled(row[0])
            known = self._state.record(record_key(TRANSACTION, transaction)) is not None
            return transaction in self._replay.spoiled or not (known or self._state.exact)
        unknown = bool(self._state.lost_numbers) and self._record(row[holder]) is None
        return unknown or row[holder] in self._state.unsure
