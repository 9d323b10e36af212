"""What the demonstration does to a copy: one byte of one stored entry is changed, past every program."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import zstandard

from counterfoil.errors import NotFound
from counterfoil.proof.tiles import decode_bundle, encode_bundle
from counterfoil.store.checksum import bundle_checksum
from counterfoil.store.log import FORM, MAX_BUNDLE_BYTES, WIDTH
from counterfoil.store.sqlite import Sqlite


class Tampered(NamedTuple):
    """Which byte of an entry was changed, counted from 0, from what and to what."""

    offset: int
    before: str
    after: str


def change_one_byte(path: Path, number: int, text: bytes) -> Tampered:
    """Change the first letter of `text` in entry `number` of the store at `path`, to the next one of the alphabet.

    The bundle is compressed again and every checksum set right, as somebody would who knows this program. Raises
    `NotFound` where the entry stands in no full bundle, or has no such text.
    """
    bundle = number // WIDTH
    with closing(Sqlite(path)) as database:
        row = database.row("SELECT entries FROM bundle WHERE number = ?", (bundle,))
        entries = _entries(row[0]) if row else [b""] * WIDTH
        entry = bytearray(entries[number % WIDTH])
        at = entry.find(text)
        if at < 0:
            raise NotFound(f"entry {number} stands in no full bundle, or has no {text!r}")
        entry[at] += 1
        entries[number % WIDTH] = bytes(entry)
        stored = zstandard.ZstdCompressor(level=1).compress(encode_bundle(entries))
        database.execute(
            "UPDATE bundle SET entries = ?, checksum = ? WHERE number = ?",
            (stored, bundle_checksum(bundle, FORM, stored), bundle),
        )
    return Tampered(at, chr(text[0]), chr(entry[at]))


def _entries(stored: bytes) -> list[bytes]:
    return decode_bundle(
        zstandard.ZstdDecompressor().decompress(stored, max_output_size=MAX_BUNDLE_BYTES), WIDTH
    )
