"""`blocked-by`: no live record in a status refers to this one: a mortgage, a caution, a legal hold."""

from __future__ import annotations

from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.question import TRUE, Answer, Question, false
from counterfoil.ledger.dates import day_of, parse_date
from counterfoil.ledger.declared import Constraint
from counterfoil.proof.entry import Entry
from counterfoil.proof.index import record_key

MAX_REFERRING: Final = 1_000
"""How many records that refer to one in a role are read: a change of a record may not cost what others choose."""


def judge_blocked_by(constraint: Constraint, question: Question) -> Answer:
    """Uses `register`, `role`, `status` and `until`.

    After the transaction no live record of `register` in one of the statuses refers to this one in the role. Where it
    has a public date in the field `until`, it no longer does from the day after that date's last. Nor may more than
    `MAX_REFERRING` records of any register refer to it in the role, whatever their status.
    """
    view = question.view
    target = record_key(question.after.register, question.after.record)
    referring = view.referring(target, constraint.role or "", MAX_REFERRING + 1)
    for source in referring[:MAX_REFERRING]:
        state = view.record(source)
        if state is None or state.ended:
            continue
        entry = view.entry(state.number)
        if entry.register != constraint.register or _has_run_out(constraint, entry, question.sight.now):
            continue
        if not constraint.status or entry.status in constraint.status:
            return false(f"{entry.register} {entry.record!r} stands against it")
    if len(referring) > MAX_REFERRING:
        return false(
            f"more than {MAX_REFERRING} live records refer to it as {constraint.role!r}, too many to judge; close "
            "those that no longer count"
        )
    return TRUE


def _has_run_out(constraint: Constraint, entry: Entry, now: int) -> bool:
    if constraint.until is None:
        return False
    try:
        date = parse_date(str(entry.fields.get(constraint.until, "")))
    except Malformed:
        return False
    return date.sure and date.last < day_of(now).first
