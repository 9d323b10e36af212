"""`required`: what must be stated, or left out, in some statuses or by some operations, and need not in others."""

from __future__ import annotations

from counterfoil.ledger.constraints.question import TRUE, UNDECIDABLE, UNKNOWN, Answer, Question, false
from counterfoil.ledger.constraints.reading import own_fields, values_of
from counterfoil.ledger.declared import Constraint
from counterfoil.ledger.operands import parse_path


def judge_required(constraint: Constraint, question: Question) -> Answer:
    """Uses `fields` (paths): each leads to a value; with `absent`, none does. What is so always, a schema says."""
    fields = own_fields(question)
    unknown = False
    for text in constraint.fields:
        found = values_of(parse_path(text), fields)
        unknown = unknown or found is UNKNOWN
        if found is not UNKNOWN and bool(found) is constraint.absent:
            return false(f"{text} {'does not belong here' if constraint.absent else 'is missing'}", text)
    return UNDECIDABLE if unknown else TRUE


def check_required(constraint: Constraint) -> None:
    """Raise `Malformed` unless every path is in form."""
    for text in constraint.fields:
        parse_path(text)
