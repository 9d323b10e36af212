"""Canonical bytes: RFC 8785 JSON in the register profile, and hashes with their label.

The register profile allows ASCII member names, no floating-point numbers (decimals are strings) and integers
below 2^53 in size. In that profile `orjson` with sorted keys writes exactly RFC 8785.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final, TypeAlias

import orjson

from counterfoil.errors import Malformed

Json: TypeAlias = Any
"""A JSON value in the register profile; what exactly is checked by `check_profile`."""

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53 - 1
LABEL: Final = "sha256:"


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of a value in the register profile (or of a msgspec struct's builtins).

    Raises `Malformed` where the value has no such bytes (a lone surrogate, a set, an integer over 64 bits).
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise Malformed(f"this value cannot be written as JSON: {error}") from None


def check_profile(value: object, where: str = "the value", depth: int = MAX_DEPTH) -> None:
    """Raise `Malformed` unless `value` is JSON in the register profile, nested at most `depth` deep."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]  # `kind` says it is an int
            raise Malformed(f"{where} holds an integer of 2^53 or more; write it as a string")
        return
    if depth == 0:
        raise Malformed(f"{where} is nested more than {MAX_DEPTH} deep; flatten it")
    if isinstance(value, dict):
        for name, member in value.items():
            if type(name) is not str or not name.isascii():
                raise Malformed(f"{where} has the member name {name!r}; member names are ASCII text")
            if type(member) is not str:
                check_profile(member, where, depth - 1)
        return
    if isinstance(value, list):
        for member in value:
            if type(member) is not str:
                check_profile(member, where, depth - 1)
        return
    if kind is float:
        raise Malformed(f"{where} holds the number {value!r}; write decimals as strings")
    raise Malformed(f"{where} holds a {kind.__name__}, which JSON does not have")


def parse(data: bytes, where: str = "the input") -> Json:
    """Read JSON from outside: UTF-8, no name twice in one object, nothing outside the register profile.

    Canonical input takes the fast path; anything else is read a second time by a parser that sees duplicate
    names, which `orjson` does not. Raises `Malformed`.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{where} is not JSON: {error}") from None
    check_profile(value, where)
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != data:
        json.loads(data, object_pairs_hook=lambda pairs: _unique(pairs, where))
    return value


def parse_canonical(data: bytes, where: str) -> Json:
    """Read JSON that must already be canonical, and refuse it where it is not. Raises `Malformed`."""
    value = parse(data, where)
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != data:
        raise Malformed(f"{where} is JSON, but not its canonical form (RFC 8785)")
    return value


def digest(data: bytes) -> str:
    """SHA-256 of `data` as text with its label: `sha256:` and 64 lower-case hexadecimal digits."""
    return LABEL + sha256(data).hexdigest()


def labelled(raw: bytes) -> str:
    """A 32-byte hash as text with its label."""
    return LABEL + raw.hex()


def unlabelled(text: str) -> bytes:
    """The 32 bytes of a labelled hash. Raises `Malformed` for any other label, length or digit case."""
    hexadecimal = text[len(LABEL) :]
    if not text.startswith(LABEL) or len(hexadecimal) != 64 or hexadecimal.strip("0123456789abcdef"):
        raise Malformed(
            f"{text[:80]!r} is not a hash; it must be sha256: and 64 lower-case hexadecimal digits"
        )
    return bytes.fromhex(hexadecimal)


def _unique(pairs: list[tuple[str, object]], where: str) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"{where} has the name {twice!r} twice in one object")
    return members
