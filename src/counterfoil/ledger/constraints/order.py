"""`order`: dates that follow each other, or lie apart by a duration."""

from __future__ import annotations

from itertools import combinations, product

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.question import (
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Answer,
    Question,
    Verdict,
    false,
)
from counterfoil.ledger.constraints.reading import evaluate
from counterfoil.ledger.dates import Interval, later, parse_date, parse_duration
from counterfoil.ledger.declared import Constraint
from counterfoil.proof.canonical import Json


def judge_order(constraint: Constraint, question: Question) -> Answer:
    """Uses `fields` (operands in ascending order), `apart` and `strict`.

    Each date is not after (`strict`: before) those that come later in the list; with `apart`, the second of two lies
    that long after the first, or longer. A partial date is an interval, and undecidable where both are possible. What
    is absent is not compared; with `apart` it is undecidable. `:now` is the day in UTC.
    """
    apart = parse_duration(constraint.apart) if constraint.apart is not None else None
    unknown = False
    known: list[tuple[str, tuple[Json, ...]]] = []
    for text in constraint.fields:
        values = evaluate(text, question)
        if values is UNKNOWN:
            unknown = True
        elif values:
            known.append((text, values))
        elif apart is not None:
            unknown = True
    try:
        dates = [(text, [_date(value) for value in values]) for text, values in known]
    except Malformed:
        return false("a value is no date (2026, 2026-11, 2026-11-24)")
    if len(dates) < 2:
        return UNDECIDABLE if unknown else TRUE
    answers = set()
    for (text, first), (_, second) in combinations(dates, 2):
        for a, b in product(first, second):
            verdict = _compare(a if apart is None else later(a, apart), b, strict=constraint.strict)
            if verdict is Verdict.FALSE:
                return false(field=text)
            answers.add(verdict)
    return UNDECIDABLE if unknown or Verdict.UNDECIDABLE in answers else TRUE


def check_order(constraint: Constraint) -> None:
    """Raise `Malformed` unless there are two operands or more, exactly two with a duration in form between them."""
    count = len(constraint.fields)
    if count < 2 or (constraint.apart is not None and count != 2):
        raise Malformed(
            f"constraint {constraint.name!r} of kind order needs two operands or more, and exactly two with 'apart'"
        )
    if constraint.apart is not None:
        parse_duration(constraint.apart)


def _date(value: Json) -> Interval:
    if not isinstance(value, str):
        raise Malformed("a date is text")
    return parse_date(value)


def _compare(a: Interval, b: Interval, *, strict: bool) -> Verdict:
    if not (a.sure and b.sure):
        return Verdict.UNDECIDABLE
    if a.last + strict <= b.first:
        return Verdict.TRUE
    return Verdict.FALSE if a.first + strict > b.last else Verdict.UNDECIDABLE
