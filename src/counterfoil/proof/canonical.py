"""Canonical bytes: RFC 8785 JSON in the register profile, and hashes with their label.

The register profile allows ASCII member names, no floating-point numbers (decimals are strings) and integers
below 2^53 in size. In that profile `orjson` with sorted keys writes exactly RFC 8785.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any, Final, TypeAlias

import orjson

from counterfoil.errors import Malformed

Json: TypeAlias = Any
"""A JSON value in the register profile; what exactly is checked by `check_profile`."""

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53 - 1
LABEL: Final = "sha256:"
_NAME_END: Final = re.compile(rb'"[ \t\n\r]*:')
_LABELLED: Final = re.compile(LABEL + "[0-9a-f]{64}")


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of a value in the register profile (or of a msgspec struct's builtins).

    Raises `Malformed` where the value has no such bytes (a lone surrogate, a set, an integer over 64 bits).
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise Malformed(f"this value cannot be written as JSON: {error}") from None


def check_profile(value: Json, where: str = "the value", most: int = MAX_DEPTH) -> None:
    """Raise `Malformed` unless `value` is JSON in the register profile, nested at most `most` deep."""
    _check(value, where, most, most)


def _check(value: Json, where: str, most: int, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise Malformed(f"{where} holds an integer of 2^53 or more; write it as a string")
    elif kind is float:
        raise Malformed(f"{where} holds the number {value!r}; write decimals and huge numbers as strings")
    elif kind is not dict and kind is not list:
        raise Malformed(f"{where} holds a {kind.__name__}, which JSON does not have")
    elif depth == 0:
        raise Malformed(f"{where} is nested more than {most} deep; flatten it")
    elif kind is list:
        for member in value:
            if type(member) is not str:
                _check(member, where, most, depth - 1)
    else:
        for name, member in value.items():
            if type(name) is not str or not name.isascii():
                raise Malformed(f"{where} has the member name {name!r:.80}; member names are ASCII text")
            if type(member) is not str:
                _check(member, where, most, depth - 1)


def parse(data: bytes, where: str = "the input") -> Json:
    """Read JSON from outside: UTF-8, no name twice in one object, nothing outside the register profile.

    `orjson` keeps the last member of a name silently. Where the input is not canonical and may hold as many names as
    the value or more, it is read a second time by a parser that sees each. Raises `Malformed`.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{where} is not JSON: {error}") from None
    check_profile(value, where)
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != data and not _has_each_name_once(data, value):
        _check_names(data, where)
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
    if not _LABELLED.fullmatch(text):
        raise Malformed(
            f"{text[:80]!r} is not a hash; it must be sha256: and 64 lower-case hexadecimal digits"
        )
    return bytes.fromhex(text[len(LABEL) :])


def _has_each_name_once(data: bytes, value: Json) -> bool:
    """Whether counting alone shows it: then no more strings in the input can be names than the value has names.

    Without a backslash, every quotation mark begins or ends a string, so that each name ends in one before a colon.
    """
    return b"\\" not in data and len(_NAME_END.findall(data)) == _count_names(value)


def _count_names(value: Json) -> int:
    if type(value) is dict:
        return len(value) + sum(_count_names(each) for each in value.values() if type(each) is not str)
    if type(value) is list:
        return sum(_count_names(each) for each in value if type(each) is not str)
    return 0


def _check_names(data: bytes, where: str) -> None:
    """Raise `Malformed` where an object has a name twice, in JSON whose last members of each name are in form."""
    try:
        json.loads(data.decode(), object_pairs_hook=lambda pairs: _unique(pairs, where))
    except (ValueError, RecursionError):
        # What is visible has passed, so what this parser cannot take is hidden by a later member of its name.
        raise Malformed(
            f"{where} has a name twice in one object; give each member a name of its own"
        ) from None


def _unique(pairs: list[tuple[str, object]], where: str) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"{where} has the name {twice!r:.80} twice in one object; keep one of them")
    return members
