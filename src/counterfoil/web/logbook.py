"""The process's log: one JSON object a line, on standard error or in a file.

A log that cannot be written (a full disk) holds nothing up: what it loses is counted and told once it can be.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import IO, Any, Final

import structlog

from counterfoil.errors import Unavailable

MODE: Final = 0o640


class LossyFile:
    """A file of lines which, where one cannot be written, loses it and goes on."""

    def __init__(self, file: IO[str]):
        self._file = file
        self._lost = 0

    def write(self, text: str) -> None:
        """Write a line, and before it how many were lost."""
        try:
            if self._lost:
                self._file.write(f'{{"event":"lines lost","level":"warning","lines":{self._lost}}}\n')
            self._file.write(text)
            self._file.flush()
            self._lost = 0
        except (OSError, ValueError):
            self._lost += 1

    def flush(self) -> None:
        """Nothing waits."""


def open_log(path: Path | None) -> LossyFile:
    """The file to log to; standard error where none is named. Raises `Unavailable` where it cannot be opened."""
    if path is None:
        return LossyFile(sys.stderr)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
    except OSError as error:
        raise Unavailable(
            f"the log {path} cannot be written: {error.strerror}; name another place with --log"
        ) from None
    return LossyFile(os.fdopen(descriptor, "w", encoding="utf-8"))


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
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Handler(logging.Handler):
    """Brings what libraries log into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record, with its traceback where it has one."""
        told: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
        structlog.get_logger(record.name).log(record.levelno, record.getMessage()[:2000], **told)
