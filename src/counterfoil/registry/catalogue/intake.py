"""How the catalogue takes entries in: a slice of the log becomes rows, each record's last version counting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import msgspec

from counterfoil.errors import Damaged
from counterfoil.ledger.system import LEDGER_ONLY, LEDGER_PARAMETERS, PARAMETER, REGISTER
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import ENDING
from counterfoil.proof.merkle import leaf_hash
from counterfoil.registry.catalogue.text import searchable, sort_key

_DAY: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_PUT_RECORD: Final = (
    "INSERT INTO record (id, register, sort, name, number, version, operation, status, ended, time)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET number = excluded.number,"
    " version = excluded.version, operation = excluded.operation, status = excluded.status, ended = excluded.ended,"
    " time = excluded.time"
)


class _Body(msgspec.Struct):
    fields: dict[str, Any]
    circumstances: dict[str, Any] = {}


class _Entry(msgspec.Struct):
    """What counts of an entry here."""

    number: int
    time: str
    register: str
    record: str
    version: int
    operation: str
    status: str | None = None
    transaction: str | None = None
    body: _Body | None = None


@dataclass(slots=True)
class _Change:
    """What a slice does to one record."""

    last: _Entry
    created: bool
    ended: bool | None
    """Whether the record has ended by then; None where it is as it was before the slice."""


_decode = msgspec.json.Decoder(_Entry).decode


def take_in(connection: apsw.Connection, entries: Sequence[bytes], position: int) -> None:
    """Take in the entries that follow each other from `position` on. Raises `Damaged` for one that cannot be read."""
    slice_ = _Slice(connection)
    try:
        for data in entries:
            if data:  # one that is damaged is left out: what is healthy is found nevertheless
                slice_.add(_decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(
            f"an entry from {position} on cannot be read ({error}); run counterfoil audit"
        ) from None
    slice_.write()
    connection.execute(
        "UPDATE place SET position = ?, leaf = ?, origin = coalesce(?, origin)",
        (position + len(entries), leaf_hash(entries[-1]), slice_.origin),
    )


class _Slice:
    """Gathers what a part of the log changes, and writes it once for each record."""

    def __init__(self, connection: apsw.Connection):
        self._connection = connection
        self._changes: dict[tuple[str, str], _Change] = {}
        self._entries: Counter[str] = Counter()
        self._days: Counter[tuple[str, str, str]] = Counter()
        self._last: dict[str, str] = {}
        self._first: dict[str, int] = {}
        self.origin: str | None = None

    def add(self, entry: _Entry) -> None:
        """Note an entry."""
        key = entry.register, entry.record
        before = self._changes.get(key)
        ended: bool | None = entry.operation in ENDING
        if entry.operation == "erase":
            ended = before.ended if before else None  # what has ended stays ended
        created = entry.version == 1 or (before is not None and before.created)
        self._changes[key] = _Change(entry, created, ended)
        self._entries[entry.register] += 1
        self._last[entry.register] = entry.time
        if entry.transaction and entry.register not in LEDGER_ONLY:
            self._first.setdefault(entry.transaction, entry.number)
        self._days[entry.register, "ledger", entry.time[:10]] += 1
        recorded = entry.body.circumstances.get("recorded") if entry.body else None
        self._days[entry.register, "book", _day(recorded) or entry.time[:10]] += 1
        if key == (PARAMETER, LEDGER_PARAMETERS) and entry.body:
            self.origin = entry.body.fields.get("origin")

    def write(self) -> None:
        """Write it all."""
        registers = self._write_registers()
        self._write_records(registers)
        self._connection.executemany(
            "INSERT INTO taken VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(unlabelled(name), first) for name, first in self._first.items()],
        )
        self._connection.executemany(
            "INSERT INTO day VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET entries = entries + excluded.entries",
            [(registers[name], clock, day, count) for (name, clock, day), count in self._days.items()],
        )

    def _write_registers(self) -> dict[str, int]:
        titles = {
            record: change.last.body.fields.get("title") if change.last.body else None
            for (register, record), change in self._changes.items()
            if register == REGISTER
        }
        created = Counter(register for (register, _), change in self._changes.items() if change.created)
        self._connection.executemany(
            "INSERT INTO register (name, title, system, records, entries, last_time) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET title = coalesce(excluded.title, title),"
            " records = records + excluded.records, entries = entries + excluded.entries,"
            " last_time = coalesce(excluded.last_time, last_time)",
            [
                (
                    name,
                    titles.get(name),
                    "." in name,
                    created[name],
                    self._entries[name],
                    self._last.get(name),
                )
                for name in self._entries.keys() | titles.keys()
            ],
        )
        rows: list[Any] = self._connection.execute("SELECT name, id FROM register").fetchall()
        return dict(rows)

    def _write_records(self, registers: dict[str, int]) -> None:
        rows: Any = self._connection.execute("SELECT coalesce(max(id), 0) FROM record").fetchall()
        following: int = rows[0][0] + 1
        records: list[tuple[Any, ...]] = []
        words: list[tuple[int, str, str]] = []
        known: list[tuple[int]] = []
        for (register, name), change in self._changes.items():
            place = registers[register], sort_key(name), name
            identity, ended = (None, False) if change.created else self._find(place)
            if identity is None:
                identity, following = following, following + 1
            else:
                known.append((identity,))
            last = change.last
            ended = change.ended if change.ended is not None else ended
            records.append(
                (identity, *place, last.number, last.version, last.operation, last.status, ended, last.time)
            )
            words.append((identity, name, searchable(last.body.fields) if last.body else ""))
        # In their order: FTS5 writes out what it has gathered each time a row comes before the last one.
        words.sort()
        self._connection.executemany("DELETE FROM words WHERE rowid = ?", sorted(known))
        self._connection.executemany(_PUT_RECORD, records)
        self._connection.executemany("INSERT INTO words (rowid, name, text) VALUES (?, ?, ?)", words)

    def _find(self, place: tuple[int, str, str]) -> tuple[int | None, bool]:
        row = self._connection.execute(
            "SELECT id, ended FROM record WHERE register = ? AND sort = ? AND name = ?", place
        ).fetchone()
        return (row[0], bool(row[1])) if row else (None, False)


def _day(recorded: object) -> str | None:
    """The day of an older book's time, the first one where only its month or year is told."""
    found = _DAY.match(recorded) if isinstance(recorded, str) else None
    return found[0] + "-01-01"[len(found[0]) - 4 :] if found else None
