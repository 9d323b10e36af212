"""The catalogue: every record's latest version in lists that can be sorted, paged and searched.

It is made from the log alone, and an aid: it may lag behind, and what it names is read again from the store. Only
what stands in the log in the clear is in it, never an item.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from counterfoil.errors import Malformed, NotFound
from counterfoil.ledger.system import PARAMETER
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.merkle import leaf_hash
from counterfoil.registry.catalogue.file import CatalogueFile
from counterfoil.registry.catalogue.intake import take_in
from counterfoil.registry.catalogue.text import decode_cursor, encode_cursor, match_expression

SLICE: Final = 8_192
"""How many entries are taken in at once; readers see them together."""
MAX_PAGE: Final = 1_000
MAX_RANKED: Final = 2_000
"""How many hits of a search are ranked, and can be paged through; who wants more says more words."""

Order: TypeAlias = Literal["key", "-key", "changed", "-changed"]
"""By key or by the entry that changed the record last; with `-` backwards."""
Clock: TypeAlias = Literal["ledger", "book"]
"""By whose clock an entry counts to a day: the ledger's, or the older book's that it was imported from."""

_COLUMNS: Final = "r.name, r.number, r.version, r.status, r.operation, r.time"


class RegisterSummary(msgspec.Struct, frozen=True):
    """A register in the list of registers; `last_time` is that of its last entry, None where it has none.

    `system`: it belongs to the ledger or to another register, as its name with a dot says.
    """

    name: str
    title: str | None
    records: int
    entries: int
    last_time: str | None
    system: bool


class Row(msgspec.Struct, frozen=True):
    """A record in a list: the number, version and operation of its latest entry, and its time."""

    register: str
    record: str
    number: int
    version: int
    status: str | None
    operation: str
    time: str


class Page(msgspec.Struct, frozen=True):
    """Part of a list; `next` asks for the part after it, None where there is none."""

    rows: tuple[Row, ...]
    next: str | None


class Day(msgspec.Struct, frozen=True):
    """How many entries a day (`2026-11-23`) had."""

    day: str
    entries: int


class Catalogue:
    """A catalogue in a file of its own. Any thread may ask; whoever follows the log does so one at a time.

    `entries` gives the log's canonical entries from a number on. Everything raises `Unavailable` where the file cannot
    be used.
    """

    def __init__(self, path: Path, entries: Callable[[int], Iterator[bytes]]):
        self._entries = entries
        self._following = threading.Lock()
        self._moved = threading.Condition()
        self.awaited = threading.Event()
        """Set while somebody waits for entries to be taken in."""
        self._closed = False
        self._file = CatalogueFile(path)
        self.position: int = 0
        """How many entries of the log it has taken in."""
        self._begin()

    # Following the log

    def follow(self, limit: int | None = None) -> int:
        """Take in what the log has beyond `position`, `limit` entries at most; gives how many. Raises `Damaged`."""
        with self._following:
            if self._file.damaged:
                self._file.begin_anew()
                self._move(0)
            done = 0
            entries = self._entries(self.position)
            while limit is None or done < limit:
                part = list(islice(entries, SLICE if limit is None else min(SLICE, limit - done)))
                if not part or self._closed:
                    break
                with self._file.transaction() as connection:
                    take_in(connection, part, self.position)
                done += len(part)
                self._move(self.position + len(part))
            return done

    def wait_for(self, size: int, seconds: float) -> bool:
        """Wait until the log's first `size` entries are in; False where they are not by then."""
        if self.position < size:
            self.awaited.set()
        with self._moved:
            return (
                self._moved.wait_for(lambda: self.position >= size or self._closed, seconds)
                and not self._closed
            )

    @property
    def damaged(self) -> bool:
        """Whether the file was found to be damaged, and is not made anew yet."""
        return self._file.damaged

    def when_damaged(self, call: Callable[[], None]) -> None:
        """Have a function called when the file is found to be damaged: to `follow` then makes it anew."""
        self._file.on_damage = call

    def close(self) -> None:
        """Let go of the file, once nobody asks any more."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
        self.awaited.set()
        with self._following:
            self._file.close()

    def _begin(self) -> None:
        """Go on from where the file stands, or anew where that is not in this log."""
        position, origin, leaf = self._file.query("SELECT position, origin, leaf FROM place")[0]
        if position:
            last, first = (next(self._entries(number), None) for number in (position - 1, 0))
            if last is None or leaf_hash(last) != leaf or first is None or _origin(first) != origin:
                self._file.begin_anew()
                position = 0
        self._move(position)

    def _move(self, position: int) -> None:
        with self._moved:
            self.position = position
            self._moved.notify_all()

    # Asking

    def registers(self) -> list[RegisterSummary]:
        """Every register, those with a dot in their name after the others."""
        rows = self._file.query(
            "SELECT name, title, records, entries, last_time, system FROM register ORDER BY system, name"
        )
        return [
            RegisterSummary(name, title, records, entries, last_time, bool(system))
            for name, title, records, entries, last_time, system in rows
        ]

    def records(
        self,
        register: str,
        after: str | None,
        limit: int,
        *,
        order: Order = "key",
        status: str | None = None,
        ended: bool | None = None,
    ) -> Page:
        """A register's records, those with a `status` alone, or those that have ended or not.

        Keys stand in the order that people expect: 2 before 10. Raises `NotFound` for a register that is not there,
        `Malformed` for a cursor of another list.
        """
        number = self._register(register)
        backwards, by_key = order.startswith("-"), order.endswith("key")
        columns = ("r.sort", "r.name") if by_key else ("r.number",)
        where: list[str] = ["r.register = ?"]
        values: list[int | str] = [number]
        if status is not None:
            where.append("r.status = ?")
            values.append(status)
        if ended is not None:
            where.append("r.ended = ?")
            values.append(ended)
        if after is not None:
            where.append(
                f"({', '.join(columns)}) {'<' if backwards else '>'} ({', '.join('?' * len(columns))})"
            )
            values += decode_cursor(after, (str, str, str) if by_key else (str, int))[1:]
        turn = " DESC" if backwards else ""
        rows = self._file.query(
            f"SELECT {_COLUMNS}, {', '.join(columns)} FROM record r WHERE {' AND '.join(where)}"  # noqa: S608  # fixed words
            f" ORDER BY {', '.join(column + turn for column in columns)} LIMIT ?",
            (*values, _limit(limit) + 1),
        )
        following = (
            encode_cursor("key" if by_key else "changed", *rows[limit - 1][6:]) if len(rows) > limit else None
        )
        return Page(tuple(Row(register, *row[:6]) for row in rows[:limit]), following)

    def search(
        self, text: str, register: str | None = None, after: str | None = None, limit: int = 50
    ) -> Page:
        """Records whose latest entry has every word of `text`, or words that begin so, in the clear; the best first.

        Without a `register` those of the system's registers are left out. Letters count alike with accents or without.
        """
        asked = match_expression(text)
        start = decode_cursor(after, (str, int))[1] if after else 0
        if asked is None:
            return Page((), None)
        where, values = (
            ("g.system = 0", ()) if register is None else ("g.id = ?", (self._register(register),))
        )
        rows = self._file.query(
            f"SELECT g.name, {_COLUMNS} FROM (SELECT words.rowid AS id, r.register AS register,"  # noqa: S608  # fixed words
            " bm25(words, 8.0, 1.0) AS score FROM words JOIN record r ON r.id = words.rowid"
            f" JOIN register g ON g.id = r.register WHERE words MATCH ? AND {where} LIMIT {MAX_RANKED}) AS hit"
            " JOIN record r ON r.id = hit.id JOIN register g ON g.id = r.register"
            " ORDER BY r.name = ? COLLATE NOCASE DESC, hit.score, r.id LIMIT ? OFFSET ?",
            (asked, *values, text.strip(), _limit(limit) + 1, max(0, start)),
        )
        following = encode_cursor("hit", start + limit) if len(rows) > limit else None
        return Page(tuple(Row(*row) for row in rows[:limit]), following)

    def first_of(self, transaction: str) -> int | None:
        """The number of a transaction's first entry, by its labelled hash. Raises `Malformed` for what is no hash."""
        rows = self._file.query("SELECT first FROM taken WHERE hash = ?", (unlabelled(transaction),))
        return int(rows[0][0]) if rows else None

    def activity(
        self, register: str | None, first_day: str, last_day: str, *, clock: Clock = "ledger"
    ) -> list[Day]:
        """The days from first to last (`2026-11-23`) that have entries, of one register, or of all but the system's."""
        where, value = ("g.system = ?", 0) if register is None else ("g.id = ?", self._register(register))
        rows = self._file.query(
            "SELECT d.day, sum(d.entries) FROM day d JOIN register g ON g.id = d.register"  # noqa: S608  # fixed words
            f" WHERE {where} AND d.clock = ? AND d.day BETWEEN ? AND ? GROUP BY d.day ORDER BY d.day",
            (value, clock, first_day, last_day),
        )
        return [Day(*row) for row in rows]

    def growth(self) -> list[Day]:
        """The days that have entries in the log, the system's own among them."""
        rows = self._file.query(
            "SELECT day, sum(entries) FROM day WHERE clock = 'ledger' GROUP BY day ORDER BY day"
        )
        return [Day(*row) for row in rows]

    def _register(self, name: str) -> int:
        rows = self._file.query("SELECT id FROM register WHERE name = ?", (name,))
        if not rows:
            raise NotFound(f"there is no register {name!r} here; the list of registers says which there are")
        return int(rows[0][0])


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise Malformed(f"a page has from 1 to {MAX_PAGE:,} rows, not {limit}")
    return limit


def _origin(first: bytes) -> Any:
    entry = decode_entry(first)
    return entry.fields.get("origin") if entry.register == PARAMETER else None
