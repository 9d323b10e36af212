"""A store built anew: what nothing else tells is put in, and what follows from it is found by replaying the log.

The state is a function of the log, with the headers, endorsements and waiting transactions kept beside it. So a store
is its entries, those three, documents and checkpoints; all other rows are derived (`ledger.md`, State).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from counterfoil.errors import CounterfoilError, Damaged, Malformed
from counterfoil.ledger.idempotency import request_name
from counterfoil.ledger.ledger import Ledger, write_index
from counterfoil.ledger.state import Changes
from counterfoil.ledger.system import INDEX, TRANSACTION
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import digest, unlabelled
from counterfoil.proof.entry import Entry
from counterfoil.proof.instant import instant
from counterfoil.proof.merkle import leaf_hashes
from counterfoil.proof.transaction import Header, Transaction, decode_header
from counterfoil.store.audit.causes import Causes
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.logbook import Logbook
from counterfoil.store.audit.replay_state import ReplayState, read_entry
from counterfoil.store.audit.rows import Rows
from counterfoil.store.audit.stored import TABLES, Stored
from counterfoil.store.audit.tables import read_pending
from counterfoil.store.blind import write_all
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Value
from counterfoil.store.documents import put_document
from counterfoil.store.elsewhere import note_elsewhere, waiting_items
from counterfoil.store.head import head_row
from counterfoil.store.items import ItemTable
from counterfoil.store.log import WIDTH, Log
from counterfoil.store.pages import page_checksum
from counterfoil.store.schema import prepare
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.tables import write_tables

Progress = Callable[[int, int], None]
MAX_PART: Final = 4_096
"""How many units of the log are written in one database transaction."""


class Rebuild:
    """Builds a store in a file that nobody uses yet. Leave it by `finish`; what was not finished is no store."""

    def __init__(self, path: Path):
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        self._database = Sqlite(path)
        try:
            # A crash leaves no store, whatever it leaves; who puts it in its place brings it to the disk first.
            self._database.execute("PRAGMA synchronous=OFF")
            prepare(self._database)
            self._log = Log(self._database, 0)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Rebuild:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._database.close()

    @property
    def size(self) -> int:
        """How many entries were put in so far."""
        return self._log.size

    def root(self) -> bytes:
        """The log's root over them."""
        return self._log.root()

    def root_at(self, size: int) -> bytes:
        """The log's root at a size that it has reached."""
        return self._log.root_at(size)

    def entry(self, number: int) -> bytes:
        """One of them."""
        return self._log.entry(number)

    def checkpoint(self, size: int) -> bytes | None:
        """The published checkpoint that was put in for a size."""
        row = self._database.row("SELECT note FROM checkpoint WHERE size = ?", (size,))
        return bytes(row[0]) if row else None

    def put_entries(self, entries: Sequence[bytes]) -> None:
        """The log's next entries: a full bundle of 256, or those after the last one, all at once."""
        with self._database.transaction():
            for part in [entries] if len(entries) == WIDTH else _after_index(entries):
                self._log.append(part, leaf_hashes(part))

    def put_taken(self, first: int, header: bytes, endorsements: bytes) -> None:
        """Header and endorsements of the transaction whose first entry has this number. Raises `Malformed`."""
        decoded = decode_header(header)
        row = (first, decoded.count, unlabelled(digest(header)), _name(decoded), header, endorsements)
        self._database.execute(
            "INSERT OR REPLACE INTO taken (first, count, hash, name, header, endorsements, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, checksum(first, endorsements)),
        )

    def put_pending(self, row: Sequence[bytes | int]) -> None:
        """A waiting transaction, as `store.waiting` writes its row."""
        self._database.execute(
            "INSERT OR REPLACE INTO pending (hash, name, complete, header, proposals, endorsements)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )

    def put_checkpoint(self, size: int, note: bytes) -> None:
        """A published checkpoint."""
        self._database.execute("INSERT OR REPLACE INTO checkpoint (size, note) VALUES (?, ?)", (size, note))

    def put_document(self, parts: Iterable[bytes]) -> str:
        """A document; gives its labelled hash."""
        return put_document(self._database, parts)

    def has(self, table: str, key: Value) -> bool:
        """Whether a table has a row with this key in its first column."""
        column = next(iter(TABLES[table].columns))
        query = f"SELECT 1 FROM {table} WHERE {column} = ?"  # noqa: S608  # names of our own
        return self._database.row(query, (key,)) is not None

    def put_row(self, table: str, row: Sequence[Value]) -> None:
        """A row as it is, be it sound or not."""
        self._database.execute(replacing(table), row)

    def finish(
        self, note: bytes, progress: Progress = lambda done, total: None, *, elsewhere: bool = False
    ) -> None:
        """Derive every other row, and let the store end with this checkpoint.

        `elsewhere`: items that were not put in are kept elsewhere; else they are lost, and the audit will say so.
        Raises `Damaged` where the log cannot be what the ledger's rules wrote from what was put in.
        """
        derive(self._database, self._log.size, note, progress)
        with self._database.transaction():
            if elsewhere:
                note_elsewhere(self._database)
            write_all(self._database, self._log.size)


def replacing(table: str) -> str:
    """The statement that puts in a row of a table, in the place of one with its key."""
    columns = TABLES[table].columns
    marks = ", ".join("?" * len(columns))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  # names of our own


def derive(database: Sqlite, size: int, note: bytes, progress: Progress) -> None:
    """Write the rows that follow from the log of `size` entries: all but those that `Rebuild` is given."""
    replay = StrictReplay(database, size)
    last_index = _last_index(replay.state, size)
    units = replay.units()
    waiting = True
    while waiting:
        with database.transaction():
            for _ in range(MAX_PART):
                changes = next(units, None)
                if changes is None:
                    waiting = False
                    break
                changes.taken, changes.pending = [], {}
                write_tables(database, changes)
                if changes.head.size == last_index:
                    _write_pages(database, replay.state, last_index)
        progress(replay.state.head.size, size)
    with database.transaction():
        database.execute("DELETE FROM pending")
        write_tables(database, Changes(replay.state.head, pending=dict(replay.state.open)))
        needed = waiting_items(list(replay.state.open.values()))
        stored = [bytes(row[0]) for row in database.query("SELECT commitment FROM item_waiting")]
        ItemTable(database).drop([each for each in stored if each not in needed])
        row = head_row(replay.state.head, last_index, note)
        database.execute(
            "INSERT INTO head (id, size, time, index_leaf, index_number, index_version, index_time, settled, checksum,"
            " note) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


class StrictReplay:
    """Walks a log that is whole, and gives what the ledger's rules make of each part of it."""

    def __init__(self, database: Sqlite, size: int):
        findings = Findings()
        stored = Stored(database, findings)
        book = Logbook(stored)
        book.bundles = size // WIDTH
        book.tail = Log(database, size).bundle(size // WIDTH)
        self._size = size
        self._rows = Rows(stored, findings, lambda number: None)
        self.state = ReplayState(book, stored)
        self._causes = Causes(Ledger(), self.state, self._rows, read_pending(stored, findings))

    def units(self) -> Iterator[Changes]:
        """The changes of each unit of the log, once the state has taken them. Raises `Damaged`."""
        while (number := self.state.head.size) < self._size:
            try:
                changes = self._judge(read_entry(self.state.entry(number)))
            except CounterfoilError as error:
                raise Damaged(
                    f"entry {number} cannot have been written with what is kept beside it: {error}"
                ) from None
            if self.state.entries(number, len(changes.entries)) != changes.entries:
                raise Damaged(f"entry {number}, or one written with it, is not what the ledger's rules give")
            self.state.advance(changes)
            yield changes

    def _judge(self, first: Entry) -> Changes:
        view = View(self.state, instant(first.time))
        if first.register == INDEX:
            self._causes.check_due(view, first)
            write_index(view)
        else:
            row = self._rows.taken(first.number) if first.register != TRANSACTION else None
            self._causes.ask(view, first, row)
        return view.finish()


def _last_index(state: ReplayState, size: int) -> int:
    """The number of the log's last `.index` entry. Raises `Damaged` where there is none, as no ledger has."""
    for number in range(size - 1, -1, -1):
        data = state.entry(number)
        if b'"register":".index"' in data and read_entry(data).register == INDEX:
            return number
    raise Damaged("the log has no index entry, so it is no ledger's")


def _write_pages(database: Sqlite, state: ReplayState, mark: int) -> None:
    """The index's pages as they stand before its last entry."""
    state.tree.root()
    for node, (pairs, meta) in state.tree.pages():
        hash_ = state.tree._hashes[node]  # noqa: SLF001  # as the store's own pages do, which inherit it
        database.execute(
            "INSERT INTO page (node, mark, hash, checksum, meta, pairs) VALUES (?, ?, ?, ?, ?, ?)",
            (node, mark, hash_, page_checksum(node, mark, hash_, meta, pairs), meta, pairs),
        )


def _after_index(entries: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The tail in parts, each ending where an index entry has ended a block."""
    start = 0
    for number, data in enumerate(entries, 1):
        ends = b'"register":".index"' in data and read_entry(data).register == INDEX
        if ends or number == len(entries):
            yield entries[start:number]
            start = number


def _name(header: Header) -> bytes:
    try:
        return request_name(Transaction(header, ()))
    except Malformed as error:
        raise Malformed(f"a header names no request: {error}") from None
