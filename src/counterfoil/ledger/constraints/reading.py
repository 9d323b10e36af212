"""Operands and paths of a constraint, read from the question that it is asked."""

from __future__ import annotations

from functools import lru_cache

from counterfoil.ledger.constraints.question import ABSENT, UNKNOWN, Fields, Question, Unknown
from counterfoil.ledger.operands import Path, parse_operand, parse_path, values_at
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import WRITING
from counterfoil.proof.instant import instant_text


def own_fields(question: Question) -> Fields:
    """The fields by which a change is judged: those that it states, or the record's where it ends or erases it.

    What ends a record may leave its content out, and what erases it repeats it.
    """
    after, before = question.after, question.before
    stated = question.sight.fields(after)
    silent = after.body is None and after.item is None and not stated.values
    if before is not None and (after.operation == "erase" or (silent and after.operation not in WRITING)):
        return question.sight.fields(before)
    return stated


def values_of(path: Path, fields: Fields) -> tuple[Json, ...] | Unknown:
    """Every value that a path leads to, none where the field is absent; unknown where the field is."""
    value = fields.get(path.field)
    if value is UNKNOWN:
        return UNKNOWN
    return () if value is ABSENT else tuple(values_at(value, path.steps[1:]))


def keys_of(name: str, fields: Fields) -> tuple[Json, ...] | Unknown:
    """The keys that a field or path names: a list counts as its members."""
    found = values_of(parse_path(name), fields)
    if found is UNKNOWN:
        return UNKNOWN
    return tuple(each for value in found for each in (value if isinstance(value, list) else [value]))


def evaluate(text: str, question: Question) -> tuple[Json, ...] | Unknown:
    """The values of an operand; none where what it names is absent.

    Of a record that is followed, what is absent is unknown: that nobody noted a person's birth does not mean that it
    keeps to the rule.
    """
    operand = parse_operand(text)
    if operand.literal is not None:
        return (operand.literal,)
    if operand.clock is not None:
        return _clock(operand.clock, question)
    if operand.path is None:
        return ()
    if operand.into is None:
        return values_of(operand.path, own_fields(question))
    return _followed(operand.path, operand.into, question)


def _clock(name: str, question: Question) -> tuple[Json, ...] | Unknown:
    if name == "now":
        return _text(question.sight.now)
    circumstances = question.sight.circumstances(question.after)
    if circumstances is None:
        return UNKNOWN
    return (circumstances[name],) if name in circumstances else ()


@lru_cache(maxsize=16)
def _text(seconds: int) -> tuple[Json, ...]:
    return (instant_text(seconds),)


def _followed(path: Path, into: Path, question: Question) -> tuple[Json, ...] | Unknown:
    keys = keys_of(str(path), own_fields(question))
    reference = question.definition.reference(str(path))
    if keys is UNKNOWN or reference is None:
        return UNKNOWN
    found: list[Json] = []
    for key in keys:
        fields = question.sight.follow(reference.register or "", key)
        values = UNKNOWN if fields is None or fields is UNKNOWN else values_of(into, fields)
        if values is UNKNOWN or not values:
            return UNKNOWN
        found += values
    return tuple(found)
