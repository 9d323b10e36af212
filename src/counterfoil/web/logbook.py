"""The process's log: one JSON object a line, on standard error or in a file.

A log that cannot be written (a full disk) holds nothing up: what it loses is counted and told once it can be.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from typing import IO, Any, Final

import structlog

from counterfoil.errors import Unavailable

MODE: Final = 0o640
MAX_LINES: Final = 10_000
"""How many lines may wait to be written."""


class LossyFile:
    """A file of lines, written by a thread of its own: a line that cannot be written in time is lost and counted.

    Whoever logs never waits, neither for a full disk nor for a pipe that nobody reads.
    """

    def __init__(self, open_file: Callable[[], IO[str]]):
        self._open = open_file
        self._file = open_file()
        self._lines: Queue[str | None] = Queue(MAX_LINES)
        self._lost = 0
        self._moved = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Have a line written."""
        try:
            self._lines.put_nowait(text)
        except Full:
            self._lost += 1

    def flush(self) -> None:
        """Nothing is waited for."""

    def reopen(self) -> None:
        """Go on in a file opened anew with the next line, where the old one was moved away."""
        self._moved = True

    def close(self, seconds: float = 1.0) -> None:
        """Write what waits, as far as it can be written within some seconds."""
        with suppress(Full):
            self._lines.put(None, timeout=seconds)
            self._thread.join(seconds)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                if self._moved:
                    self._moved = False
                    self._let_go()
                    self._file = self._open()
                if self._lost:
                    self._file.write(f'{{"event":"lines lost","level":"warning","lines":{self._lost}}}\n')
                self._file.write(line)
                self._file.flush()
                self._lost = 0
            except (OSError, ValueError):
                self._lost += 1
        self._let_go()

    def _let_go(self) -> None:
        if self._file is not sys.stderr:
            with suppress(OSError):
                self._file.close()


def open_log(path: Path | None) -> LossyFile:
    """The file to log to; standard error where none is named. Raises `Unavailable` where it cannot be opened."""
    if path is None:
        return LossyFile(lambda: sys.stderr)

    def opened() -> IO[str]:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, MODE), "w", encoding="utf-8")

    try:
        return LossyFile(opened)
    except OSError as error:
        raise Unavailable(
            f"the log {path} cannot be written: {error.strerror}; name another place with --log"
        ) from None


def configure(file: LossyFile, *, requests: bool) -> None:
    """Have everything logged to a file; `requests`: every request too, not only what went wrong."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Where it happened, and never what the variables held: headers with tokens are among them.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if requests else logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(file=file),  # type: ignore[arg-type]  # all it asks for is write
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setLevel(logging.WARNING)
    # What strangers send that is no HTTP would fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Handler(logging.Handler):
    """Brings what libraries log into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record, with its traceback where it has one."""
        told: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
        structlog.get_logger(record.name).log(record.levelno, record.getMessage()[:2000], **told)
