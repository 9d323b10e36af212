"""The audit of a serving installation, run by itself once a day; its latest result is for everyone to see."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from counterfoil.home import Home
from counterfoil.home_audit import HomeAudited

INTERVAL_SECONDS: Final = 86_400.0
FIRST_SECONDS: Final = 2.0
"""After how long the first one begins: a start has other things to do."""
NICENESS: Final = 10
COMMAND: Final = """
import os, runpy, sys, threading

def end_with_the_server():
    sys.stdin.buffer.read()
    os._exit(1)

threading.Thread(target=end_with_the_server, daemon=True).start()
runpy.run_module("counterfoil", run_name="__main__")
"""
"""What the audit's process runs. Its standard input ends when the server does, be it killed: were it to go on alone, it
would hold the home for itself, and the next server could not start before its end."""

_Result: TypeAlias = tuple[HomeAudited | None, str | None]


@dataclass(frozen=True)
class AuditResult:
    """One audit: when it began (seconds since 1970), how many seconds it took, what it found or why it could not."""

    began: float
    seconds: float
    audited: HomeAudited | None
    error: str | None


class Auditing:
    """Audits a home from time to time, in a process of its own: it takes a core, and requests need this one's.

    `clock` gives seconds since 1970.
    """

    def __init__(self, home: Home, clock: Callable[[], float], interval: float = INTERVAL_SECONDS):
        self._home = home
        self._clock = clock
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="auditing")
        self._process: subprocess.Popen[bytes] | None = None
        self.latest: AuditResult | None = None
        """The latest result; None until the first audit has ended."""

    def start(self) -> None:
        """Begin, a moment from now."""
        self._thread.start()

    def stop(self) -> None:
        """End, and with it an audit that runs."""
        self._ended.set()
        self._terminate()
        self._thread.join()

    def audit(self) -> AuditResult | None:
        """Audit now; None where it was ended before it was done."""
        began = self._clock()
        command = [sys.executable, "-c", COMMAND, "audit", "--json", "--home", str(self._home.folder)]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        try:
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing) as process:
                self._process = process
                if self._ended.is_set():
                    self._terminate()
                with suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
                told = process.stdout.read() if process.stdout is not None else b""
        except OSError as error:
            result: _Result = (None, f"the audit could not be started: {error.strerror}")
        else:
            if self._ended.is_set():
                return None
            result = _read(told)
        self.latest = AuditResult(began, self._clock() - began, *result)
        return self.latest

    def _terminate(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def _run(self) -> None:
        wait = FIRST_SECONDS
        while not self._ended.wait(wait):
            self.audit()
            wait = self._interval


def _read(told: bytes) -> _Result:
    """What the audit's process said last: its result, or why there is none."""
    lines = told.splitlines()
    try:
        return msgspec.json.decode(lines[-1], type=HomeAudited), None
    except (IndexError, msgspec.DecodeError):
        pass
    try:
        return None, str(msgspec.json.decode(lines[-1])["error"]["message"])
    except (IndexError, KeyError, TypeError, msgspec.DecodeError):
        return None, "the audit ended before it was done"
