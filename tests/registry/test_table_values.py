"""What a cell becomes as a field, and why one is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.registry.table.mapping import FieldMapping
from counterfoil.registry.table.values import json_taker, text_taker


def take(text: str, **asked: Any) -> Any:
    taker = text_taker(FieldMapping(**asked))
    return text if taker is None else taker(text)


@pytest.mark.parametrize(
    ("text", "asked", "value"),
    [
        (" as it is ", {}, " as it is "),
        ("42", {"type_": "integer"}, 42),
        ("-7", {"type_": "integer"}, -7),
        ("9007199254740991", {"type_": "integer"}, 2**53 - 1),
        ("1250.50", {"type_": "decimal"}, "1250.50"),
        ("Y", {"type_": "boolean", "true": ("Y",), "false": ("N",)}, True),
        ("false", {"type_": "boolean"}, False),
        ("a; b;;c", {"type_": "list"}, ["a", "b", "", "c"]),
        ("D", {"values": {"D": "detached"}}, "detached"),
        (
            "D|F",
            {"type_": "list", "separator": "|", "values": {"D": "detached", "F": "flat"}},
            ["detached", "flat"],
        ),
        ('{"a":[1,null,true]}', {"type_": "json"}, {"a": [1, None, True]}),
        ("AB1", {"pattern": "^[A-Z]+[0-9]$"}, "AB1"),
        ("12", {"type_": "integer", "pattern": "^..$"}, 12),
    ],
)
def test_a_cell_becomes_a_value(text: str, asked: dict[str, Any], value: object) -> None:
    taken = take(text, **asked)
    assert (taken, type(taken)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "asked", "reason"),
    [
        ("1.0", {"type_": "integer"}, "'1.0' is no whole number"),
        ("007", {"type_": "integer"}, "is no whole number in its plain form"),
        ("-0", {"type_": "integer"}, "is no whole number in its plain form"),
        ("٤٢", {"type_": "integer"}, "is no whole number"),
        ("9007199254740992", {"type_": "integer"}, r"is 2\^53 or more"),
        ("1,5", {"type_": "decimal"}, "is no decimal number"),
        ("1e5", {"type_": "decimal"}, "is no decimal number"),
        ("1.5\n", {"type_": "decimal"}, "is no decimal number"),
        ("yes", {"type_": "boolean"}, "neither true nor false; the words are true, false"),
        ("X", {"values": {"D": "detached", "F": "flat"}}, "'X' is not among the values; there are D, F"),
        ("ab", {"pattern": "^[A-Z]+$"}, "does not have the pattern"),
        ("1.5", {"type_": "json"}, "write decimals and huge numbers as strings"),
        ("{", {"type_": "json"}, "the value is not JSON"),
        ('{"a":1,"a":2}', {"type_": "json"}, "twice"),
        ("[" * 20 + "]" * 20, {"type_": "json"}, "nested more than 15 deep"),
    ],
)
def test_a_cell_is_refused_with_a_reason(text: str, asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        take(text, **asked)


def test_a_pattern_costs_no_more_for_text_that_is_made_to_cost() -> None:
    with pytest.raises(Malformed, match="does not have the pattern"):
        take("a" * 100_000 + "!", pattern="^(a+)+$")


@pytest.mark.parametrize(
    ("value", "asked", "taken"),
    [
        (42, {"type_": "integer"}, 42),
        ("42", {"type_": "integer"}, 42),
        (Decimal("1.10"), {"type_": "decimal"}, "1.10"),
        (Decimal("1e3"), {"type_": "decimal"}, "1000"),
        (3, {"type_": "decimal"}, "3"),
        (True, {"type_": "boolean"}, True),
        (["a"], {"type_": "list"}, ["a"]),
        (["D"], {"type_": "list", "values": {"D": "detached"}}, ["detached"]),
        ("text", {"type_": "json"}, "text"),
        ({"a": [1]}, {"type_": "json"}, {"a": [1]}),
    ],
)
def test_in_json_lines_a_value_may_be_what_it_is_to_become(
    value: object, asked: dict[str, Any], taken: object
) -> None:
    found = json_taker(FieldMapping(**asked))(value)
    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("value", "asked", "reason"),
    [
        (42, {}, "42 is no text"),
        (True, {"type_": "integer"}, "True is no integer"),
        (Decimal("1.5"), {"type_": "integer"}, "'1.5' is no whole number"),
        (Decimal("1e999999999"), {"type_": "decimal"}, "out of all measure"),
        (Decimal("1.5"), {"type_": "json"}, "is not whole; write it as text"),
        ({"a": [Decimal("1.5")]}, {"type_": "json"}, "is not whole; write it as text"),
        (2**53, {"type_": "json"}, r"2\^53 or more"),
        ([1], {"type_": "list"}, "is no list"),
        (1, {"type_": "boolean"}, "is no boolean"),
    ],
)
def test_and_is_refused_where_it_is_something_else(value: object, asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        json_taker(FieldMapping(**asked))(value)


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_every_integer_comes_back(number: int) -> None:
    assert take(str(number), type_="integer") == number
