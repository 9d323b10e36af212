"""`effect`: an entry that must be in another register, in the same transaction."""

from __future__ import annotations

from operator import itemgetter

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.question import (
    ABSENT,
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Answer,
    Question,
    Unknown,
    false,
)
from counterfoil.ledger.constraints.reading import evaluate, keys_of, own_fields
from counterfoil.ledger.declared import ClaimTarget, Constraint, Effect
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.operands import parse_operand, parse_path
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import OPERATIONS, Proposal


def judge_effect(constraint: Constraint, question: Question) -> Answer:
    """Uses `effect`. Where the target can be named, the last entry of it in the transaction must be as declared.

    Where it cannot, there are at least as many such entries as changes of this register that certainly ask for one.
    """
    effect = _effect(constraint)
    if effect.was and (question.before is None or question.before.status not in effect.was):
        return TRUE
    targets = _targets(effect, question)
    if targets is UNKNOWN:
        return UNDECIDABLE if _enough(constraint, effect, question) else false(_missing(effect))
    if not targets:
        expected = isinstance(effect.record, ClaimTarget) and not effect.optional
        return false(f"no record of {effect.register} is concerned, and one must be") if expected else TRUE
    answers = [_judge_target(effect, target, question) for target in targets]
    return next((each for each in answers if each != TRUE), TRUE)


def check_effect(constraint: Constraint) -> None:
    """Raise `Malformed` unless the effect's operation and operands are in form."""
    effect = constraint.effect
    if effect is None:
        raise Malformed(f"constraint {constraint.name!r} of kind effect needs 'effect'")
    if effect.operation not in OPERATIONS:
        raise Malformed(
            f"constraint {constraint.name!r} names the operation {effect.operation!r}, which there is not"
        )
    if effect.corrects and effect.operation != "create":
        raise Malformed(
            f"the effect of {constraint.name!r} corrects what is there instead of creating it; use the operation "
            "'create', or leave 'corrects' out"
        )
    if isinstance(effect.record, ClaimTarget):
        parse_path(effect.record.claim.field)
    elif parse_operand(effect.record).path is None:
        raise Malformed(f"the effect of {constraint.name!r} must name its target by a field, or by a claim")
    for text in effect.set.values():
        if text is not None:
            parse_operand(text)


def is_counted(effect: Effect, definition: Definition) -> bool:
    """Whether every change that asks for this effect has a target, so that those who cannot see it can count them."""
    return not effect.optional and _field(effect) in definition.rules.required


def _effect(constraint: Constraint) -> Effect:
    if constraint.effect is None:
        raise Malformed(f"constraint {constraint.name!r} of kind effect needs 'effect'")
    return constraint.effect


def _targets(effect: Effect, question: Question) -> list[str] | Unknown:
    """The names of the records that must have such an entry."""
    sight = question.sight
    targets: list[str] = []
    if isinstance(effect.record, ClaimTarget):
        claim = effect.record.claim
        keys = keys_of(claim.field, own_fields(question))
        for key in () if keys is UNKNOWN else keys:
            held = sight.holder(claim.scope, claim.name, key)
            if held is UNKNOWN:
                return UNKNOWN
            if held is not None and held[0] == effect.register:
                targets.append(held[1])
        return UNKNOWN if keys is UNKNOWN else targets
    values = evaluate(effect.record, question)
    if values is UNKNOWN:
        return UNKNOWN
    for value in values:
        for key in value if isinstance(value, list) else [value]:
            name = sight.name(effect.register, key)
            if name is UNKNOWN:
                return UNKNOWN
            if name is not None:
                targets.append(name)
    return targets


def _judge_target(effect: Effect, target: str, question: Question) -> Answer:
    if effect.from_status is not None or effect.optional:
        was = question.sight.was(effect.register, target)
        if was is UNKNOWN:
            return UNDECIDABLE
        fits = was.exists and not was.ended and effect.from_status in {None, was.status}
        if not fits:
            return (
                TRUE
                if effect.optional
                else false(f"{effect.register} is not {effect.from_status!r} before it")
            )
    entries = [
        each for each in question.proposals if (each.register, each.record) == (effect.register, target)
    ]
    if not entries or not _is_as_declared(effect, entries[-1], question):
        return false(_missing(effect))
    return _judge_set(effect, entries[-1], question)


def _judge_set(effect: Effect, entry: Proposal, question: Question) -> Answer:
    fields = question.sight.fields(entry)
    unknown = False
    for name, text in sorted(effect.set.items(), key=itemgetter(0)):
        wanted = () if text is None else evaluate(text, question)
        found = fields.get(name)
        if wanted is UNKNOWN or found is UNKNOWN:
            unknown = True
        elif [canonical(each) for each in wanted] != ([] if found is ABSENT else [canonical(found)]):
            return false(f"{name} of {effect.register} does not become what it must")
    return UNDECIDABLE if unknown else TRUE


def _enough(constraint: Constraint, effect: Effect, question: Question) -> bool:
    """Whether there are as many such entries as changes of this register that certainly ask for one each."""
    register = question.definition.name
    alike = [
        each
        for each in question.definition.constraints
        if each.effect is not None
        and _signature(each.effect) == _signature(effect)
        and is_counted(each.effect, question.definition)
    ]
    last = {each.record: each for each in question.proposals if each.register == register}
    asked = sum(_asks(each, entry, question) for entry in last.values() for each in alike)
    found = {each.record: each for each in question.proposals if each.register == effect.register}
    return sum(_is_as_declared(effect, entry, question) for entry in found.values()) >= asked


def _asks(constraint: Constraint, entry: Proposal, question: Question) -> bool:
    if not constraint.applies(entry.operation, entry.status):
        return False
    was = _effect(constraint).was
    return not was or _was_in(was, entry, question)


def _signature(effect: Effect) -> tuple[str, str, str | None]:
    return effect.register, effect.operation, effect.status


def _field(effect: Effect) -> str:
    if isinstance(effect.record, ClaimTarget):
        return parse_path(effect.record.claim.field).field
    path = parse_operand(effect.record).path
    return path.field if path is not None else ""


def _is_as_declared(effect: Effect, entry: Proposal, question: Question) -> bool:
    if effect.status not in {None, entry.status}:
        return False
    if entry.operation == "correct" and effect.corrects:
        return _was_in(effect.corrects, entry, question)
    return entry.operation == effect.operation


def _was_in(statuses: tuple[str, ...], entry: Proposal, question: Question) -> bool:
    """Whether the record of an entry was live before the transaction, in one of these statuses."""
    was = question.sight.was(entry.register, entry.record)
    return was is not UNKNOWN and was.stands(statuses)


def _missing(effect: Effect) -> str:
    status = f" to {effect.status!r}" if effect.status is not None else ""
    return f"the transaction lacks its effect: {effect.operation} in {effect.register}{status}"
