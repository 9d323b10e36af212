"""Looking for values in bytes: as they are, in hexadecimal, in base64 wherever it begins, and as hashes without a salt.

Eight bytes of each form are compared with every eight bytes of what is searched, at whatever place they begin; only
where they are the same is the whole form looked for.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import apsw
import zstandard

from counterfoil.proof.canonical import Json, canonical

WINDOW: Final = 8
ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
HASHES: Final = ("sha256", "sha1", "md5")


class Trace(NamedTuple):
    """A value that was found, in which form, and where."""

    value: bytes
    form: str
    where: str


class Traces:
    """Some values in all their forms."""

    def __init__(self, values: Iterable[bytes]):
        self._forms: dict[int, list[tuple[bytes, bytes, str]]] = {}
        self.values = sorted(set(values))
        for value in self.values:
            for form, name in forms(value):
                self._forms.setdefault(_window(form), []).append((form, value, name))
        self._windows = frozenset(self._forms)

    def found(self, places: Mapping[str, bytes]) -> list[Trace]:
        """Every value that is in one of the places, in whatever form."""
        return [trace for where, data in places.items() for trace in self._in(data, where)]

    def _in(self, data: bytes, where: str) -> Iterator[Trace]:
        alike: set[int] = set()
        for start in range(min(WINDOW, len(data))):
            whole = len(data) - (len(data) - start) % WINDOW
            alike |= self._windows.intersection(memoryview(data)[start:whole].cast("Q"))
        for window in alike:
            for form, value, name in self._forms[window]:
                if form in data:
                    yield Trace(value, name, where)


def forms(value: bytes) -> Iterator[tuple[bytes, str]]:
    """The forms in which a value may be stored, each with its name; none is shorter than eight bytes."""
    yield value, "plain"
    # As an index of words has it.
    yield value.lower(), "small letters"
    yield value.hex().encode(), "hexadecimal"
    yield value.hex().upper().encode(), "hexadecimal"
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            # Of the first and the last character others than the value's bits decide too.
            text = encode(bytes(before) + value).rstrip(b"=")
            cut = text[(before * 8 + 5) // 6 : (before + len(value)) * 8 // 6]
            if len(cut) >= WINDOW:
                yield cut, "base64"
    for name in HASHES:
        digest = hashlib.new(name, value, usedforsecurity=False).digest()
        yield digest, name
        yield digest.hex().encode(), name
        yield digest.hex().upper().encode(), name
        yield b64encode(digest).rstrip(b"="), name
        yield urlsafe_b64encode(digest).rstrip(b"="), name


def stored_in(folder: Path) -> dict[str, bytes]:
    """Every byte of every file below a folder, and what its databases hold put together and uncompressed."""
    places = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = str(path.relative_to(folder))
        places[name] = path.read_bytes()
        if places[name].startswith(b"SQLite format 3\0"):
            places[f"{name}, row by row"] = b"\0".join(_cells(path))
    return places


def _cells(path: Path) -> Iterator[bytes]:
    """What each cell holds: a long one is in pieces in the file, and some are compressed."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        tables = list(database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):  # the file's own tables
                for cell in row:
                    data = cell if isinstance(cell, bytes) else str(cell).encode()
                    yield data
                    if data.startswith(ZSTANDARD):
                        yield zstandard.ZstdDecompressor().decompressobj().decompress(data)


def leaves(value: Json, name: str) -> Iterator[tuple[str, Json]]:
    """The values within a field that are no lists or objects, each with the name of the member it stands under."""
    match value:
        case dict():
            for member, each in value.items():
                yield from leaves(each, member)
        case list():
            for each in value:
                yield from leaves(each, name)
        case _:
            yield name, value


def searchable(name: str, value: Json) -> tuple[bytes, ...]:
    """What to search for: the value by itself; one of less than eight bytes as a field, in an object or a disclosure.

    Nothing for how many shares somebody holds, which is called as every entry's number is.
    """
    if name == "number" and isinstance(value, int):
        return ()
    text = value.encode() if isinstance(value, str) else canonical([value])[1:-1]
    if len(text) >= WINDOW:
        return (text,)
    quoted = canonical([value])[1:-1]
    both = (b'"%b":%b' % (name.encode(), quoted), b'"%b",%b]' % (name.encode(), quoted))
    return tuple(each for each in both if len(each) >= WINDOW)


def _window(form: bytes) -> int:
    # The last bytes tell forms apart: many begin alike.
    return memoryview(form[-WINDOW:]).cast("Q")[0]
