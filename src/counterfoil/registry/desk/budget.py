"""Read budgets: how many items an officer has read under a purpose, and what a second officer allowed beyond.

What is counted is durable before the reading is allowed. So that not every single one costs a commit, a few are counted
ahead, at most a sixteenth of the hour's limit, and given back at the end; a process that was killed has used those up.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from counterfoil.errors import Malformed, Refused, Unauthorised
from counterfoil.registry.desk.case import READING, check_officer_id
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.desk.limits import Limit, Limits

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
MINUTES_KEPT: Final = DAY // MINUTE + 1
AHEAD: Final = 16
"""Which part of the hour's limit is counted ahead."""
ALLOWANCE_SECONDS: Final = 8 * HOUR
"""How long what a second officer allowed may be used: a working day."""
MAX_COUNT: Final = 1_000_000
MAX_WHY: Final = 2_000
MAX_PURPOSE: Final = 200

_KEEP: Final = "INSERT OR REPLACE INTO reading (officer, purpose, minute, count) VALUES (?,?,?,?)"
_FORGET: Final = "DELETE FROM reading WHERE officer=? AND purpose=? AND minute<?"
_READ: Final = "SELECT minute, count FROM reading WHERE officer=? AND purpose=? ORDER BY minute"
_ALLOW: Final = (
    "INSERT OR IGNORE INTO allowance (id, officer, purpose, register, left, until) VALUES (?,?,?,?,?,?)"
)
_ALLOWED: Final = "SELECT officer, purpose, register, left, until FROM allowance WHERE id=?"
_USABLE: Final = (
    "SELECT id, left FROM allowance WHERE officer=? AND purpose=? AND register=? AND left>=? AND until>=?"
    " ORDER BY until LIMIT 1"
)


