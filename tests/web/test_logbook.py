"""The process's log: what went wrong and where, and never what a variable held."""

from __future__ import annotations

import io
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from counterfoil.web.logbook import MAX_LINES, LossyFile, configure, open_log


class Kept(io.StringIO):
    """A file whose text can be read once it is closed."""

    kept = ""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    file = Kept()
    handlers, level = logging.root.handlers[:], logging.root.level
    log = LossyFile(lambda: file)
    configure(log, requests=True)
    yield file
    log.close()
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
    deadline = time.monotonic() + 10
    while not lines.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    told = json.loads(lines.getvalue())
    assert told["event"] == "unexpected"
    assert told["exception"].endswith("ValueError: 10 characters")
    assert 'fail("cft_secret")' in told["exception"]  # a line of this file, as in any traceback
    assert "cft_secret" not in told["exception"].replace('fail("cft_secret")', "")


class FullDisk(Kept):
    """A file on a disk that is full for a while."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_lines_that_are_lost_are_counted() -> None:
    disk = FullDisk()
    log = LossyFile(lambda: disk)
    log.write("one\n")
    log.write("two\n")
    deadline = time.monotonic() + 10
    while log._lost < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    disk.full = False
    log.write("three\n")
    log.close()
    assert disk.kept == '{"event":"lines lost","level":"warning","lines":2}\nthree\n'


def test_a_pipe_that_nobody_reads_holds_nobody_up() -> None:
    out, into = os.pipe()
    with os.fdopen(out):
        log = LossyFile(lambda: os.fdopen(into, "w"))
        # Until its thread waits for the pipe, and the lines that wait are as many as may.
        deadline = time.monotonic() + 30
        before = -1
        while (waiting := log._lines.qsize()) != before or waiting < MAX_LINES:
            assert time.monotonic() < deadline
            before = waiting
            for _ in range(MAX_LINES):
                log.write("x" * 100 + "\n")
            time.sleep(0.1)
        log.write("one more\n")
        assert log._lost > 0
        os.set_blocking(into, False)  # lets the thread end: what it waits for is refused from now on
        os.read(out, 1 << 20)
        log.close()


def test_after_the_file_was_moved_away_it_goes_on_in_a_new_one(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    log.write("one\n")
    deadline = time.monotonic() + 10
    while not (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.reopen()
    log.write("two\n")
    log.close()
    assert (tmp_path / "log.1").read_text() == "one\n"
    assert (tmp_path / "log").read_text() == "two\n"
