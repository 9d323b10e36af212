"""`unique`: no two live records have the same values in these fields."""

from __future__ import annotations

from counterfoil.ledger.constraints.question import (
    ABSENT,
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Answer,
    Question,
    false,
)
from counterfoil.ledger.declared import Constraint


def judge_unique(constraint: Constraint, question: Question) -> Answer:
    """Uses `fields`. What decides is a claim: the register's of the body, or, where a field is hidden, a keyed one.

    That one is stated in the scope `unique:REGISTER` under the constraint's name, once where all the fields are there.
    """
    fields = question.sight.fields(question.after)
    values = [fields.get(name) for name in constraint.fields]
    unknown = any(value is UNKNOWN for value in values)
    definition = question.definition
    if definition.hidden.isdisjoint(constraint.fields):
        return UNDECIDABLE if unknown else TRUE
    scope = definition.unique_scope
    stated = sum((claim.scope, claim.name) == (scope, constraint.name) for claim in question.after.claims)
    all_required = definition.rules.required.issuperset(constraint.fields)
    if any(value is ABSENT for value in values):
        least, most = 0, 0
    else:
        least, most = int(all_required or not unknown), 1
    if not least <= stated <= most:
        return false(f"it states {stated} claims in {scope}, where {least or most} is due")
    return UNDECIDABLE if unknown else TRUE
