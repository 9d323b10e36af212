"""How results, errors and progress are shown, on a terminal and anywhere else."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import errors
from counterfoil.cli.failure import Failure, failure_of, unexpected
from counterfoil.cli.output import Output, columns, printable
from counterfoil.cli.progress import Progress
from counterfoil.errors import (
    Busy,
    Conflict,
    CounterfoilError,
    Damaged,
    Lapsed,
    Malformed,
    NotFound,
    Refused,
    Reused,
    Unauthorised,
    Unavailable,
    Unverified,
    Violated,
)
from tests.cli.calling import COMMAND, environment

# Text and documents


def test_people_and_machines_are_told_apart(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for json in (False, True):
        output = Output(json=json)
        output.say("a line")
        output.tell({"step": 1})
        output.result({"done": True}, "done", "and dusted")
    assert capsysbinary.readouterr().out == b'a line\ndone\nand dusted\n{"step":1}\n{"done":true}\n'


def test_an_error_goes_to_standard_error_or_is_a_document(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    failure = Failure(1, "conflict", "it has moved on", {"field": "owner"})
    Output(json=False).error(failure)
    Output(json=True).error(failure)
    said = capsysbinary.readouterr()
    assert said.err == b"counterfoil: it has moved on\n"
    assert said.out == b'{"error":{"kind":"conflict","message":"it has moved on","field":"owner"}}\n'


def test_a_note_is_beside_the_result(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    Output(json=True).note("by the way")
    assert capsysbinary.readouterr() == (b"", b"by the way\n")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "\\u0141\\xf3d\\u017a"), ("latin-1", "\\u0141ód\\u017a"), ("utf-8", "Łódź")],
)
def test_a_locale_that_lacks_a_letter_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    Output(json=False).say("Łódź")
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == f"{shown}\n"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([("a", "bbb", "c"), ("aaa", "b"), ("a", "b", "ccc")], "> ") == [
        "> a    bbb  c",
        "> aaa  b",
        "> a    b    ccc",
    ]
    assert columns([]) == []


@given(st.text())
def test_whatever_is_printable_and_nothing_else_reaches_a_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert (shown == text) is text.isprintable()


# Failures


ERRORS = [
    (Refused("x"), 1, "refused"),
    (Conflict("x"), 1, "conflict"),
    (Reused("x"), 1, "reused"),
    (Violated("x", constraint="c"), 1, "violated"),
    (Unauthorised("x"), 1, "unauthorised"),
    (Lapsed("x"), 1, "lapsed"),
    (Malformed("x"), 1, "malformed"),
    (Unverified("x"), 1, "unverified"),
    (NotFound("x"), 3, "not-found"),
    (Damaged("x"), 3, "damaged"),
    (Busy("x"), 3, "busy"),
    (Unavailable("x"), 3, "unavailable"),
]


@pytest.mark.parametrize(("error", "code", "kind"), ERRORS)
def test_each_error_has_its_code_and_kind(error: CounterfoilError, code: int, kind: str) -> None:
    assert failure_of(error)[:3] == (code, kind, "x")


def test_no_error_is_forgotten() -> None:
    named = {name for name, each in vars(errors).items() if isinstance(each, type) and each.__doc__}
    assert named == {"CounterfoilError", *(type(each).__name__ for each, *_ in ERRORS)}


def test_a_violation_says_which_rule() -> None:
    error = Violated("x", constraint="one-owner", field="owner", citation="Act, s. 1")
    assert failure_of(error).document == {
        "kind": "violated",
        "message": "x",
        "constraint": "one-owner",
        "field": "owner",
        "citation": "Act, s. 1",
    }


def test_what_nobody_meant_is_one_line_of_bounded_length() -> None:
    failure = unexpected(ValueError("a\n\n  b" + "c" * 1000))
    assert failure.code == 3
    assert "\n" not in failure.message
    assert "(ValueError: a bccc" in failure.message
    assert len(failure.message) < 500


# Progress


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal, or that it is not."""

    def __init__(self, terminal: bool):
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as progress sees it: the last of the list."""
    told = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: told[-1])
    return told


def test_where_there_is_no_terminal_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, moments: list[float]
) -> None:
    stream = Terminal(terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    shown = Progress("import country", "entries")
    for moment, done in ((101, 1000), (109.9, 2000), (110, 3000), (115, 4000), (121, 5000)):
        moments.append(moment)
        shown.tell(done, 10_000)
    shown.close()
    assert stream.getvalue().splitlines() == [
        "import country: 3,000 of 10,000 entries",
        "import country: 5,000 of 10,000 entries",
    ]


def test_what_is_done_soon_shows_nothing_and_loads_nothing(
    monkeypatch: pytest.MonkeyPatch, moments: list[float]
) -> None:
    stream = Terminal(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    shown = Progress("audit", "entries")
    moments.append(100.4)
    shown.tell(10, 10)
    shown.close()
    assert stream.getvalue() == ""


def test_on_a_terminal_a_bar_after_a_while(monkeypatch: pytest.MonkeyPatch, moments: list[float]) -> None:
    stream = Terminal(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    shown = Progress("audit", "entries")
    moments.append(100.6)
    shown.tell(500, 1000)
    shown.tell(750, 1000)
    shown.close()
    assert "audit" in stream.getvalue()
    assert "/1000" in stream.getvalue()


# A real terminal


def on_terminal(*arguments: str, env: dict[str, str]) -> tuple[str, int]:
    """What a call shows on a terminal of its own."""
    leader, follower = pty.openpty()
    running: subprocess.Popen[Any] = subprocess.Popen(
        [*COMMAND, *arguments], stdin=follower, stdout=follower, stderr=follower, env=environment(env)
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        shown += data
    os.close(leader)
    return shown.decode(), running.wait()


def test_styles_are_for_a_terminal_that_wants_them(land: Path) -> None:
    shown, code = on_terminal("audit", env={"TERM": "xterm", "NO_COLOR": ""})
    assert (code, shown.startswith("\x1b[32m")) == (0, True)
    for env in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
        assert "\x1b" not in on_terminal("audit", env=env)[0]
