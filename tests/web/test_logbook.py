"""The process's log: what went wrong and where, and never what a variable held."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from counterfoil.web.logbook import LossyFile, configure


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    file = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    configure(LossyFile(file), requests=True)
    yield file
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def fail(secret: str) -> None:
    raise ValueError(f"{len(secret)} characters")


def test_an_error_says_where_and_not_with_what(lines: io.StringIO) -> None:
    try:
        fail("cft_secret")
    except ValueError as error:
        structlog.get_logger("request").error("unexpected", exc_info=error)
    told = json.loads(lines.getvalue())
    assert told["event"] == "unexpected"
    assert told["exception"].endswith("ValueError: 10 characters")
    assert 'fail("cft_secret")' in told["exception"]  # a line of this file, as in any traceback
    assert "cft_secret" not in told["exception"].replace('fail("cft_secret")', "")


class Full(io.StringIO):
    """A file on a disk that is full for a while."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_lines_that_are_lost_are_counted() -> None:
    disk = Full()
    log = LossyFile(disk)
    log.write("one\n")
    log.write("two\n")
    disk.full = False
    log.write("three\n")
    assert disk.getvalue() == '{"event":"lines lost","level":"warning","lines":2}\nthree\n'
