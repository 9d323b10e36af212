"""What a call of the command ended with, and calling it as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

SOURCE = Path(__file__).parents[2] / "src"
COMMAND = (sys.executable, "-m", "counterfoil")


class Ended(NamedTuple):
    """How a call ended: its exit code, standard output and standard error."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.out.decode()

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The JSON documents on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        """The last of them, which is the result."""
        return self.documents[-1]

    @property
    def error(self) -> dict[str, Any]:
        """What a result says of an error."""
        found: dict[str, Any] = self.result["error"]
        return found


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with the package in its path and some changes."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), **(changes or {})}


def process(*arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ended:
    """Call the command as a process of its own, without a terminal."""
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)], input=stdin, capture_output=True, env=environment(env), check=False
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr.decode())


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file below a folder: when it was last changed, and the hash of its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
