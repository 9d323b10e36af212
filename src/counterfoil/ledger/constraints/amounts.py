"""Amounts in lists: read exactly, and added up by the members of the list's objects that group them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final, TypeAlias

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.question import ABSENT, UNKNOWN, Fields, Unknown
from counterfoil.ledger.operands import EVERY, Path, values_at
from counterfoil.proof.canonical import Json, canonical

_FORM: Final = re.compile(r"(\d{1,30})(?:/([1-9]\d{0,29})|\.(\d{1,30}))?", re.ASCII)

Group: TypeAlias = bytes
"""The canonical bytes of the grouping members' values."""
Sums: TypeAlias = dict[Group, Fraction]


def amount(value: Json) -> Fraction:
    """`1/3`, `12`, `12.50` (text) or a whole number, exactly; zero or more. Raises `Malformed`, without the value."""
    if type(value) is int and value >= 0:
        return Fraction(value)
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Malformed("an amount is negative, or not written as 1/3, 12 or 12.50")
    whole, below, decimals = found.groups()
    if below is not None:
        return Fraction(int(whole), int(below))
    return Fraction(f"{whole}.{decimals}") if decimals is not None else Fraction(int(whole))


def group_of(member: Mapping[str, Json], groups: tuple[str, ...]) -> Group:
    """The group that a list's member belongs to; what is missing in it counts as null."""
    return canonical([member.get(name) for name in groups])


def sums_of(path: Path, groups: tuple[str, ...], fields: Fields) -> Sums | Unknown:
    """The sums of the amounts at `path`, by group. Raises `Malformed` where one is no amount."""
    value = fields.get(path.field)
    if value is UNKNOWN:
        return UNKNOWN
    sums: Sums = {}
    if value is not ABSENT:
        for group, found in _amounts(value, path, groups):
            sums[group] = sums.get(group, Fraction(0)) + found
    return sums


def _amounts(value: Json, path: Path, groups: tuple[str, ...]) -> Iterator[tuple[Group, Fraction]]:
    steps = path.steps[1:]
    if EVERY not in steps:
        for each in values_at(value, steps):
            yield group_of({}, ()), amount(each)
        return
    # Groups are members of the objects in the innermost list.
    last = len(steps) - steps[::-1].index(EVERY)
    for member in values_at(value, steps[:last]):
        for each in values_at(member, steps[last:]):
            yield group_of(member if isinstance(member, dict) else {}, groups), amount(each)
