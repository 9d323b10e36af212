"""What a command says: one object for results, as text for people or, with `--json`, one JSON document a line.

Results go to standard output, the last line being the result; errors and progress go to standard error (under `--json`
an error is a document on standard output too, for it is what became of the command).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

from counterfoil.cli.progress import Progress, Tell

if TYPE_CHECKING:
    from counterfoil.cli.failure import Failure

_STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Output:
    """Where one command's results, notes and errors go."""

    def __init__(self, *, json: bool):
        self.json = json
        if not json and hasattr(sys.stdout, "reconfigure"):
            # A terminal or locale that is not UTF-8 must not turn a record's text into a crash.
            sys.stdout.reconfigure(errors="backslashreplace")

    def say(self, text: str = "", style: str = "") -> None:
        """A line for people; nothing under `--json`."""
        if not self.json:
            sys.stdout.write(f"{self.styled(text, style)}\n")

    def tell(self, document: object) -> None:
        """A document on the way to the result, for `--json` only."""
        if self.json:
            _write_json(document)

    def result(self, document: object, *lines: str) -> None:
        """The command's result: the last document under `--json`, `lines` for people."""
        if self.json:
            _write_json(document)
        for line in lines:
            self.say(line)

    def raw(self, data: bytes) -> None:
        """Bytes that are themselves the result: a bundle, a register's export."""
        sys.stdout.buffer.write(data)

    def note(self, text: str) -> None:
        """A line beside the result, on standard error."""
        _write_text(sys.stderr, text)

    def error(self, failure: Failure) -> None:
        """What went wrong: one sentence on standard error or, under `--json`, a document on standard output."""
        if self.json:
            _write_json({"error": failure.document})
        else:
            _write_text(sys.stderr, f"counterfoil: {failure.message}")

    def styled(self, text: str, style: str) -> str:
        """The text in a style where a terminal shows it; as it is anywhere else."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text and _shows_styles() else text

    @contextmanager
    def progress(self, title: str, unit: str = "") -> Iterator[Tell]:
        """A bar on standard error while something long runs; gives what is told (done, total)."""
        progress = Progress(title, unit)
        try:
            yield progress.tell
        finally:
            progress.close()


def columns(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Rows of cells as aligned lines; the last column is as wide as it likes."""
    cells = [[printable(cell) for cell in row] for row in rows]
    count = max((len(row) for row in cells), default=0)
    widths = [max((len(row[at]) for row in cells if len(row) > at), default=0) for at in range(count)]
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))).rstrip()
        for row in cells
    ]


def printable(text: str) -> str:
    """The text with every control character written out, so that a record cannot steer the terminal that shows it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def flush() -> None:
    """Hand everything written so far to the system; raises `BrokenPipeError` where the reader has gone."""
    sys.stdout.flush()
    sys.stderr.flush()


def abandon() -> None:
    """Point standard output at nothing, so that ending does not stumble over a reader that has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _write_json(document: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    sys.stdout.buffer.flush()


def _write_text(stream: TextIO, text: str) -> None:
    # What is wrong may be the very bytes that cannot be encoded.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _shows_styles() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
