"""The blind index, compared with the tokens in the items' rows: by a sum over all, and one by one where it differs."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from struct import Struct
from typing import Final

from counterfoil.errors import Damaged
from counterfoil.store.audit.finding import Findings
from counterfoil.store.audit.stored import Stored
from counterfoil.store.checksum import checksum
from counterfoil.store.items import read_contents

_row_bytes: Final = Struct(">qq").pack


class BlindAudit:
    """Told of the items' tokens, it compares them with the table."""

    def __init__(self, stored: Stored, findings: Findings):
        self._stored = stored
        self._findings = findings
        self._expected = 0
        self._end = self._read_end()

    def expect(self, number: int, tokens: Collection[int]) -> None:
        """Take the tokens of an entry."""
        if number < self._end:
            for token in tokens:
                self._expected += _mark(token, number)

    def finish(self, size: int) -> None:
        """Compare; the log has `size` entries."""
        if self._end > size:
            self._findings.add("it goes beyond the end of the log", "blind_end row 0")
        found = sum(_mark(token, number) for token, number in self._stored.rows("blind"))
        # Sums of hashes are equal where the rows are the same, in whatever order (and else by no accident).
        if found != self._expected:
            self._compare()

    def _read_end(self) -> int:
        end = 0
        for id_, number, sum_ in self._stored.rows("blind_end"):
            if id_ or number < 1 or sum_ != checksum(number):
                self._findings.add("it is not what was stored", f"blind_end row {id_}")
            else:
                end = number
        return end

    def _compare(self) -> None:
        """Name every row that is there and must not be, and every one that must be and is not."""
        for token, number in self._stored.rows("blind"):
            tokens = self._tokens(number)
            if number >= self._end or (tokens is not None and token not in tokens):
                self._name("it is stored, and no item's row leads to it", token, number)
        for number, *_ in self._stored.rows("item", "WHERE number < ?", (self._end,)):
            for token in self._tokens(number) or ():
                there = next(
                    self._stored.rows("blind", "WHERE token = ? AND number = ?", (token, number)), None
                )
                if there is None and not self._stored.is_named("blind", token):
                    self._name("it is missing, and its item's row leads to it", token, number)

    def _tokens(self, number: int) -> tuple[int, ...] | None:
        """The tokens of an entry; None where its item's row is not what was stored, which is named already."""
        row = self._stored.row("item", number)
        if row is None:
            return None if self._stored.is_named("item", number) else ()
        try:
            return read_contents(number, (row[1], row[2], row[3]))[1]
        except Damaged:
            return None

    def _name(self, what: str, token: int, number: int) -> None:
        self._findings.add(what, f"blind row {token}", number=number)


def _mark(token: int, number: int) -> int:
    return int.from_bytes(sha256(_row_bytes(token, number)).digest(), "big")
