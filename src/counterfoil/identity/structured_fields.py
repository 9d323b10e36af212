"""Structured field values, as much of them as signatures and digests use (RFC 9651, which replaces RFC 8941).

Dictionaries of items and inner lists with parameters, where every bare item is an integer, a string or a byte
sequence. Strict where the standard lets a parser be lenient: no name twice, no other kind of item, base64 in its one
form. Sizes are limited, and the time is linear in them.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from counterfoil.errors import Malformed

MAX_FIELD: Final = 8 * 1024
MAX_MEMBERS: Final = 16
MAX_ITEMS: Final = 64
MAX_PARAMETERS: Final = 16
MAX_INTEGER: Final = 10**15 - 1

Bare: TypeAlias = int | str | bytes
"""A bare item: an Integer, a String or a Byte Sequence (section 3.3)."""

_KEY: Final = r"[a-z*][a-z0-9_.*-]*+"
# What follows a bare item must not be one more character of it: 1.5 is no integer.
_BARE: Final = (
    r'(?:(-?[0-9]{1,15})(?![0-9.])|"([ !#-\[\]-~]*+(?:\\["\\][ !#-\[\]-~]*+)*+)"|:([A-Za-z0-9+/]*+={0,2}):)'
)
_MEMBER_NAME: Final = re.compile(f"({_KEY})=")
_ITEM: Final = re.compile(_BARE)
_LISTED_ITEM: Final = re.compile(f" *+{_BARE}")
_LIST_END: Final = re.compile(r" *+\)")
_PARAMETER: Final = re.compile(f"; *+({_KEY})={_BARE}")
_COMMA: Final = re.compile(r"[ \t]*+,[ \t]*+")
_ESCAPED: Final = re.compile(r"\\(.)")
_STRING: Final = re.compile(r"[ -~]*+")
_WHOLE_KEY: Final = re.compile(_KEY)


class Item(NamedTuple):
    """A bare item and its parameters, in their order."""

    value: Bare
    parameters: Mapping[str, Bare] = {}


class InnerList(NamedTuple):
    """Items in an order, and the parameters of the list itself."""

    items: tuple[Item, ...]
    parameters: Mapping[str, Bare] = {}


def parse_dictionary(text: str, where: str) -> dict[str, Item | InnerList]:
    """Read a Dictionary (section 4.2.2), at most 8 kB; `where` names the field in messages. Raises `Malformed`."""
    if len(text) > MAX_FIELD:
        raise Malformed(f"{where} is over {MAX_FIELD:,} characters long, the most that is read")
    text = text.strip(" ")
    members: dict[str, Item | InnerList] = {}
    at = 0
    while at < len(text):
        name = _MEMBER_NAME.match(text, at)
        if name is None:
            raise _broken(text, at, where)
        label = name[1]
        if label in members or len(members) == MAX_MEMBERS:
            raise Malformed(f"{where} has {label[:40]!r} twice, or over {MAX_MEMBERS} members")
        members[label], at = _member(text, name.end(), where)
        if at == len(text):
            break
        comma = _COMMA.match(text, at)
        if comma is None or comma.end() == len(text):
            raise _broken(text, at, where)
        at = comma.end()
    return members


def serialise(member: Item | InnerList) -> str:
    """The one text of a member (section 4.1). Raises `Malformed` for a value that has none."""
    if isinstance(member, InnerList):
        items = " ".join([_serialise_item(item) for item in member.items])
        return f"({items}){_serialise_parameters(member.parameters)}"
    return _serialise_item(member)


def serialise_dictionary(members: Iterable[tuple[str, Item | InnerList]]) -> str:
    """The one text of a dictionary (section 4.1.2). Raises `Malformed` for a name or value that has none."""
    return ", ".join([f"{_checked_key(name)}={serialise(member)}" for name, member in members])


def _member(text: str, at: int, where: str) -> tuple[Item | InnerList, int]:
    if text.startswith("(", at):
        return _inner_list(text, at + 1, where)
    return _item(text, at, where)


def _inner_list(text: str, at: int, where: str) -> tuple[InnerList, int]:
    items: list[Item] = []
    while True:
        end = _LIST_END.match(text, at)
        if end is not None:
            parameters, at = _parameters(text, end.end(), where)
            return InnerList(tuple(items), parameters), at
        if len(items) == MAX_ITEMS:
            raise Malformed(f"{where} has a list of over {MAX_ITEMS} items, the most that are read")
        item, at = _item(text, at, where, _LISTED_ITEM)
        items.append(item)
        if not text.startswith((" ", ")"), at):
            raise _broken(text, at, where)


def _item(text: str, at: int, where: str, form: re.Pattern[str] = _ITEM) -> tuple[Item, int]:
    found = form.match(text, at)
    if found is None:
        raise _broken(text, at, where)
    value = _bare(found[1], found[2], found[3], where)
    end = found.end()
    if not text.startswith(";", end):
        return Item(value), end
    parameters, end = _parameters(text, end, where)
    return Item(value, parameters), end


def _parameters(text: str, at: int, where: str) -> tuple[dict[str, Bare], int]:
    parameters: dict[str, Bare] = {}
    while text.startswith(";", at):
        found = _PARAMETER.match(text, at)
        if found is None:
            raise _broken(text, at, where)
        name, integer, string, encoded = found.groups()
        if name in parameters or len(parameters) == MAX_PARAMETERS:
            raise Malformed(
                f"{where} has the parameter {name[:40]!r} twice, or over {MAX_PARAMETERS} of them"
            )
        parameters[name] = _bare(integer, string, encoded, where)
        at = found.end()
    return parameters, at


def _bare(integer: str | None, string: str | None, encoded: str | None, where: str) -> Bare:
    """The value of the one group that has matched."""
    if string is not None:
        return _ESCAPED.sub(r"\1", string) if "\\" in string else string
    if integer is not None:
        return int(integer)
    return _decoded((encoded or "").encode(), where)


def _decoded(text: bytes, where: str) -> bytes:
    try:
        value: bytes | None = a2b_base64(text, strict_mode=True)
    except Base64Error:
        value = None
    if value is None or b2a_base64(value, newline=False) != text:
        raise Malformed(f"{where} has a byte sequence that is not base64 in its one form, with its padding")
    return value


def _serialise_item(item: Item) -> str:
    text = _serialise_bare(item.value)
    return text + _serialise_parameters(item.parameters) if item.parameters else text


def _serialise_parameters(parameters: Mapping[str, Bare]) -> str:
    return "".join([f";{_checked_key(name)}={_serialise_bare(value)}" for name, value in parameters.items()])


def _serialise_bare(value: Bare) -> str:
    if isinstance(value, str):
        if not _STRING.fullmatch(value):
            raise Malformed(f"{value[:80]!r} is no structured field string; it must be printable ASCII")
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f":{b2a_base64(value, newline=False).decode()}:"
    if abs(value) > MAX_INTEGER:
        raise Malformed(f"{value} is no structured field integer; those have up to 15 digits")
    return str(value)


def _checked_key(name: str) -> str:
    if not _WHOLE_KEY.fullmatch(name):
        raise Malformed(
            f"{name[:40]!r} names no member or parameter; use lower-case letters, digits, and _ - . *"
        )
    return name


def _broken(text: str, at: int, where: str) -> Malformed:
    return Malformed(
        f"{where} is not in form at character {at + 1}, {text[at : at + 20]!r}; "
        "a dictionary of integers, strings, byte sequences and lists of them is read here (RFC 9651)"
    )
