"""Flat columns as the nested fields of a personal register: `/names/0/family` is the family in the first of `names`.

A mapping file for such a table is one as `registry.table.mapping` has it, whose field names may be JSON Pointers
(RFC 6901), and with `constants` beside: values that every row has, by pointer.
"""

from __future__ import annotations

from collections.abc import Mapping as Members
from json import JSONDecoder
from typing import Any, Final, NamedTuple

from msgspec import json

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import MAX_DEPTH, Json, check_profile
from counterfoil.registry.table.mapping import Mapping, load_mapping, unique_members

CONSTANTS: Final = "constants"
MOST: Final = 100
"""The longest list that columns can make."""


class Shaping(NamedTuple):
    """A mapping, and what stands in every row's fields beside."""

    mapping: Mapping
    constants: Members[str, Json] = {}


def load_shaping(data: bytes) -> Shaping:
    """Read a mapping file that may have constants. Raises `Malformed`, naming the member that is wrong."""
    try:
        value = JSONDecoder(object_pairs_hook=unique_members).decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the mapping is not JSON: {error}") from None
    constants = value.pop(CONSTANTS, {}) if isinstance(value, dict) else {}
    if not isinstance(constants, dict):
        raise Malformed("constants of the mapping must be an object: a value for each field or pointer")
    check_profile(constants, "constants")
    for name in constants:
        steps_of(name)
    mapping = load_mapping(json.encode(value) if constants else data)
    for name in mapping.fields or ():
        steps_of(name)
    return Shaping(mapping, constants)


def steps_of(name: str) -> tuple[str, ...]:
    """The members that a field's name or pointer leads through. Raises `Malformed` for one too deep or too far."""
    if not name.startswith("/"):
        return (name,)
    steps = tuple(part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/"))
    if not all(steps) or len(steps) > MAX_DEPTH or steps[0].isdigit():
        raise Malformed(f"{name[:80]!r} leads to no field; write it as /names/0/family")
    if any(step.isdigit() and int(step) >= MOST for step in steps):
        raise Malformed(f"{name[:80]!r} counts further than {MOST}, the most that columns can make of a list")
    return steps


def shape(fields: Members[str, Json], constants: Members[str, Json]) -> dict[str, Json]:
    """What columns and constants make. A constant inside an object stands only where a column gave some of it.

    Lists close up: where a row has nothing for `/names/0`, what is at `/names/1` becomes the first.
    """
    made: dict[Any, Any] = {}
    for name, value in fields.items():
        steps = steps_of(name)
        _place(made, steps).setdefault(steps[-1], value)
    for name, value in constants.items():
        steps = steps_of(name)
        if len(steps) == 1 or _there(made, steps[:-1]):
            _place(made, steps).setdefault(steps[-1], value)
    return {name: _closed(value) for name, value in made.items()}


class _Made(dict[str, Any]):
    """An object, or a list by its numbers, that columns make; a field's own value is never one."""


def _place(made: dict[Any, Any], steps: tuple[str, ...]) -> dict[Any, Any]:
    for step in steps[:-1]:
        inner = made.setdefault(step, _Made())
        if not isinstance(inner, _Made):
            raise Malformed(f"two columns of the mapping are for {steps[0]!r:.80}: one whole, one inside it")
        made = inner
    return made


def _there(made: dict[Any, Any], steps: tuple[str, ...]) -> bool:
    for step in steps:
        inner = made.get(step)
        if not isinstance(inner, _Made):
            return False
        made = inner
    return True


def _closed(value: Any) -> Json:
    if not isinstance(value, _Made):
        return value
    members = {name: _closed(member) for name, member in value.items()}
    if all(name.isdigit() for name in members):
        return [members[name] for name in sorted(members, key=int)]
    return members
