"""An import that is killed at random moments, again and again, and in the end is as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from counterfoil.node import Node
from tests.registry.rsf_lines import T1, T2, add, entry

KILLS = 50
ENTRIES = 12_000
DEFINITION = {"fields": ["plot", "owner"], "register": "plot", "text": "Plots"}


def plots() -> bytes:
    """A register with so many entries that they are written in many transactions."""
    items = [{"owner": f"owner {number}", "plot": str(number)} for number in range(ENTRIES)]
    return b"".join(
        [
            add(DEFINITION),
            *map(add, items),
            entry("system", "register:plot", T1, DEFINITION),
            *(entry("user", item["plot"], T2, item) for item in items),
        ]
    )


def versions(home: Path) -> list[tuple[str, int]]:
    """The records of the register as they stand in the log, in its order."""
    with Node.open(home) as node:
        entries = [node.entry(number) for number in range(node.store.head.size)]
    return [(each.record, each.version) for each in entries if each.register == "plot"]


def counterfoil(*arguments: object) -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-m", "counterfoil", *map(str, arguments)]


def check_whole(home: Path, file: Path) -> None:
    """The register that was imported is the file, and nothing stored is other than it must be."""
    exported = subprocess.run(counterfoil("export", "plot", "--home", home), capture_output=True, check=True)
    assert exported.stdout == file.read_bytes()
    audited = subprocess.run(counterfoil("audit", "--home", home), capture_output=True, check=False)
    assert audited.returncode == 0, audited.stdout


def test_imports_killed_at_random_moments_end_whole(tmp_path: Path) -> None:
    random, file = Random(6), tmp_path / "plot.rsf"
    file.write_bytes(plots())
    killed = held = number = 0
    while killed < KILLS:
        home = tmp_path / f"home-{number}"
        with subprocess.Popen(
            counterfoil("import", file, "--home", home, "--json"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                assert process.wait(random.uniform(0.05, 0.9)) == 0
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
        if process.returncode == 0:
            check_whole(home, file)
            held, number = 0, number + 1
        elif home.exists():
            stored = versions(home)
            assert stored == [(str(plot), 1) for plot in range(len(stored))]
            assert len(stored) >= held
            held = len(stored)
    subprocess.run(counterfoil("import", file, "--home", home), capture_output=True, check=True)
    check_whole(home, file)
