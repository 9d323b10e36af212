"""Reading a table's rows, CSV (RFC 4180) or JSON Lines, one by one and within bounds whatever the file holds."""

from __future__ import annotations

import csv
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import file_digest
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, NoReturn

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.proof.canonical import LABEL, Json
from counterfoil.registry.table.form import GZIP, form_of, sniff_delimiter
from counterfoil.registry.table.mapping import MAX_COLUMNS, Form, Mapping, unique_members

MAX_ROW_BYTES: Final = 1 << 20
"""The most that one row may have: an entry takes a sixteenth of it."""
MAX_EXPANSION: Final = 200
"""How many times its own size a compressed file may become, beyond the first 16 MiB; tables become 5 to 50 times."""
FREE_EXPANSION: Final = 16 << 20
REASON: Final = ".reason"
"""The last column of a file of refused rows. A table that has it begins with a header, whatever the mapping says."""
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class RawRow(NamedTuple):
    """A row as it was read: the line that it begins at, its length in bytes, its values.

    The values are a list in CSV, an object in JSON Lines. Where the row could not be read, `fault` says why, and
    `text` is what stands there.
    """

    line: int
    size: int
    values: Json
    fault: str | None = None
    text: str = ""


class Lines(Iterator[str]):
    """A stream's lines as text, each and the whole within bounds. What is wrong inside one is noted, not raised."""

    def __init__(self, stream: BinaryIO, encoding: str, limit: int | None):
        self._read = stream.readline
        self._encoding = encoding
        self._left = sys.maxsize if limit is None else limit
        self.number = 0
        self.begin()

    def begin(self) -> None:
        """Begin a row."""
        self._first = self.number + 1
        self.size = 0
        self.fault: str | None = None
        self.texts: list[str] = []

    def __next__(self) -> str:
        """The next line. Raises `Malformed` for one without an end, and for a compressed file that is cut off."""
        try:
            data = self._read(MAX_ROW_BYTES + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Malformed(
                f"the compressed file is damaged or cut off after line {self.number} ({error}); fetch it again"
            ) from None
        if not data:
            raise StopIteration
        self.number += 1
        self.size += len(data)
        self._left -= len(data)
        if self.size > MAX_ROW_BYTES or self._left < 0:
            self._stop()
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError as error:
            text = data.decode(self._encoding, "surrogateescape")
            byte, place = data[error.start], error.start + 1
            self.fault = (
                f"byte {byte:#04x} at {place}{self._further} is no {self._encoding}; save the file as utf-8, or "
                "name its encoding in a mapping (latin-1, windows-1252)"
            )
        if "\0" in text and self.fault is None:
            self.fault = (
                f"there is a NUL byte{self._further}, which no text has; is the file a table, in UTF-8?"
            )
        self.texts.append(text)
        return text

    @property
    def _further(self) -> str:
        """Which line it is, where it is not the one that the row begins at."""
        return f" in line {self.number}" if self.number > self._first else ""

    def _stop(self) -> NoReturn:
        if self._left < 0:
            raise Malformed(
                f"the compressed file is over {MAX_EXPANSION} times as long by line {self.number}, as no table is; "
                "where it is one, unpack it and import what comes out"
            )
        raise Malformed(
            f"the row that ends at line {self.number} has over {MAX_ROW_BYTES:,} bytes; is it a table?"
        )


class Table:
    """An open table: its form, the SHA-256 of the file (labelled), the names of its columns (none in JSON Lines)."""

    def __init__(self, raw: io.BufferedReader, path: Path, mapping: Mapping):
        self._raw = raw
        self.length = os.fstat(raw.fileno()).st_size
        self.digest = LABEL + file_digest(raw, "sha256").hexdigest()
        raw.seek(0)
        packed = mapping.compression or ("gzip" if raw.read(2) == GZIP else "none")
        raw.seek(0)
        stream, limit = raw, None
        if packed == "gzip":
            stream = io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 16)
            limit = FREE_EXPANSION + MAX_EXPANSION * self.length
        self._lines = Lines(stream, mapping.encoding, limit)
        first = _first_bytes(stream, mapping.encoding)
        self.encoding = mapping.encoding
        self.form: Form = mapping.format or form_of(path, first) or "csv"
        self.delimiter = mapping.delimiter or sniff_delimiter(first.decode(mapping.encoding, "replace"))
        self.header = False
        self._ahead: list[RawRow] = []
        self._rows = iter(self._json_rows() if self.form == "jsonl" else self._csv_rows())
        self.columns = self._head(mapping) if self.form == "csv" else ()

    @property
    def position(self) -> int:
        """How many bytes of the file have been read so far."""
        return self._raw.tell()

    def rows(self) -> Iterator[RawRow]:
        """The rows, in their order. Raises `Malformed` where the file itself cannot be read on."""
        yield from self._ahead
        yield from self._rows

    def _head(self, mapping: Mapping) -> tuple[str, ...]:
        first = next(self._rows, None)
        if first is None:
            if mapping.header:
                raise Malformed("the file is empty; its first line must name the columns")
            return mapping.columns or ()
        if first.fault:
            raise Malformed(f"line {first.line}: {first.fault}")
        refused = first.values[-1:] == [REASON]
        self.header = mapping.header or refused
        if not self.header:
            self._ahead.append(first)
        names = tuple(first.values) if mapping.columns is None else mapping.columns + (REASON,) * refused
        if self.header and len(names) != len(first.values):
            raise Malformed(
                f"the mapping names {len(names)} columns, and line {first.line} has {len(first.values)}"
            )
        _check_columns(names)
        return names

    def _csv_rows(self) -> Iterator[RawRow]:
        lines = self._lines
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            lines.begin()
            line = lines.number + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fault = (
                    f"the line is not in the form of CSV: {error}"
                    if lines.number == line
                    else (
                        f"the lines up to {lines.number} are not in the form of CSV: {error};"
                        " is a quotation mark not closed?"
                    )
                )
                yield RawRow(line, lines.size, [], lines.fault or fault, "".join(lines.texts))
                continue
            if lines.fault:
                yield RawRow(line, lines.size, [], lines.fault, "".join(lines.texts))
            elif values:
                yield RawRow(line, lines.size, values)

    def _json_rows(self) -> Iterator[RawRow]:
        lines = self._lines
        decode = JSONDecoder(
            object_pairs_hook=unique_members, parse_float=Decimal, parse_constant=_refuse_constant
        ).decode
        lines.begin()
        for text in lines:
            fault, values = lines.fault, None
            if fault is None and not text.isspace():
                try:
                    values = decode(text)
                except JSONDecodeError as error:
                    fault = f"the line is no JSON: {error.msg} at {error.pos + 1}"
                except (Malformed, ValueError, RecursionError) as error:
                    fault = f"the line cannot be taken: {error}"
                else:
                    fault = None if type(values) is dict else "the line is no JSON object"
            if fault is not None:
                yield RawRow(lines.number, lines.size, {}, fault, text)
            elif values is not None:
                yield RawRow(lines.number, lines.size, values)
            lines.begin()


