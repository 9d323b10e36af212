"""The sum with which a closed store's file ends, so that also bytes that SQLite does not use cannot change unseen.

Behind its last page SQLite looks at nothing. Who opens the file for writing cuts the sum off, and who closes it writes
it anew: a line feed, `crc-32`, a space and eight hexadecimal digits, the CRC-32 of the file before them. It finds
changes that nobody meant; those that somebody meant are found by what the pages say.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final
from zlib import crc32

LABEL: Final = b"\ncrc-32 "
SUM_BYTES: Final = 16
MAX_SUMMED: Final = 1 << 28
"""A larger file gets no sum: reading it whole at every close would take too long."""
_PART: Final = 1 << 20


def cut_sum(path: Path, page_size: int) -> None:
    """Take the sum away before the file is opened for writing. SQLite would take it for a page."""
    size = path.stat().st_size
    if size % page_size == SUM_BYTES:
        with path.open("r+b") as file:
            file.seek(size - SUM_BYTES)
            if file.read().startswith(LABEL):
                file.truncate(size - SUM_BYTES)


def write_sum(path: Path, page_size: int) -> None:
    """Let a file that was just closed end with its sum."""
    size = path.stat().st_size
    if not size or size % page_size or size > MAX_SUMMED:
        return
    with path.open("r+b") as file:
        written = _sum(file, size)
        file.seek(size)
        file.write(written)
        file.flush()
        os.fsync(file.fileno())


def read_sum(path: Path, size: int) -> bool | None:
    """Whether the sum behind the file's first `size` bytes, its pages, is theirs; None where nothing stands there."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) <= size:
            return None
        file.seek(0)
        expected = _sum(file, size)
        file.seek(size)
        return file.read(SUM_BYTES + 1) == expected


def _sum(file: BinaryIO, size: int) -> bytes:
    value, left = 0, size
    while left:
        part = file.read(min(_PART, left))
        if not part:
            break
        value = crc32(part, value)
        left -= len(part)
    return LABEL + b"%08x" % value
