"""`exclusive`: while a record is in a status, it holds for each person named a claim that others may not hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil.ledger.constraints.claims import claim_key
from counterfoil.ledger.constraints.question import TRUE, UNDECIDABLE, UNKNOWN, Answer, Question, false
from counterfoil.ledger.constraints.reading import keys_of
from counterfoil.ledger.declared import Constraint
from counterfoil.ledger.operands import parse_path
from counterfoil.proof.entry import Claim
from counterfoil.proof.index import record_key


def judge_exclusive(constraint: Constraint, question: Question) -> Answer:
    """Uses `scope`, `claim`, `fields`, `against` and `least`.

    While the status is one of `when`, the entry states in `scope` one claim of the name `claim` for each person that
    the fields name, and none otherwise. Where it is not known how many they name, they are from `least` (one a field
    where it is left out) up to one a field. No other record holds a claim named in `against` under the same digest.
    That a digest is the right person's, only those who can make it can say.
    """
    stated = [each for each in question.after.claims if _is_of(each, constraint)]
    if constraint.when and question.after.status not in constraint.when:
        return _judge_idle(constraint, question, stated)
    expected = _expected(constraint, question)
    if len({each.digest for each in stated}) != len(stated):
        return false("it claims twice for one person")
    if len(stated) < expected.least or (expected.most is not None and len(stated) > expected.most):
        return false(f"it states {len(stated)} claims {constraint.claim!r} in the scope {constraint.scope!r}")
    own = record_key(question.after.register, question.after.record)
    for name in constraint.against:
        for each in stated:
            holder = question.view.claim(claim_key(Claim(each.scope, name, each.digest)))
            if holder is not None and holder != own:
                reason = f"another live record holds {name!r} of the same person or thing"
                return false(reason, claimed_field(constraint, question.after.claims, each))
    return TRUE if expected.known else UNDECIDABLE


def claimed_field(constraint: Constraint, claims: Sequence[Claim], claim: Claim) -> str | None:
    """The field whose person a claim is of, where each field has one: agencies state them in the fields' order."""
    stated = [each for each in claims if _is_of(each, constraint)]
    if len(stated) != len(constraint.fields) or claim not in stated:
        return None
    return constraint.fields[stated.index(claim)]


class Expected(NamedTuple):
    """How many claims are due; `most` is None where there is no limit. `known`: the fields are all in sight."""

    least: int
    most: int | None
    known: bool


def _expected(constraint: Constraint, question: Question) -> Expected:
    fields = question.sight.fields(question.after)
    found = [keys_of(name, fields) for name in constraint.fields]
    count = sum(len(each) for each in found if each is not UNKNOWN)
    if all(each is not UNKNOWN for each in found):
        return Expected(count, count, True)
    many = any(parse_path(name).many for name in constraint.fields)
    least = len(constraint.fields) if constraint.least is None else constraint.least
    return Expected(least, None if many else len(constraint.fields), False)


def _judge_idle(constraint: Constraint, question: Question, stated: list[Claim]) -> Answer:
    """Outside its statuses a record holds no such claim, unless another constraint gives it the same then."""
    status = question.after.status
    for other in question.definition.exclusive:
        if (other.scope, other.claim) == (constraint.scope, constraint.claim) and status in other.when:
            return TRUE
    return false(f"it claims {constraint.claim!r} in a status that does not hold it") if stated else TRUE


def _is_of(claim: Claim, constraint: Constraint) -> bool:
    return (claim.scope, claim.name) == (constraint.scope, constraint.claim)