class Reading(NamedTuple):
    """Who reads under which purpose, in which register; `roles` decide how large the budget is.

    `subject` is the pseudonym of the officer as a person, where it is known.
    """

    officer: str
    purpose: str
    register: str
    roles: tuple[str, ...] = ()
    subject: str | None = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a second officer is asked: to let so many more items be read under the purpose, and why; by which person."""

    purpose: str
    count: int
    why: str
    subject: str | None = None


def decode_request(content: bytes) -> Request:
    """Read what a case of reading asks for."""
    return msgspec.json.decode(content, type=Request)


class Allowance(NamedTuple):
    """How many items more an officer may read, in one register under one purpose, until when."""

    officer: str
    purpose: str
    register: str
    left: int
    until: int


class Budgets:
    """What may still be read, counted on the desk. Budgets are an officer's and a purpose's, over all registers."""

    def __init__(self, desk: Desk, limits: Limits | None = None):
        self._desk = desk
        self._database = desk.database
        self._limits = limits if limits is not None else Limits()
        self._turn = desk.turn
        self._counted: dict[tuple[str, str], _Counted] = {}

    def close(self) -> None:
        """Give back what was counted ahead and not read. Close it before the desk."""
        with self._turn:
            rows = [
                (*whose, counted.last, counted.read[counted.last])
                for whose, counted in self._counted.items()
                if counted.last in counted.read and counted.durable > counted.read[counted.last]
            ]
            self._counted.clear()
            if rows:
                with self._database.transaction():
                    self._database.execute_many(_KEEP, rows)

    def spend(self, reading: Reading, count: int, now: int) -> None:
        """Count `count` items as read, before any is decrypted: all of them, or none.

        They come out of the budget, or out of what a second officer allowed where that is not enough. Raises `Refused`,
        with what to do, where neither is, `Malformed` for a count that is none.
        """
        _check(reading, count)
        with self._turn:
            counted = self._of(reading)
            limit = self._limits.of(reading.roles)
            left = counted.left(limit, now)
            if count <= left:
                self._count(reading, counted, count, limit, now)
            elif not self._use_allowance(reading, count, now):
                asked = f"{count:,} {'item is' if count == 1 else 'items are'}"
                raise Unauthorised(
                    f"{asked} asked for, and the budget leaves {left:,} under this purpose now ({limit.hour:,} an "
                    f"hour, {limit.day:,} a day); ask a second officer for more (counterfoil desk ask)"
                )

    def left(self, reading: Reading, now: int) -> int:
        """How many items the budget still allows now; what a second officer allowed beyond it is not among them."""
        with self._turn:
            return self._of(reading).left(self._limits.of(reading.roles), now)

    def ask(self, reading: Reading, count: int, why: str) -> str:
        """Lay the request for so many items on the desk, for a second officer. Returns the case's id.

        Raises `Malformed` for a count that is none or too large, and without a reason; and as `Desk.put`.
        """
        _check(reading, count)
        if not why.strip() or len(why) > MAX_WHY:
            raise Malformed(f"say why so many are to be read, in up to {MAX_WHY:,} characters")
        content = msgspec.json.encode(Request(reading.purpose, count, why, reading.subject))
        return self._desk.put(READING, content, reading.officer, reading.register, ["budget"])

    def allowance(self, case_id: str, now: int) -> Allowance:
        """Grant what a second officer approved, for eight hours, and finish the case. Repeating it grants nothing more.

        Raises `Refused` for a case that is none of reading, or was not approved; and as `Desk.get`.
        """
        with self._turn:
            with self._database.transaction():
                case, content = self._desk.settle(case_id)
                if case.kind != READING:
                    raise Refused(f"this case is of the kind {case.kind}, and gives nothing to read")
                self._database.execute("DELETE FROM allowance WHERE until<?", (now,))
                if content is not None:
                    asked = decode_request(content)
                    granted = (case.by, asked.purpose, case.register, asked.count, now + ALLOWANCE_SECONDS)
                    self._database.execute(_ALLOW, (case_id, *granted))
            self._desk.scrub()
            row = self._database.row(_ALLOWED, (case_id,))
        if row is None:
            raise Refused("the time for what this case allowed has ended; ask a second officer anew")
        return Allowance(*row)

    def _use_allowance(self, reading: Reading, count: int, now: int) -> bool:
        whose = (reading.officer, reading.purpose, reading.register)
        row = self._database.row(_USABLE, (*whose, count, now))
        if row is None:
            return False
        with self._database.transaction():
            self._database.execute("UPDATE allowance SET left=left-? WHERE id=?", (count, row[0]))
        return True

    def _of(self, reading: Reading) -> _Counted:
        key = (reading.officer, reading.purpose)
        found = self._counted.get(key)
        if found is None:
            found = self._counted[key] = _Counted(dict(self._database.query(_READ, key)))
        return found

    def _count(self, reading: Reading, counted: _Counted, count: int, limit: Limit, now: int) -> None:
        minute = counted.minute(now)
        read = counted.read.get(minute, 0) + count
        if minute != counted.last or read > counted.durable:
            ahead = read + limit.hour // AHEAD
            key = (reading.officer, reading.purpose)
            rows = [(*key, minute, ahead)]
            if minute != counted.last and counted.last in counted.read:
                # What was counted ahead in the last minute was not read in it.
                rows.append((*key, counted.last, counted.read[counted.last]))
            with self._database.transaction():
                self._database.execute_many(_KEEP, rows)
                self._database.execute(_FORGET, (*key, minute - MINUTES_KEPT))
            counted.last, counted.durable = minute, ahead
            counted.forget(minute - MINUTES_KEPT)
        counted.read[minute] = read


class _Counted:
    """What one officer read under one purpose, by the minute; `durable` is what the file says of the last one."""

    def __init__(self, read: dict[int, int]):
        self.read = read
        self.last = max(read, default=-1)
        self.durable = read.get(self.last, 0)

    def minute(self, now: int) -> int:
        """The minute that counts now; where the clock was set back, still the last one."""
        return max(now // MINUTE, self.last)

    def left(self, limit: Limit, now: int) -> int:
        return max(0, min(limit.hour - self._within(HOUR, now), limit.day - self._within(DAY, now)))

    def forget(self, before: int) -> None:
        for minute in [minute for minute in self.read if minute < before]:
            del self.read[minute]

    def _within(self, seconds: int, now: int) -> int:
        """What was read in the `seconds` before now, with all of a minute that lies in them in part."""
        since = now - seconds
        return sum([count for minute, count in self.read.items() if MINUTE * (minute + 1) > since])


def _check(reading: Reading, count: int) -> None:
    check_officer_id(reading.officer)
    if not 0 < len(reading.purpose) <= MAX_PURPOSE:
        raise Malformed(f"a purpose has 1 to {MAX_PURPOSE} characters; name one that the register has")
    if not 0 < count <= MAX_COUNT:
        raise Malformed(f"{count:,} is no number of items to read; name one from 1 to {MAX_COUNT:,}")
