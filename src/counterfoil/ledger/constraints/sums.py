"""`sum`: amounts that add up: shares to one, issued shares to no more than authorised, transfers to what is held."""

from __future__ import annotations

from fractions import Fraction

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.amounts import Sums, amount, group_of, sums_of
from counterfoil.ledger.constraints.question import (
    ABSENT,
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Answer,
    Question,
    false,
)
from counterfoil.ledger.constraints.reading import own_fields
from counterfoil.ledger.declared import Constraint
from counterfoil.ledger.operands import EVERY, Path, parse_operand, parse_path
from counterfoil.proof.canonical import Json

ZERO = Fraction(0)


def judge_sum(constraint: Constraint, question: Question) -> Answer:
    """Uses `fields` (the path of the amounts), `group`, and `equals`, `at-most` or `moves`.

    The amounts, none of them negative, are added up by the members `group` of the list's objects, and equal or do not
    exceed a literal or what another path gives, grouped alike. `moves` is the path of a list of changes, each of an
    amount (named as the amounts are) `from` one `to` another holder, the first of `group`: together they make the
    version before into this one, and nobody gives more than is held when it is given.
    """
    path, groups = parse_path(constraint.fields[0]), constraint.groups
    try:
        sums = sums_of(path, groups, own_fields(question))
        if sums is UNKNOWN:
            return UNDECIDABLE
        answers = [_judge_limit(constraint, question, sums)]
        if constraint.moves is not None and question.before is not None:
            answers.append(_judge_moves(constraint, question, sums))
    except Malformed as error:
        return false(str(error))
    return next((each for each in answers if each != TRUE), TRUE)


def check_sum(constraint: Constraint) -> None:
    """Raise `Malformed` unless one path is added up, and compared with something."""
    name = f"constraint {constraint.name!r} of kind sum"
    if (
        len(constraint.fields) != 1
        or (constraint.equals, constraint.at_most, constraint.moves) == (None,) * 3
    ):
        raise Malformed(f"{name} needs one path in 'fields', and 'equals', 'at-most' or 'moves'")
    path = parse_path(constraint.fields[0])
    for text in (constraint.equals, constraint.at_most):
        if text is not None:
            operand = parse_operand(text)
            if operand.literal is not None:
                amount(operand.literal)
            elif operand.path is None or operand.into is not None:
                raise Malformed(f"{name} is compared with a literal or with a path into the same record")
    if constraint.moves is not None:
        parse_path(constraint.moves)
        if not constraint.groups or EVERY not in path.steps[:-1]:
            raise Malformed(f"{name} needs a 'group' and a path through a list, whose holders the moves name")


def _judge_limit(constraint: Constraint, question: Question, sums: Sums) -> Answer:
    for text, exact in ((constraint.equals, True), (constraint.at_most, False)):
        if text is None:
            continue
        limits = _limits(text, constraint, question, sums)
        if limits is None:
            return UNDECIDABLE
        for group in sums.keys() | limits.keys():
            total, limit = sums.get(group, ZERO), limits.get(group, ZERO)
            if total != limit if exact else total > limit:
                return false(
                    f"the amounts do not add up to {limit}" if exact else f"the amounts exceed {limit}"
                )
    return TRUE


def _limits(text: str, constraint: Constraint, question: Question, sums: Sums) -> Sums | None:
    """What each group is compared with; None where that is unknown."""
    operand = parse_operand(text)
    if operand.literal is not None:
        groups = sums.keys() if constraint.groups else {group_of({}, ())}
        return dict.fromkeys(groups, amount(operand.literal))
    path = operand.path or Path(("",))
    limits = sums_of(path, constraint.groups, own_fields(question))
    return None if limits is UNKNOWN else limits


def _judge_moves(constraint: Constraint, question: Question, after: Sums) -> Answer:
    path, groups = parse_path(constraint.fields[0]), constraint.groups
    held = sums_of(path, groups, question.sight.fields(question.before))
    moves = _moves(constraint, question)
    if held is UNKNOWN or moves is None:
        return UNDECIDABLE
    for move in moves:
        moved = amount(move.get(path.steps[-1]))
        if not moved:
            return false("an amount of zero is moved")
        giver, taker = (_holder(move, end, groups) for end in ("from", "to"))
        if giver is not None:
            held[giver] = held.get(giver, ZERO) - moved
            if held[giver] < 0:
                return false("more is given than the giver holds")
        if taker is not None:
            held[taker] = held.get(taker, ZERO) + moved
    if any(held.get(each, ZERO) != after.get(each, ZERO) for each in held.keys() | after.keys()):
        return false("what is held after it is not what the moves make of what was held before")
    return TRUE


def _moves(constraint: Constraint, question: Question) -> list[dict[str, Json]] | None:
    """The moves that this version states; None where they are unknown. Raises `Malformed`."""
    path = parse_path(constraint.moves or "")
    value = question.sight.fields(question.after).get(path.field)
    if value is UNKNOWN:
        return None
    for step in path.steps[1:]:
        value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
    moves = [] if value is ABSENT else value
    if not isinstance(moves, list) or not all(isinstance(each, dict) for each in moves):
        raise Malformed("the moves are not a list of objects with an amount, 'from' and 'to'")
    return moves


def _holder(move: dict[str, Json], end: str, groups: tuple[str, ...]) -> bytes | None:
    return group_of({**move, groups[0]: move[end]}, groups) if end in move else None
