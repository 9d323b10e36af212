"""Search over all registers: what the catalogue finds, read again from the store and shown where it matches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from unicodedata import combining, normalize

import msgspec

from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import ENDING, Entry
from counterfoil.registry.catalogue.catalogue import RegisterSummary, Row
from counterfoil.registry.catalogue.text import searchable
from counterfoil.web.portal.record_view import CALLED
from counterfoil.web.portal.words import brief, plain

HITS: Final = 20
SNIPPET: Final = 160
SHOWN_FIELDS: Final = 3
_WORD: Final = re.compile(r"\w+")


class Piece(msgspec.Struct, frozen=True):
    """A part of a text, and whether it is what was looked for."""

    text: str
    found: bool


class Snippet(msgspec.Struct, frozen=True):
    """A field in which something was found."""

    field: str
    pieces: tuple[Piece, ...]


class Hit(msgspec.Struct, frozen=True):
    """A record that was found; one whose entry is damaged is named, and not shown."""

    register: str
    title: str
    record: str
    called: str | None
    entry: int
    version: int
    time: str
    ended: bool
    snippets: tuple[Snippet, ...]
    damaged: bool = False


class SearchView(msgspec.Struct, frozen=True):
    """What was looked for, in which register, and a page of what was found."""

    query: str
    register: str | None
    hits: tuple[Hit, ...]
    damaged: str | None
    after: str | None
    next: str | None
    registers: tuple[RegisterSummary, ...]


def hits_of(rows: Sequence[Entry | Row], query: str, titles: dict[str, str | None]) -> tuple[Hit, ...]:
    """The entries that do have what was looked for, as the store has them now, and those that are damaged."""
    words = folded_words(query)
    return tuple(
        _hit(each, words, titles) for each in rows if not isinstance(each, Entry) or _matches(each, words)
    )


def folded_words(text: str) -> list[str]:
    """The words of a text as they are compared: in small letters, without accents."""
    return _WORD.findall(_folded(text).replace("_", " "))


def _folded(text: str) -> str:
    return "".join(each for each in normalize("NFKD", text.casefold()) if not combining(each))


def _matches(entry: Entry, words: Sequence[str]) -> bool:
    text = _folded(f"{entry.record} {searchable(entry.fields)}")
    return all(word in text for word in words)


def _hit(entry: Entry | Row, words: Sequence[str], titles: dict[str, str | None]) -> Hit:
    fields = entry.fields if isinstance(entry, Entry) else {}
    called = next((fields[name] for name in CALLED if isinstance(fields.get(name), str)), None)
    return Hit(
        entry.register,
        titles.get(entry.register) or entry.register,
        entry.record,
        brief(called, 120) if called else None,
        entry.number,
        entry.version,
        entry.time,
        entry.operation in ENDING,
        tuple(_snippets(fields, words)),
        not isinstance(entry, Entry),
    )


def _snippets(fields: dict[str, Json], words: Sequence[str]) -> list[Snippet]:
    found = []
    for name, value in fields.items():
        text = " ".join(plain(value).split())
        pieces = tuple(_pieces(text, words))
        if any(piece.found for piece in pieces):
            found.append(Snippet(name, pieces))
        if len(found) == SHOWN_FIELDS:
            break
    return found


def _pieces(text: str, words: Sequence[str]) -> Iterator[Piece]:
    """The part of a text around the first word that is looked for, in pieces."""
    matches = [
        match for match in _WORD.finditer(text) if any(_folded(match[0]).startswith(word) for word in words)
    ]
    if not matches:
        return
    start = max(0, matches[0].start() - SNIPPET // 3)
    end = min(len(text), start + SNIPPET)
    at = start
    if start:
        yield Piece("…", found=False)
    for match in matches:
        if match.end() > end:
            break
        if match.start() > at:
            yield Piece(text[at : match.start()], found=False)
        yield Piece(match[0], found=True)
        at = match.end()
    yield Piece(text[at:end] + ("…" if end < len(text) else ""), found=False)
