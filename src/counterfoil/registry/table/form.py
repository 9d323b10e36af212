"""What a file's first bytes and its name say of its form."""

from __future__ import annotations

import zlib
from contextlib import suppress
from json import JSONDecoder
from pathlib import Path
from typing import Final, Literal, TypeAlias

from counterfoil.errors import NotFound, Unavailable

FileForm: TypeAlias = Literal["rsf", "csv", "jsonl"]

GZIP: Final = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952, 2.3.1)."""
_RSF: Final = (b"add-item\t", b"append-entry\t", b"assert-root-hash\t")
_ENDINGS: Final[dict[str, FileForm]] = {
    ".rsf": "rsf",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_DELIMITERS: Final = ",;\t|"
_PEEK: Final = 1 << 16


def file_form(path: Path) -> FileForm | None:
    """The form of a file, compressed or not; None where nothing speaks for one. Raises `NotFound`, `Unavailable`."""
    try:
        with path.open("rb") as file:
            first = file.read(_PEEK)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
    if first.startswith(GZIP):
        try:
            first = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(first, _PEEK)
        except zlib.error:
            first = b""
    return "rsf" if first.startswith(_RSF) else form_of(path, first)


def form_of(path: Path, first: bytes) -> Literal["csv", "jsonl"] | None:
    """What a table's ending says, else its first bytes; a name that ends in `.rsf` says that it is none."""
    ending = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    named = _ENDINGS.get(ending.lower())
    if named == "rsf":
        return None
    if named is not None:
        return named
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _guess(text.decode("utf-8", "replace")) if text else None


def _guess(text: str) -> Literal["csv", "jsonl"] | None:
    line = text.splitlines()[0]
    if line.startswith("{"):
        with suppress(ValueError, RecursionError):
            JSONDecoder().raw_decode(line)
            return "jsonl"
    return "csv" if any(delimiter in line for delimiter in _DELIMITERS) else None


def sniff_delimiter(text: str) -> str:
    """What most likely parts the values: the one of `,`, `;`, tab and `|` that the first line has most of."""
    line = text.splitlines()[0] if text else ""
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)
