"""`immutable`: these fields never change."""

from __future__ import annotations

from counterfoil.ledger.constraints.question import (
    ABSENT,
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Answer,
    Fields,
    Question,
    Verdict,
    false,
)
from counterfoil.ledger.declared import Constraint
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import WRITING


def judge_immutable(constraint: Constraint, question: Question) -> Answer:
    """Uses `fields`. What stood in the clear must go on standing there; what ends a record may leave it out."""
    if question.before is None:
        return TRUE
    after, hidden = question.after, question.definition.hidden
    names = set(constraint.fields)
    if after.operation not in WRITING:
        names -= set() if after.item is not None else hidden
        names -= set() if after.body is not None else names - hidden
    fields = (question.sight.fields(question.before), question.sight.fields(after))
    answers = {name: _compare(name, *fields, hidden=name in hidden) for name in sorted(names)}
    for name, verdict in answers.items():
        if verdict is Verdict.FALSE:
            return false(field=name)
    return UNDECIDABLE if Verdict.UNDECIDABLE in answers.values() else TRUE


def _compare(name: str, earlier: Fields, later: Fields, *, hidden: bool) -> Verdict:
    before, after = earlier.get(name), later.get(name)
    if before is UNKNOWN or (after is UNKNOWN and (hidden or before is ABSENT)):
        return Verdict.UNDECIDABLE
    if UNKNOWN in (before, after) or ABSENT in (before, after):
        return Verdict.TRUE if before is after else Verdict.FALSE
    # As bytes: to Python, 1 and true are equal.
    return Verdict.TRUE if canonical([before]) == canonical([after]) else Verdict.FALSE
