"""Refused rows as a table of the same form, each with its reason, to be corrected and imported again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from counterfoil.registry.table.entering import Refusal
from counterfoil.registry.table.reading import REASON, Table


class RejectedRows:
    """What writes refused rows in their table's form, encoding and delimiter, a last column saying why.

    In CSV a header comes first, which a later import knows by that column. What stood in a row that could not be read
    is kept as one text, in the first column or the member `.text`.
    """

    def __init__(self, table: Table):
        self._table = table
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer, delimiter=table.delimiter, lineterminator="\r\n")
        self._width = len([name for name in table.columns if name != REASON])

    def head(self) -> bytes:
        """What the file begins with."""
        if self._table.form == "jsonl":
            return b""
        return self._line([*self._table.columns[: self._width], REASON])

    def row(self, refusal: Refusal) -> bytes:
        """One refused row."""
        raw = refusal.raw
        reason = refusal.reason if refusal.column is None else f"{refusal.column}: {refusal.reason}"
        if self._table.form == "jsonl":
            values: dict[str, Any] = raw.values if raw.fault is None else {".text": raw.text.rstrip("\r\n")}
            return orjson.dumps(values | {REASON: reason}, default=float) + b"\n"
        cells = raw.values[: self._width] if raw.fault is None else [raw.text.rstrip("\r\n")]
        extra = raw.values[len(self._table.columns) :] if raw.fault is None else []
        return self._line([*cells, *[""] * (self._width - len(cells)), *extra, reason])

    def _line(self, cells: Sequence[str]) -> bytes:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._writer.writerow(cells)
        return self._buffer.getvalue().encode(self._table.encoding, "surrogateescape")
