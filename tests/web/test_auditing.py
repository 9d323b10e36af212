"""A serving node audits itself in a process of its own: the result is seen, a reason is told, an end is an end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.node import Node
from counterfoil.web import auditing as module
from counterfoil.web.auditing import Auditing
from tests.cli.calling import SOURCE, environment
from tests.gateway.witness_served import until

SLEEPER = "import time; print('{}', flush=True); time.sleep(600)"
"""An audit that takes long."""


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    with Node.open(tmp_path / "home") as opened:
        yield opened


def test_an_audit_of_what_is_written_to_says_what_it_found(node: Node) -> None:
    auditing = Auditing(node.home, Clock())
    assert auditing.latest is None
    result = auditing.audit()
    assert result is auditing.latest is not None
    assert (result.began, result.seconds, result.error) == (1_001.0, 1.0, None)
    assert result.audited is not None
    assert (result.audited.entries, result.audited.findings) == (6, ())
    node.home.trust.write_bytes(b"{}")
    again = auditing.audit()
    assert again is not None
    assert again.audited is not None
    assert [finding.where for finding in again.audited.findings] == ["trust.json"]


def test_an_audit_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    result = Auditing(Home(tmp_path / "none"), Clock()).audit()
    assert result is not None
    assert result.audited is None
    assert result.error == (
        f"there is no installation in {tmp_path / 'none'}; make one with: counterfoil init --home {tmp_path / 'none'}"
    )


@pytest.mark.parametrize(
    "said",
    [b"", b"\n", b"no JSON", b"{}", b"[]", b"7", b'{"error":7}', b'{"error":{}}', b'{"error":[]}', b"\xff"],
)
def test_one_that_ends_before_it_is_done_is_no_result(
    node: Node, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(module, "COMMAND", f"import sys; sys.stdout.buffer.write({said!r})")
    result = Auditing(node.home, Clock()).audit()
    assert result is not None
    assert (result.audited, result.error) == (None, "the audit ended before it was done")


def test_one_that_cannot_be_started_says_so(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    result = Auditing(node.home, Clock()).audit()
    assert result is not None
    assert result.error == "the audit could not be started: No such file or directory"


def test_it_runs_by_itself_again_and_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(module, "COMMAND", "")
    clock = Clock()
    auditing = Auditing(node.home, clock, interval=0.01)
    auditing.start()
    try:
        until(lambda: clock.now >= 1_006, "three audits")
    finally:
        auditing.stop()
    latest = auditing.latest
    assert latest is not None
    assert latest.error == "the audit ended before it was done"


def test_stopping_ends_one_that_runs_and_keeps_the_result_before(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(module, "COMMAND", SLEEPER)
    auditing = Auditing(node.home, Clock())
    auditing.start()
    until(lambda: auditing._process is not None, "the audit runs")
    auditing.stop()
    assert auditing.latest is None
    assert auditing._process is not None
    assert auditing._process.poll() is not None


def test_stopping_while_one_is_being_started_ends_it_too(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", SLEEPER)
    auditing, begun, go = Auditing(node.home, Clock()), threading.Event(), threading.Event()
    popen = subprocess.Popen

    def slow(*arguments: object, **named: object) -> object:
        begun.set()
        assert go.wait(20)
        return popen(*arguments, **named)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(subprocess, "Popen", slow)
    auditing.start()
    assert begun.wait(20)
    stopping = threading.Thread(target=auditing.stop)
    stopping.start()
    until(auditing._ended.is_set, "it is told to stop")
    go.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert auditing.latest is None


SERVER = """
import signal, sys, threading
from pathlib import Path
from counterfoil.home import Home
from counterfoil.web import auditing as module
module.FIRST_SECONDS = 0.0
module.COMMAND = module.COMMAND.replace("runpy.run_module", "import time; print; time.sleep(600); runpy.run_module")
auditing = module.Auditing(Home(Path(sys.argv[1])), lambda: 0.0)
auditing.start()
while auditing._process is None:
    pass
print(auditing._process.pid, flush=True)
signal.pause()
"""


def test_one_whose_server_is_killed_does_not_live_on(node: Node) -> None:
    # It would take the home for itself, and the next server would have to wait until it is done.
    command = [sys.executable, "-c", SERVER, str(node.home.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as server:
        assert server.stdout is not None
        audit = Path("/proc") / server.stdout.readline().decode().strip()
        assert audit.exists()
        server.kill()
    until(lambda: not running(audit), "the audit has ended")


def running(process: Path) -> bool:
    """Whether a process runs; one that has ended and nobody has asked about is none."""
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
