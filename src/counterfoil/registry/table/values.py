"""What the text in a cell, or a value in JSON Lines, becomes as a field; each refusal is a reason without a place."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

from counterfoil.errors import Malformed
from counterfoil.ledger.schema import Schema
from counterfoil.proof.canonical import MAX_INTEGER, Json, check_profile, parse
from counterfoil.proof.entry import MAX_BODY_DEPTH
from counterfoil.registry.table.dates import DateFormat
from counterfoil.registry.table.mapping import DAY, FieldMapping

Take: TypeAlias = Callable[[str], Json]

_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})")
MAX_EXPONENT: Final = 64
"""How far from the point a number's digits may stand: written out, 1e999999 would fill the memory."""


def text_taker(field: FieldMapping) -> Take | None:
    """What makes a field out of a cell's text, raising `Malformed` with a reason; None: it is the text itself."""
    take = _TAKERS[field.type_](field)
    if field.pattern is None:
        return take
    accepts, pattern = Schema({"pattern": field.pattern}).accepts, field.pattern

    def checked(text: str) -> Json:
        if not accepts(text):
            raise Malformed(f"{text!r:.60} does not have the pattern {pattern}")
        return text if take is None else take(text)

    return checked


def json_taker(field: FieldMapping) -> Callable[[Json], Json]:
    """What makes a field out of a value in JSON Lines, raising `Malformed` with a reason."""
    take = text_taker(field)
    kind = field.type_
    if kind == "json":
        return plain

    def taken(value: Json) -> Json:
        if type(value) is str:
            return value if take is None else take(value)
        return _from_json(field, take, value)

    return taken


def plain(value: Json) -> Json:
    """A JSON value as it is. Raises `Malformed` for one that no field can hold: a number that is not whole."""
    if type(value) is not str:
        _refuse_decimals(value)
        check_profile(value, "the value", MAX_BODY_DEPTH - 1)
    return value


def _from_json(field: FieldMapping, take: Take | None, value: Json) -> Json:
    kind = field.type_
    if kind in {"integer", "decimal"} and type(value) in {int, Decimal} and take is not None:
        return take(_written(value))
    if kind == "boolean" and type(value) is bool:
        return value
    if kind == "list" and type(value) is list and all(type(item) is str for item in value):
        return value if field.values is None else [_word(field.values, item) for item in value]
    raise Malformed(f"{value!r:.60} is no {kind}")


def _written(value: int | Decimal) -> str:
    if isinstance(value, Decimal) and (not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT):
        raise Malformed(f"the number {value!s:.60} is out of all measure")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _refuse_decimals(value: Json) -> None:
    if type(value) is Decimal:
        raise Malformed(f"the number {value!s:.60} is not whole; write it as text")
    # What is nested deeper than a parser goes does not come here.
    for member in value.values() if type(value) is dict else value if type(value) is list else ():
        _refuse_decimals(member)


def _text(field: FieldMapping) -> Take | None:
    words = field.values
    if words is None:
        return None
    return lambda text: _word(words, text)


def _word(words: dict[str, str], code: str) -> str:
    try:
        return words[code]
    except KeyError:
        raise Malformed(f"{code!r:.60} is not among the values; there are {', '.join(words)}") from None


def _integer(field: FieldMapping) -> Take:
    def take(text: str) -> int:
        if not _INTEGER.fullmatch(text) or text == "-0":
            raise Malformed(f"{text!r:.60} is no whole number in its plain form, like 0, 42 or -7")
        number = int(text)
        if not -MAX_INTEGER <= number <= MAX_INTEGER:
            raise Malformed(f"{text} is 2^53 or more; map it with the type decimal or text")
        return number

    return take


def _decimal(field: FieldMapping) -> Take:
    def take(text: str) -> str:
        if not _DECIMAL.fullmatch(text):
            raise Malformed(f"{text!r:.60} is no decimal number in its plain form, like 1250.50")
        return text

    return take


def _dated(field: FieldMapping) -> Take:
    return DateFormat(field.format or DAY, time=field.type_ == "time").read


def _boolean(field: FieldMapping) -> Take:
    answers = dict.fromkeys(field.true, True) | dict.fromkeys(field.false, False)

    def take(text: str) -> bool:
        if text not in answers:
            raise Malformed(f"{text!r:.60} is neither true nor false; the words are {', '.join(answers)}")
        return answers[text]

    return take


def _list(field: FieldMapping) -> Take:
    separator, words = field.separator, field.values

    def take(text: str) -> list[str]:
        items = [item.strip() for item in text.split(separator)]
        return items if words is None else [_word(words, item) for item in items]

    return take


def _json(field: FieldMapping) -> Take:
    def take(text: str) -> Json:
        value = parse(text.encode("utf-8", "surrogatepass"), "the value")
        check_profile(value, "the value", MAX_BODY_DEPTH - 1)
        return value

    return take


_TAKERS: Final[dict[str, Callable[[FieldMapping], Take | None]]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "date": _dated,
    "time": _dated,
    "boolean": _boolean,
    "list": _list,
    "json": _json,
}
