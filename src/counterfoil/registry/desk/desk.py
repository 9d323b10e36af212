"""The desk: what waits for a second officer, sealed while it lies there and scrubbed when it is decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from threading import RLock
from typing import Any, Final

from msgspec.structs import replace

from counterfoil.errors import CounterfoilError, Malformed, NotFound, Refused
from counterfoil.proof.canonical import canonical, parse
from counterfoil.registry.desk.case import (
    STANDINGS,
    Case,
    Decision,
    Paper,
    check_officer_id,
    check_put,
    check_reason,
    is_id,
    new_id,
)
from counterfoil.registry.desk.schema import prepare
from counterfoil.registry.desk.sealing import Sealing, damaged
from counterfoil.store.sqlite import Sqlite

WAITING_SECONDS: Final = 90 * 86_400
"""How long a case waits before it lapses."""
MAX_WAITING: Final = 10_000
MAX_WAITING_EACH: Final = 1_000
"""How many cases of one officer may lie there undecided."""
MAX_LISTED: Final = 500

_PUT: Final = (
    "INSERT INTO paper (id, kind, register, by, reasons, put, until, content, standing)"
    " VALUES (?,?,?,?,?,?,?,?,'waiting')"
)
EVERY: Final = (
    "SELECT number, id, kind, register, by, reasons, put, until, standing, decided_by, decided, approved,"
    " said, content FROM paper"
)
"""Every case's row, as `opened_case` reads it."""
_ONE: Final = f"{EVERY} WHERE id=?"
_BEGINNING: Final = f"{_ONE.removesuffix('=?')}>=? AND id<? LIMIT 1"
_LINES: Final = (
    "SELECT number, id, kind, register, by, reasons, put, until, standing, decided_by, decided, approved"
    " FROM paper WHERE standing=?1 AND number>?2"
    " AND (?3 IS NULL OR register IN (SELECT value FROM json_each(?3))) ORDER BY number LIMIT ?4"
)
_COUNT: Final = (
    "SELECT count(*), count(*) FILTER (WHERE by=?) FROM paper WHERE standing IN ('waiting','approved')"
)
_DECIDE: Final = (
    "UPDATE paper SET standing=?, decided_by=?, decided=?, approved=?, said=?, content=CASE WHEN ? THEN content END"
    " WHERE id=?"
)
_OLD: Final = "SELECT 1 FROM paper WHERE until<? AND (content IS NOT NULL OR said IS NOT NULL) LIMIT 1"
_LAPSE: Final = (
    "UPDATE paper SET content=NULL, said=NULL,"
    " standing=CASE WHEN standing IN ('waiting','approved') THEN 'lapsed' ELSE standing END"
    " WHERE until<? AND (content IS NOT NULL OR said IS NOT NULL)"
)


