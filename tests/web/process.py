"""`counterfoil serve` as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.calling import COMMAND, environment

START = "import sys; from counterfoil.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Serving:
    """A serving process and the address that it said."""

    process: subprocess.Popen[bytes]
    url: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rstrip("/").rsplit(":", 1)[1])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send it a signal and wait: its exit code, and what it said on standard error."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()


@contextmanager
def serving(home: Path, *options: str, first: str = "") -> Iterator[Serving]:
    """Serve the installation in a folder until the end of the block, on a free port.

    `first` is what the process does before anything else: a machine that is not as it should be.
    """
    start = [COMMAND[0], "-c", f"{first}\n{START}"] if first else [*COMMAND]
    command = [*start, "serve", "--home", str(home), "--json", "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert b"address" in line, line + process.stderr.read()
            yield Serving(process, json.loads(line)["address"])
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