@contextmanager
def open_table(path: Path, mapping: Mapping) -> Iterator[Table]:
    """Open a table, plain or compressed by gzip.

    Raises `NotFound`, `Unavailable` for what is no plain file, `Malformed` for a head that cannot be used.
    """
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
    with raw:
        if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
            raise Unavailable(
                f"{path} cannot be read twice, as an import does; save it as a plain file first"
            )
        yield Table(raw, path, mapping)


def _first_bytes(stream: io.BufferedReader, encoding: str) -> bytes:
    """The beginning of the file, after a byte order mark that UTF-8 may have and that is passed over."""
    try:
        first = stream.peek(1 << 16)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Malformed(f"the compressed file is damaged or cut off ({error}); fetch it again") from None
    if first.startswith(_WIDE_BOMS):
        raise Malformed("the file is in UTF-16; save it in UTF-8")
    if encoding == "utf-8" and first.startswith(_BOM):
        first = first[len(stream.read(len(_BOM))) :]
    return first


def _check_columns(names: tuple[str, ...]) -> None:
    if len(names) > MAX_COLUMNS:
        raise Malformed(f"the table has {len(names):,} columns; at most {MAX_COLUMNS:,} are taken")
    places: dict[str, int] = {}
    for at, name in enumerate(names, 1):
        if name and name in places:
            raise Malformed(
                f"columns {places[name]} and {at} are both called {name!r:.80}; "
                "give each a name of its own, in the file or by columns in a mapping"
            )
        places[name] = at


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is no number of JSON")
