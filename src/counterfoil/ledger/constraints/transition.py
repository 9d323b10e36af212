"""`transition`: which status a record begins with, and which follows which."""

from __future__ import annotations

from counterfoil.ledger.constraints.question import TRUE, Answer, Question, false
from counterfoil.ledger.declared import Constraint


def judge_transition(constraint: Constraint, question: Question) -> Answer:
    """Uses `initial` and `transitions`. A status may always stay."""
    status = question.after.status or ""
    if question.before is None:
        return TRUE if status in constraint.initial else false()
    before = question.before.status or ""
    return TRUE if status == before or status in constraint.transitions.get(before, ()) else false()