class Desk:
    """The file `path`, held by one process. `secret` gives the 32 bytes under which its papers are sealed.

    Whatever is asked for by a case's id raises `NotFound` where there is none, `Damaged` where it is not as it was put
    or decided.
    """

    def __init__(self, path: Path, secret: Callable[[], bytes], *, clock: Callable[[], float] = time.time):
        self.database = Sqlite(path)
        self.turn = RLock()
        """Held by whoever uses the database: its one connection shows everybody what one has not stored yet."""
        self._sealing = Sealing(secret)
        self._clock = clock
        try:
            prepare(self.database)
            self.lapse()
        except CounterfoilError:
            self.database.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    def put(
        self,
        kind: str,
        content: bytes,
        by: str,
        register: str,
        reasons: Sequence[str],
        case_id: str | None = None,
    ) -> str:
        """Lay a case on the desk; `content` is at most 1 MiB, and `by` the officer whose case it is. Returns its id.

        The id is drawn where none is given.

        Raises `Malformed` for what is not in form, `Refused` where too many wait already.
        """
        check_put(kind, content, by, register, reasons)
        self.lapse()
        now = int(self._clock())
        case = Case(
            0,
            case_id or new_id(),
            kind,
            register,
            by,
            tuple(reasons),
            now,
            now + WAITING_SECONDS,
            "waiting",
            None,
        )
        sealed = self._sealing.seal(case, "content", content)
        said = canonical(case.reasons).decode()
        with self.turn, self.database.transaction():
            self._check_room(by)
            self.database.execute(_PUT, (case.id, kind, register, by, said, now, case.until, sealed))
        return case.id

    def get(self, case_id: str) -> Paper:
        """A case, its content and the reason of its decision, as far as they are not scrubbed yet."""
        with self.turn:
            row = self.database.row(_ONE, (case_id,)) if is_id(case_id) else None
        if row is None:
            raise NotFound("there is no such case on the desk; list the cases that wait")
        return opened_case(row, self._sealing)

    def beginning(self, start: str) -> Case | None:
        """The line of the case whose id begins so, whatever has become of it; None where there is none."""
        with self.turn:
            row = self.database.row(_BEGINNING, (start, f"{start}g"))
        return _case(row[:-2]) if row is not None else None

    def waiting(
        self, registers: Collection[str] | None = None, after: int = 0, limit: int = 100
    ) -> list[Case]:
        """Cases that nobody has decided, of these registers or of all, numbered above `after`, the first put first."""
        return self._listed("waiting", registers, after, limit)

    def approved(self, after: int = 0, limit: int = 100) -> list[Case]:
        """Cases that were approved and not finished: what a process that was killed has still to carry out.

        `get` each before it is carried out: only that shows that it was decided so.
        """
        return self._listed("approved", None, after, limit)

    def decide(self, case_id: str, by: str, approved: bool, reason: str) -> Paper:
        """Decide a case, once and for good. Refused, its content is scrubbed; approved, `finish` does that.

        Raises `Malformed` without a reason, `Refused` for the officer whose case it is, and for one that does not wait.
        """
        check_officer_id(by)
        check_reason(reason)
        self.lapse()
        with self.turn, self.database.transaction():
            case, content = self.get(case_id)
            if case.standing != "waiting":
                raise Refused(f"this case is {case.standing} already; a case is decided once")
            if case.by == by:
                raise Refused("an officer does not decide a case of their own; ask a second officer")
            decision = Decision(by, int(self._clock()), approved, reason)
            said = self._sealing.seal(case, "decision", canonical([by, decision.at, approved, reason]))
            standing = "approved" if approved else "refused"
            self.database.execute(
                _DECIDE, (standing, by, decision.at, int(approved), said, int(approved), case_id)
            )
        if not approved:
            self.scrub()
        decided = replace(case, standing=standing, decision=decision)
        return Paper(decided, content if approved else None)

    def withdraw(self, case_id: str, by: str, reason: str) -> Case:
        """Take a case that waits, or that was approved and is not carried out, from the desk; its content is scrubbed.

        Raises `Malformed` without a reason, `Refused` for one that has come to another end.
        """
        check_officer_id(by)
        check_reason(reason)
        with self.turn, self.database.transaction():
            case = self.get(case_id).case
            if case.standing not in {"waiting", "approved"}:
                raise Refused(
                    f"this case is {case.standing} already; only what is not at its end can be withdrawn"
                )
            decision = Decision(by, int(self._clock()), False, reason)
            said = self._sealing.seal(case, "decision", canonical([by, decision.at, False, reason]))
            self.database.execute(_DECIDE, ("withdrawn", by, decision.at, 0, said, 0, case_id))
        self.scrub()
        return replace(case, standing="withdrawn", decision=decision)

    def finish(self, case_id: str) -> None:
        """An approved case was carried out, or cannot be: scrub what it held. Repeating it changes nothing.

        Raises `Refused` for one that was not approved.
        """
        with self.turn, self.database.transaction():
            self.settle(case_id)
        self.scrub()

    def settle(self, case_id: str) -> Paper:
        """As `finish`, inside a transaction and turn of the caller's, who scrubs afterwards. Returns what it held."""
        paper = self.get(case_id)
        if paper.case.standing not in {"approved", "done"}:
            raise Refused(f"this case is {paper.case.standing}; only what was approved can be carried out")
        self.database.execute(
            "UPDATE paper SET standing='done', content=NULL, said=NULL WHERE id=?", (case_id,)
        )
        return paper

    def lapse(self) -> None:
        """Scrub whatever is older than 90 days; what was not decided or carried out by then has lapsed."""
        now = int(self._clock())
        with self.turn:
            if self.database.row(_OLD, (now,)) is None:
                return
            with self.database.transaction():
                self.database.execute(_LAPSE, (now,))
            self.scrub()

    def scrub(self) -> None:
        """Write over what was deleted also in the write-ahead log, which holds it a little longer than the file."""
        with self.turn:
            self.database.row("PRAGMA wal_checkpoint(TRUNCATE)")

    def _listed(self, standing: str, registers: Collection[str] | None, after: int, limit: int) -> list[Case]:
        self.lapse()
        named = canonical(sorted(registers)).decode() if registers is not None else None
        most = max(1, min(limit, MAX_LISTED))
        with self.turn:
            return [_case(row) for row in self.database.query(_LINES, (standing, after, named, most))]

    def _check_room(self, by: str) -> None:
        total, own = self.database.row(_COUNT, (by,)) or (0, 0)
        if own >= MAX_WAITING_EACH or total >= MAX_WAITING:
            raise Refused(
                f"{total:,} cases lie on the desk, {own:,} of them this officer's; decide some first "
                f"(at most {MAX_WAITING:,}, and {MAX_WAITING_EACH:,} an officer)"
            )


def opened_case(row: Sequence[Any], sealing: Sealing) -> Paper:
    """A case with what is sealed of it, from its row: its line, decision and content. Raises `Damaged`."""
    *line, said, sealed = row
    case = _case(line)
    if case.standing not in STANDINGS:
        raise damaged(case)
    content = sealing.open(case, "content", sealed) if sealed is not None else None
    if content is None and case.standing in {"waiting", "approved"}:
        raise damaged(case)
    if said is not None:
        case = _said(case, said, sealing)
    elif case.standing == "approved":
        raise damaged(case)
    return Paper(case, content)


def _said(case: Case, sealed: bytes, sealing: Sealing) -> Case:
    """The case with its decision as it was sealed, which must be what its line says."""
    by, at, approved, reason = parse(sealing.open(case, "decision", sealed), "the decision")
    stated = Decision(by, at, approved, None)
    own = by == case.by and case.standing != "withdrawn"
    if case.decision != stated or own or (case.standing == "approved") is not approved:
        raise damaged(case)
    return replace(case, decision=replace(stated, reason=reason))


def _case(line: Sequence[Any]) -> Case:
    number, name, kind, register, by, reasons, put, until, standing, decided_by, decided, approved = line
    decision = Decision(decided_by, decided, bool(approved), None) if decided_by is not None else None
    case = Case(number, name, kind, register, by, (), put, until, standing, decision)
    try:
        return replace(case, reasons=tuple(parse(reasons.encode())))
    except (Malformed, TypeError):
        raise damaged(case) from None
