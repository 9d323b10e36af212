"""What the catalogue makes of text: an order of keys that people expect, words to look for, places to go on from."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from counterfoil.errors import Malformed

MAX_WORDS: Final = 16
MAX_WORD: Final = 100
"""The most words of a search, and the most characters of one of them that count."""
SHORT: Final = 2
"""A shorter word is looked for as it is, not as the beginning of others: those would be far too many."""
MAX_CURSOR: Final = 4_096
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


def sort_key(name: str) -> str:
    """Text by which names stand in the order that people expect: 2 before 10, and a beside A."""
    folded = name.casefold()
    return folded if folded.isalpha() else _DIGITS.sub(_counted, folded)


def _counted(found: re.Match[str]) -> str:
    digits = found[0].lstrip("0")
    return f"{len(digits):03d}{digits}"


def searchable(fields: object) -> str:
    """The words of an entry's fields, one after another, whatever their nesting."""
    return " ".join(_words(fields))


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def match_expression(text: str) -> str | None:
    """What FTS5 is asked for: entries with every word of `text`, or words that begin so; None without a word.

    Each word is a string of FTS5's own syntax, so that nothing in it is taken for an operator.
    """
    words = [word[:MAX_WORD] for word in text.replace("\0", " ").split()]
    words = [word for word in words if any(character.isalnum() for character in word)][:MAX_WORDS]
    return " AND ".join(map(_quoted, words)) or None


def _quoted(word: str) -> str:
    doubled = word.replace('"', '""')
    return f'"{doubled}"*' if len(word) >= SHORT else f'"{doubled}"'


def encode_cursor(*place: str | int) -> str:
    """Where a list goes on, in a form that fits an address and says nothing to who reads it."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def decode_cursor(text: str, kinds: Sequence[type]) -> list[Any]:
    """What `encode_cursor` was given. Raises `Malformed` for anything that is not of these `kinds`, in their order."""
    try:
        if len(text) > MAX_CURSOR:
            raise ValueError("too long")
        place = msgspec.json.decode(
            urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)), type=list[Any]
        )
    except ValueError:
        place = []
    if [type(each) for each in place] != list(kinds):
        raise Malformed("the cursor is not one that a list here gave; begin at the list's first page")
    return place
