"""How constraints name values: paths, what they follow, clocks, literals."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.ledger.operands import Operand, Path, parse_operand, parse_path, values_at

COMPANY = {
    "holdings": [{"holder": "x", "number": 1}, {"number": 2}, "none", {"number": {"of": [3, 4]}}],
    "a": {"b": 5},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a", [{"b": 5}]),
        ("a/b", [5]),
        ("a/c", []),
        ("b", []),
        ("a/*", []),
        ("holdings/*/holder", ["x"]),
        ("holdings/*/number", [1, 2, {"of": [3, 4]}]),
        ("holdings/*/number/of/*", [3, 4]),
        ("holdings/number", []),
    ],
)
def test_a_path_leads_to_every_value_that_is_there(path: str, values: list[Any]) -> None:
    assert list(values_at(COMPANY, parse_path(path).steps)) == values


@pytest.mark.parametrize(
    ("text", "operand"),
    [
        ("date-of-birth", Operand(path=Path(("date-of-birth",)))),
        ("a/*/b", Operand(path=Path(("a", "*", "b")))),
        ("spouse>date-of-birth", Operand(path=Path(("spouse",)), into=Path(("date-of-birth",)))),
        ("a/*/b>c/d", Operand(path=Path(("a", "*", "b")), into=Path(("c", "d")))),
        (":now", Operand(clock="now")),
        (":valid-from", Operand(clock="valid-from")),
        ("=P1", Operand(literal="P1")),
        ("=", Operand(literal="")),
        ("=a>b", Operand(literal="a>b")),
    ],
)
def test_an_operand_is_a_path_a_clock_or_a_literal(text: str, operand: Operand) -> None:
    assert parse_operand(text) == operand


@pytest.mark.parametrize(
    "text", ["", "/", "a/", "/a", "*", "*/a", "a>", ">a", "a>b>c", "a b", "a*", "a:b", "é", ":when"]
)
def test_anything_else_is_no_operand(text: str) -> None:
    with pytest.raises(Malformed, match=r"is no (path to a field|clock)"):
        parse_operand(text)


def test_a_path_has_few_steps() -> None:
    assert len(parse_path("/".join("a" * 16)).steps) == 16
    with pytest.raises(Malformed, match="is no path"):
        parse_path("/".join("a" * 17))
